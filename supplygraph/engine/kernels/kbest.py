"""The K best routes from one source to many targets, all at once.

A route is simple: it passes no vertex twice. Where nothing leads back every walk is a route, and one sweep along
the arcs finds the K best to every vertex. Where ports lead to each other, each such group is solved by itself
(:mod:`supplygraph.engine.kernels.circles`), which is exact because a route enters and leaves a group once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.kernels import Integers, circles, compiled
from supplygraph.engine.kernels.csr import check, index
from supplygraph.engine.kernels.order import upstream
from supplygraph.errors import DataError, LimitError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.engine.kernels.order import Order

    Floats = NDArray[np.float64]


class Best(NamedTuple):
    """K best routes to each target, as steps that lead back to the source.

    Attributes
    ----------
    value
        Targets x k: length of each route, rising; ``inf`` = there is no further one.
    last
        Targets x k: the last step of each route; -1 = no route or no step.
    arc, before
        Per step: its arc, and the step before it. The source has the steps whose arc is -1.
    """

    value: Floats
    last: Integers
    arc: Integers
    before: Integers


def k_best(
    size: int, tail: Integers, head: Integers, weight: Floats, source: int, targets: Integers, k: int,
    *, factor: Floats | None = None,
) -> Best:  # fmt: skip
    """Return the k shortest routes from the source to every target.

    Parameters
    ----------
    size
        Number of vertices.
    tail, head
        Ends of each arc. Parallel arcs make different routes.
    weight
        Length of each arc; ``inf`` closes it. Below 0 only where no circle leads through the arc.
    source
        Where routes begin; for several origins a vertex of its own with an arc to each.
    targets
        Vertices.
    k
        Routes per target, at least 1.
    factor
        Per arc, above 0: a route of length x becomes ``x factor + weight`` by the arc (at a plant with a recovery of
        0.9, a tonne out has cost as much as 1 / 0.9 tonnes in). 1 where a circle leads through the arc.

    Returns
    -------
    Best
        :func:`routes` reads the arcs. Of equal lengths, without circles: the smaller last arc comes first, then
        the better way to its tail.

    Raises
    ------
    DataError
        When a vertex does not exist, lengths differ, k is below 1, a weight is NaN or -inf, or a factor is not above
        0 and finite.
    LimitError
        When weights below 0 or factors other than 1 lie on a circle: the k best routes are then a hard problem.

    Notes
    -----
    Exact. Without circles: dynamic programming in topological order, O(k arcs). Groups of vertices that reach each
    other are taken in that order too, as if their entries were arcs from one source: k labels per vertex, each the
    next best that repeats no vertex. These are the k best routes wherever no label that a full list turned away
    could have become one (tested); else the vertex is solved by Yen's deviations (Management Science 17,
    1971) with exact distances as bounds, where it leads out of the group or is a target.

    Examples
    --------
    >>> tail, head = np.array([0, 0, 0, 1, 2]), np.array([1, 1, 2, 3, 3])
    >>> best = k_best(4, tail, head, np.array([1.0, 2.0, 1.0, 3.0, 4.0]), 0, np.array([3]), 3)
    >>> best.value.tolist()
    [[4.0, 5.0, 5.0]]
    >>> ptr, arcs = routes(best)
    >>> [arcs[a:b].tolist() for a, b in zip(ptr, ptr[1:])]
    [[0, 3], [1, 3], [2, 4]]
    """
    _refuse(size, tail, head, weight, source, targets, k, factor)
    used = np.flatnonzero((weight < np.inf) & (tail != head)).astype(np.int32)
    whole = len(used) == len(tail)
    if not whole:
        tail, head, weight = tail[used], head[used], weight[used]
        factor = None if factor is None else factor[used]
    scale = np.zeros(0) if factor is None else np.ascontiguousarray(factor, dtype=np.float64)
    order = upstream(size, tail, head, ends=targets, source=source)
    sweep = _Sweep(order, tail, head, np.ascontiguousarray(weight, dtype=np.float64), scale, source, size, k)
    arc, before = sweep.run(targets)
    last = np.asarray(targets, dtype=np.int64)[:, None] * k + np.arange(k)
    value = sweep.value[targets]
    last[np.isinf(value)] = -1
    return Best(value, last, arc if whole else np.append(used, np.int32(-1))[arc], before)


def routes(best: Best) -> tuple[Integers, Integers]:
    """Return the arcs of all routes.

    Returns
    -------
    ptr, arcs
        Route r to target i has the arcs ``arcs[ptr[i k + r]:ptr[i k + r + 1]]``, in order of travel; none where there
        is no such route (or the target is the source). Int64 and int32.

    Examples
    --------
    >>> best = k_best(3, np.array([0, 1]), np.array([1, 2]), np.ones(2), 0, np.array([2]), 2)
    >>> ptr, arcs = routes(best)
    >>> ptr.tolist(), arcs.tolist()
    ([0, 2, 2], [0, 1])
    """
    ptr = _lengths(best.last.ravel(), best.before)
    return ptr, _arcs(best.last.ravel(), ptr, best.arc, best.before)


class _Sweep:
    """One sweep along the order; step ``v k + r`` is the last of route r to vertex v, further ones come behind."""

    def __init__(
        self, order: Order, tail: Integers, head: Integers, weight: Floats, scale: Floats, source: int,
        size: int, k: int,
    ) -> None:  # fmt: skip
        self.value = np.full((size, k), np.inf)
        self.arc, self.before = np.full((size, k), -1, dtype=np.int32), np.full((size, k), -1, dtype=np.int64)
        self.value[source, 0] = 0.0
        self._order, self._head, self._group = order, head, np.empty(0, dtype=np.int32)
        self._graph = (source, order.ptr, order.ids, tail, weight, scale)

    def run(self, targets: Integers) -> tuple[Integers, Integers]:
        """Fill the table; return the arc of every step and the step before it."""
        order, loops = self._order, self._order.loops
        steps = [(self.arc.reshape(-1), self.before.reshape(-1))]
        start, more = 0, self.value.size
        if len(loops):
            needed, ptr, inner = self._prepare(targets)
        for loop in loops.tolist():
            self._pull(order.vertices[order.bounds[start] : order.bounds[loop]])
            members = np.sort(order.vertices[order.bounds[loop] : order.bounds[loop + 1]])
            steps.append(self._circle(members, inner[ptr[loop] : ptr[loop + 1]], needed[members], more))
            more += len(steps[-1][0])
            start = loop + 1
        self._pull(order.vertices[order.bounds[start] :])
        arc, before = (np.concatenate(column) for column in zip(*steps, strict=True))
        return arc, before

    def _pull(self, vertices: Integers) -> None:
        """Gather the best from outside their group."""
        _gather(vertices, self._group, *self._graph, self.value, self.arc, self.before)

    def _prepare(self, targets: Integers) -> tuple[NDArray[np.bool_], Integers, Integers]:
        """Give groups their numbers; return where routes are needed at all, and the arcs inside each group."""
        order, (_, _, _, tail, weight, scale) = self._order, self._graph
        count = len(order.bounds) - 1
        self._group = np.full(len(self.value), -1, dtype=np.int32)
        self._group[order.vertices] = np.repeat(np.arange(count), np.diff(order.bounds))
        begin, end = self._group[tail], self._group[self._head]
        same = np.flatnonzero((begin == end) & (end >= 0))
        if (weight[same] < 0).any() or (len(scale) and (scale[same] != 1.0).any()):
            raise LimitError(
                f"{np.diff(order.bounds)[order.loops].sum()} vertices lead round in circles, some by arcs with weights "
                "below 0 or factors other than 1, where the best routes are a hard problem. Correct these arcs, or "
                "close them (weight inf)."
            )
        needed = np.zeros(len(self.value), dtype=np.bool_)
        needed[targets] = True
        needed[tail[begin != end]] = True  # leads out of its group
        ptr, ids = index(end[same], count)
        return needed, ptr, same[ids]

    def _circle(
        self, members: Integers, inner: Integers, needed: NDArray[np.bool_], first: int
    ) -> tuple[Integers, Integers]:
        """Solve a group whose vertices reach each other; its steps are numbered from ``first``."""
        tail, weight = self._graph[3], self._graph[4]
        self._pull(members)
        tails, heads = (np.searchsorted(members, ends[inner]).astype(np.int32) for ends in (tail, self._head))
        found, _ = circles.solve(circles.Group.of(tails, heads, weight[inner], self.value[members]), needed)
        # Steps of the entries stand for routes from outside; the others come from the group.
        entries = found.value.size
        arc = np.where(found.arc < 0, found.arc, inner[found.arc]).astype(np.int32)
        before = found.before + first
        arc[:entries], before[:entries] = self.arc[members].reshape(-1), self.before[members].reshape(-1)
        none = found.last < 0
        self.value[members] = found.value
        self.arc[members] = np.where(none, -1, arc[found.last])
        self.before[members] = np.where(none, -1, before[found.last])
        return arc, before


def _refuse(
    size: int, tail: Integers, head: Integers, weight: Floats, source: int, targets: Integers, k: int,
    factor: Floats | None,
) -> None:  # fmt: skip
    check(np.array([source]), size, "source")
    check(targets, size, "target")
    lengths = [len(tail), len(head), len(weight), len(tail if factor is None else factor)]
    if len(set(lengths)) > 1:
        raise DataError(f"{lengths} tails, heads, weights and factors; expected as many of each.")
    if k < 1:
        raise DataError(f"k is {k}; expected 1 or more.")
    wrong = np.flatnonzero(~(weight > -np.inf))
    rows = [Problem(f"weight, arc {arc}", f"{weight[arc]}; expected a number or inf") for arc in wrong.tolist()]
    if factor is not None:
        wrong = np.flatnonzero(~((factor > 0) & (factor < np.inf)))
        rows += [Problem(f"factor, arc {arc}", f"{factor[arc]}; expected above 0") for arc in wrong.tolist()]
    if rows:
        raise DataError(f"{len(rows)} weights or factors cannot be used.", rows)


@compiled
def _gather(
    vertices: Integers, group: Integers, source: int, ptr: Integers, ids: Integers, tail: Integers, weight: Floats,
    scale: Floats, value: Floats, arc: Integers, before: Integers,
) -> None:  # fmt: skip
    """Fill rows with the best from outside the vertex's group (from anywhere, without groups)."""
    k = value.shape[1]
    for v in vertices:
        if v == source:
            continue
        for slot in range(ptr[v], ptr[v + 1]):
            a = ids[slot]
            u = tail[a]
            if group.size and group[u] == group[v]:
                continue
            for rank in range(k):
                length = value[u, rank]
                if scale.size:
                    length *= scale[a]
                length += weight[a]
                if not length < value[v, k - 1]:
                    break
                at = k - 1
                while at > 0 and value[v, at - 1] > length:
                    value[v, at], arc[v, at], before[v, at] = value[v, at - 1], arc[v, at - 1], before[v, at - 1]
                    at -= 1
                value[v, at], arc[v, at], before[v, at] = length, a, u * k + rank


@compiled
def _lengths(last: Integers, before: Integers) -> Integers:
    """Count the arcs of each route; the first step of the source is no arc."""
    ptr = np.zeros(last.size + 1, dtype=np.int64)
    for route in range(last.size):
        count, step = 0, last[route]
        while step >= 0 and before[step] >= 0:
            count, step = count + 1, before[step]
        ptr[route + 1] = ptr[route] + count
    return ptr


@compiled
def _arcs(last: Integers, ptr: Integers, arc: Integers, before: Integers) -> Integers:
    arcs = np.empty(ptr[-1], dtype=np.int32)
    for route in range(last.size):
        step = last[route]
        for place in range(ptr[route + 1] - 1, ptr[route] - 1, -1):
            arcs[place], step = arc[step], before[step]
    return arcs
