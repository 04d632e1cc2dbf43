"""Max flow on integer arrays, its residual graph, minimum cuts and strongly connected components.

The residual graph keeps two slots for every arc: the room that is left, and the flow that can be taken back.
Parallel arcs keep their own slots. Everything after a solve reads the same arrays.

Notes
-----
Dinic (1970): phases, each a breadth-first search from the sink and a blocking flow along shortest paths with a
current-arc pointer per vertex; O(n^2 m) at worst, a few sweeps over the arcs on layered networks. Components by
Tarjan (1972), one sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.kernels import Integers, compiled
from supplygraph.engine.kernels.csr import check
from supplygraph.errors import DataError, LimitError, UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: More than any flow: the sum of all capacities must stay below.
HUGE = 2**62
#: Slots are numbered in 32 bits, two per arc.
_MOST = 2**30 - 1


class Residual(NamedTuple):
    """A residual graph: per vertex a run of slots, per slot where it leads and how much still fits.

    Attributes
    ----------
    ptr
        Slots of vertex v are ``ptr[v]`` to ``ptr[v + 1] - 1``, int64 ``(n + 1,)``.
    head, rev
        Per slot its end and the slot of the opposite direction, int32 ``(2 m,)``.
    cap
        Per slot the room left, int64; the only part that a solve changes.
    place
        Slot of each arc, int32 ``(m,)``: ``cap[place[a]]`` is its room, ``cap[rev[place[a]]]`` its flow.
    """

    ptr: Integers
    head: Integers
    rev: Integers
    cap: Integers
    place: Integers


def residual(size: int, tail: Integers, head: Integers, capacity: Integers) -> Residual:
    """Lay out the residual graph of a network without flow.

    Parameters
    ----------
    size
        Number of vertices.
    tail, head
        Ends of each arc, shape ``(m,)``. Parallel arcs and loops are fine.
    capacity
        Whole units, at least 0. Infinite is any number at least as large as the sum of all finite ones.

    Raises
    ------
    DataError
        When an end is not a vertex, lengths differ or a capacity is negative.
    LimitError
        When there are too many arcs for 32 bits, or capacities add up to ``HUGE``.

    Notes
    -----
    O(size + m). At each vertex slots keep the order of the arcs.

    Examples
    --------
    >>> res = residual(3, np.array([0, 1, 1]), np.array([1, 2, 2]), np.array([5, 2, 1]))
    >>> max_flow(res, 0, 2)
    3
    >>> res.cap[res.rev[res.place]].tolist()  # flow on each arc
    [3, 2, 1]
    """
    if not len(tail) == len(head) == len(capacity):
        raise DataError(f"{len(tail)} tails, {len(head)} heads, {len(capacity)} capacities; expected as many of each.")
    if len(tail) > _MOST:
        raise LimitError(f"{len(tail)} arcs; expected at most {_MOST}. Ask about a part of the network.")
    check(tail, size, "tail")
    check(head, size, "head")
    if len(capacity) and capacity.min() < 0:
        raise DataError(f"the smallest capacity is {capacity.min()}; expected 0 or more.")
    if float(capacity.sum(dtype=np.float64)) >= HUGE:
        raise LimitError(f"capacities add up to {capacity.sum(dtype=np.float64):.3g}; expected less than {HUGE:.3g}.")
    return Residual(*_lay(size, tail, head, capacity.astype(np.int64)))


def max_flow(res: Residual, source: int, sink: int, limit: int = HUGE) -> int:
    """Send as much as possible from source to sink on top of the flow that is there; return how much was added.

    Parameters
    ----------
    res
        Changed in place (``cap`` only).
    source, sink
        Different vertices.
    limit
        Stop at this much.

    Notes
    -----
    Dinic (1970), deterministic: arcs are taken in their order.

    Examples
    --------
    >>> res = residual(3, np.array([0, 1]), np.array([1, 2]), np.array([5, 4]))
    >>> max_flow(res, 0, 2, limit=3), max_flow(res, 0, 2)
    (3, 1)
    """
    check_ends(res, source, sink)
    return int(_dinic(*res[:4], source, sink, limit))


def components(res: Residual) -> Integers:
    """Label the strongly connected components of the residual graph, int32 per vertex.

    Labels are numbered so that no open arc leads from a smaller to a larger one (reverse topological order).

    Examples
    --------
    >>> res = residual(3, np.array([0, 1]), np.array([1, 2]), np.array([5, 4]))
    >>> _ = max_flow(res, 0, 2)
    >>> components(res).tolist()  # the first arc has room and flow; the second is full
    [0, 0, 1]
    """
    labels: Integers = _tarjan(*res[:2], res.cap)
    return labels


def cut(res: Residual, terminal: int, near: str = "sink") -> NDArray[np.bool_]:
    """Tell which vertices are on the source's side of a minimum cut; ``res`` holds a max flow.

    Parameters
    ----------
    terminal
        The sink for ``near="sink"``, the source for ``near="source"``.
    near
        Which of all minimum cuts: the one nearest the sink, or the one nearest the source.

    Returns
    -------
    numpy.ndarray
        True on the source's side. The cut's arcs lead from True to False.

    Notes
    -----
    Vertices that can reach the sink in the residual graph, or that the source can reach: every minimum cut lies
    between these two (Ford and Fulkerson 1956; Picard and Queyranne 1980). O(m).

    Examples
    --------
    >>> res = residual(4, np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([5, 4, 4]))
    >>> _ = max_flow(res, 0, 3)
    >>> cut(res, 3).tolist(), cut(res, 0, near="source").tolist()
    ([True, True, True, False], [True, True, False, False])
    """
    if near not in {"sink", "source"}:
        raise UnknownNameError.of("end of a cut", near, ("sink", "source"))
    if not 0 <= terminal < len(res.ptr) - 1:
        raise DataError(f"terminal {terminal} is not a vertex; expected 0 to {len(res.ptr) - 2}.")
    found: NDArray[np.bool_] = _reach(*res[:4], terminal, near == "sink")
    return ~found if near == "sink" else found


def check_ends(res: Residual, source: int, sink: int) -> None:
    """Refuse ends that are not two different vertices."""
    size = len(res.ptr) - 1
    if not (0 <= source < size and 0 <= sink < size and source != sink):
        raise DataError(f"source {source} and sink {sink}; expected two different vertices, 0 to {size - 1}.")


@compiled
def _lay(size: int, tail: Integers, head: Integers, capacity: Integers) -> tuple[Integers, ...]:
    arcs = tail.size
    ptr = np.zeros(size + 1, dtype=np.int64)
    for arc in range(arcs):
        ptr[tail[arc] + 1] += 1
        ptr[head[arc] + 1] += 1
    for vertex in range(size):
        ptr[vertex + 1] += ptr[vertex]
    free = ptr.copy()
    to, rev = np.empty(2 * arcs, dtype=np.int32), np.empty(2 * arcs, dtype=np.int32)
    cap, place = np.zeros(2 * arcs, dtype=np.int64), np.empty(arcs, dtype=np.int32)
    for arc in range(arcs):
        u, w = tail[arc], head[arc]
        i = free[u]
        free[u] += 1
        j = free[w]
        free[w] += 1
        to[i], to[j] = w, u
        rev[i], rev[j] = j, i
        cap[i] = capacity[arc]
        place[arc] = i
    return ptr, to, rev, cap, place


@compiled
def _levels(
    ptr: Integers, head: Integers, rev: Integers, cap: Integers, source: int, sink: int,
    level: Integers, queue: Integers,
) -> None:  # fmt: skip
    """Count the steps to the sink, for vertices nearer than the source."""
    level[:] = -1
    level[sink] = 0
    queue[0] = sink
    first, last = 0, 1
    while first < last and level[source] < 0:
        u = queue[first]
        first += 1
        for i in range(ptr[u], ptr[u + 1]):
            w = head[i]
            if level[w] < 0 and cap[rev[i]] > 0:
                level[w] = level[u] + 1
                queue[last] = w
                last += 1


@compiled
def _dinic(ptr: Integers, head: Integers, rev: Integers, cap: Integers, source: int, sink: int, limit: int) -> int:
    size = ptr.size - 1
    level, queue = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    here, path = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    total = 0
    while total < limit:
        _levels(ptr, head, rev, cap, source, sink, level, queue)
        if level[source] < 0:
            break
        here[:] = ptr[:-1]
        depth, u = 0, source
        while True:
            if u == sink:
                most = limit - total
                for k in range(depth):
                    most = min(most, cap[path[k]])
                total += most
                full = -1
                for k in range(depth - 1, -1, -1):
                    cap[path[k]] -= most
                    cap[rev[path[k]]] += most
                    if cap[path[k]] == 0:
                        full = k
                if full < 0 or total == limit:
                    break
                depth = full
                u = head[rev[path[full]]]
            i = here[u]
            while i < ptr[u + 1] and (cap[i] == 0 or level[head[i]] != level[u] - 1):
                i += 1
            here[u] = i
            if i < ptr[u + 1]:
                path[depth] = i
                depth += 1
                u = head[i]
            elif depth == 0:
                break
            else:
                level[u] = -1
                depth -= 1
                u = head[rev[path[depth]]]
    return total


@compiled
def _tarjan(ptr: Integers, head: Integers, cap: Integers) -> Integers:
    size = ptr.size - 1
    number, low = np.full(size, -1, dtype=np.int32), np.empty(size, dtype=np.int32)
    label, stack = np.full(size, -1, dtype=np.int32), np.empty(size, dtype=np.int32)
    path, here = np.empty(size, dtype=np.int32), ptr[:-1].copy()
    count = labels = held = 0
    for root in range(size):
        if number[root] >= 0:
            continue
        depth = 0
        path[0] = root
        number[root] = low[root] = count
        count += 1
        stack[held] = root
        held += 1
        while depth >= 0:
            u = path[depth]
            down = False
            while here[u] < ptr[u + 1]:
                i = here[u]
                here[u] += 1
                if cap[i] == 0:
                    continue
                w = head[i]
                if number[w] < 0:
                    number[w] = low[w] = count
                    count += 1
                    stack[held] = w
                    held += 1
                    depth += 1
                    path[depth] = w
                    down = True
                    break
                if label[w] < 0:
                    low[u] = min(low[u], number[w])
            if down:
                continue
            if low[u] == number[u]:
                while True:
                    held -= 1
                    w = stack[held]
                    label[w] = labels
                    if w == u:
                        break
                labels += 1
            depth -= 1
            if depth >= 0:
                low[path[depth]] = min(low[path[depth]], low[u])
    return label


@compiled
def _reach(
    ptr: Integers, head: Integers, rev: Integers, cap: Integers, start: int, backward: bool,  # noqa: FBT001
) -> NDArray[np.bool_]:  # fmt: skip
    size = ptr.size - 1
    seen, queue = np.zeros(size, dtype=np.bool_), np.empty(size, dtype=np.int32)
    seen[start] = True
    queue[0] = start
    first, last = 0, 1
    while first < last:
        u = queue[first]
        first += 1
        for i in range(ptr[u], ptr[u + 1]):
            if not seen[head[i]] and cap[rev[i] if backward else i] > 0:
                seen[head[i]] = True
                queue[last] = head[i]
                last += 1
    return seen
