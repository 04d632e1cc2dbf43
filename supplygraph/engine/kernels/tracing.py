"""Where what passes a vertex came from: shares of origin along a flow, in one sweep.

Everything that enters a vertex mixes there. Cargoes mix in processes only, so vertices should be processes and
arcs shipments; on the flow through ports the answer mixes what ports in truth keep apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.kernels import Integers, compiled
from supplygraph.engine.kernels.csr import check
from supplygraph.engine.kernels.order import upstream
from supplygraph.errors import DataError, InfeasibleError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Shares that sum to 1 up to this much leave nothing for an origin.
_WHOLE = 1e-12


def origin_shares(
    size: int, tail: Integers, head: Integers, flow: Floats, own: Floats, group: Integers, groups: int
) -> Floats:
    """Return the share of each group of origins in what every vertex has.

    Parameters
    ----------
    size
        Number of vertices.
    tail, head, flow
        Ends of each arc and what it carries, at least 0.
    own
        Per vertex what begins there (mined, released from stock), in the unit of ``flow``.
    group
        Per vertex the group that its own belongs to, 0 to ``groups - 1``; -1 = none.
    groups
        How many there are.

    Returns
    -------
    float64 ``(size, groups)``
        Rows sum to 1, less what comes from vertices of no group; rows of vertices that nothing enters or begins at
        are 0.

    Raises
    ------
    DataError
        When a vertex or group does not exist, lengths differ, a flow is negative or not finite, or something leaves a
        vertex that nothing enters or begins at.
    InfeasibleError
        When vertices feed only each other; ``certificate`` has their numbers.

    Notes
    -----
    See :func:`sweep`.

    Examples
    --------
    Vertex 2 takes 3 t from group 0 and 1 t from group 1, and passes on 2 t.

    >>> tail, head, flow = np.array([0, 1, 2]), np.array([2, 2, 3]), np.array([3.0, 1.0, 2.0])
    >>> origin_shares(4, tail, head, flow, np.array([3.0, 1, 0, 0]), np.array([0, 1, -1, -1]), 2)[2:].tolist()
    [[0.75, 0.25], [0.75, 0.25]]
    """
    check(tail, size, "tail")
    check(head, size, "head")
    if not len(flow) == len(tail) == len(head) or not len(own) == len(group) == size:
        lengths, expected = (len(flow), len(tail), len(own), len(group)), (len(head), len(head), size, size)
        raise DataError(f"lengths of flow, tail, own and group are {lengths}; expected {expected}.")
    wrong = [
        Problem(f"{name}, row {row}", f"{values[row]}; expected a finite number, 0 or more")
        for name, values in (("flow", flow), ("own", own))
        for row in np.flatnonzero(~((values >= 0) & (values < np.inf))).tolist()
    ]
    if wrong:
        raise DataError(f"{len(wrong)} amounts cannot be traced.", wrong)
    known = np.flatnonzero((group != -1) & (own > 0))
    check(group[known], groups, "group")
    has = np.bincount(head, flow, size) + own
    empty = np.flatnonzero((np.bincount(tail, flow, size) > 0) & (has == 0))
    if len(empty):
        rows = [Problem(f"vertex {vertex}", "gives something, but has nothing") for vertex in empty.tolist()]
        raise DataError(f"{len(rows)} vertices give what they do not have.", rows)
    given = np.zeros((size, groups))
    given[known, group[known]] = own[known] / has[known]
    share = np.divide(flow, has[head], out=np.zeros(len(flow)), where=flow > 0)
    return sweep(size, tail, head, share, given)


def sweep(size: int, tail: Integers, head: Integers, share: Floats, given: Floats) -> Floats:
    """Solve ``x = given + W x``, where ``W[head, tail]`` is the share of each arc.

    Parameters
    ----------
    size
        Number of vertices.
    tail, head, share
        Ends and share of each arc, 0 or more; parallel arcs add up. Shares into a vertex sum to at most 1, or (for
        walks in the other direction) those out of one do.
    given
        One row per vertex; one or more columns.

    Returns
    -------
    float64, shaped like ``given``

    Raises
    ------
    DataError
        When an end is not a vertex or lengths differ.
    InfeasibleError
        When vertices feed only each other, so that nothing determines what they have; ``certificate`` has them.

    Notes
    -----
    Exact. One sweep in topological order, O(arcs x columns). Vertices that reach each other are solved together by
    sparse factorisation when their turn comes, so loops cost only where they are.

    Examples
    --------
    >>> sweep(3, np.array([0, 1, 2]), np.array([1, 2, 1]), np.array([0.5, 1.0, 0.5]), np.array([1.0, 0, 0])).tolist()
    [1.0, 1.0, 1.0]
    """
    if not len(tail) == len(head) == len(share) or len(given) != size:
        raise DataError(
            f"{len(tail)} tails, {len(head)} heads, {len(share)} shares and {len(given)} rows for {size} vertices."
        )
    used = np.flatnonzero(share)
    if len(used) < len(share):
        tail, head, share = tail[used], head[used], share[used]
    order = upstream(size, tail, head)
    found = np.array(given, dtype=np.float64, order="C").reshape(size, -1)
    share = np.ascontiguousarray(share, dtype=np.float64)
    alone: list[int] = []
    start = 0
    for stop, end in [(loop, loop + 1) for loop in order.loops.tolist()] + [(len(order.bounds) - 1,) * 2]:
        alone += _pull(
            order.vertices[order.bounds[start] : order.bounds[stop]], order.ptr, order.ids, tail, share, found
        )
        if end > stop:
            members = np.sort(order.vertices[order.bounds[stop] : order.bounds[end]])
            arcs = np.concatenate([order.ids[order.ptr[member] : order.ptr[member + 1]] for member in members])
            alone += _together(members, tail[arcs], head[arcs], share[arcs], found)
        start = end
    if alone:
        raise InfeasibleError(
            f"vertices {alone[:20]} feed only each other: nothing says what they have.", np.array(sorted(alone))
        )
    return found.reshape(given.shape)


def _together(members: Integers, tail: Integers, head: Integers, share: Floats, found: Floats) -> list[int]:
    """Solve vertices that reach each other; return them if nothing else determines what they have."""
    from scipy.sparse import csr_array, eye_array
    from scipy.sparse.linalg import splu

    count = len(members)
    place = np.minimum(np.searchsorted(members, tail), count - 1)
    inside, row = members[place] == tail, np.searchsorted(members, head)
    walk = csr_array((share[inside], (row[inside], place[inside])), shape=(count, count))
    # All rows (or all columns) of 1: the largest eigenvalue is 1, by Perron and Frobenius. Any less and it is below 1.
    if max(walk.sum(axis=axis).min() for axis in (0, 1)) >= 1.0 - _WHOLE:
        return [int(member) for member in members]
    entering = csr_array((share[~inside], (row[~inside], np.arange((~inside).sum()))), shape=(count, (~inside).sum()))
    right = found[members] + entering @ found[tail[~inside]]
    found[members] = splu((eye_array(count) - walk).tocsc()).solve(right)
    return []


@compiled
def _other(v: int, u: int, share: float) -> float:
    """Return the share of another vertex; of its own output a vertex gets nothing here."""
    return 0.0 if u == v else share


@compiled
def _pull(vertices: Integers, ptr: Integers, ids: Integers, tail: Integers, share: Floats, found: Floats) -> list[int]:
    """Add to each row those of the vertices that lead there; return vertices that have nothing but themselves.

    Four rows at a time: the sum is read and written a quarter as often, and four rows are fetched at once.
    """
    alone = [0 for _ in range(0)]
    for v in vertices:
        own, row = 0.0, found[v]
        for slot in range(ptr[v], ptr[v + 1]):
            if tail[ids[slot]] == v:
                own += share[ids[slot]]
        fours = ptr[v + 1] - (ptr[v + 1] - ptr[v]) % 4
        for slot in range(ptr[v], fours, 4):
            a, b, c, d = ids[slot], ids[slot + 1], ids[slot + 2], ids[slot + 3]
            part_a, row_a = _other(v, tail[a], share[a]), found[tail[a]]
            part_b, row_b = _other(v, tail[b], share[b]), found[tail[b]]
            part_c, row_c = _other(v, tail[c], share[c]), found[tail[c]]
            part_d, row_d = _other(v, tail[d], share[d]), found[tail[d]]
            for column in range(row.size):
                row[column] += (part_a * row_a[column] + part_b * row_b[column]) + (
                    part_c * row_c[column] + part_d * row_d[column]
                )
        for slot in range(fours, ptr[v + 1]):
            a = ids[slot]
            part_a, row_a = _other(v, tail[a], share[a]), found[tail[a]]
            for column in range(row.size):
                row[column] += part_a * row_a[column]
        if own >= 1.0 - _WHOLE:
            alone.append(v)
        elif own > 0.0:
            found[v] /= 1.0 - own
    return alone
