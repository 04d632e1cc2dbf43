"""The K best simple routes inside one group of vertices that all reach each other.

Routes enter by *entries*: up to k per vertex, each a route from outside with its length. They count like arcs
from one source, so the answer holds for everything before the group as well.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from supplygraph.engine.kernels import Integers, compiled
from supplygraph.engine.kernels.csr import index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


class Group(NamedTuple):
    """One group in numbers of its own.

    Attributes
    ----------
    tail, head, weight
        Arcs inside the group, by arc number; weights at least 0.
    out_ptr, out_ids, in_ptr, in_ids
        Arcs from and into each vertex.
    entry
        Vertices x k: lengths of the routes from outside, rising; ``inf`` = none.
    """

    tail: Integers
    head: Integers
    weight: Floats
    out_ptr: Integers
    out_ids: Integers
    in_ptr: Integers
    in_ids: Integers
    entry: Floats

    @classmethod
    def of(cls, tail: Integers, head: Integers, weight: Floats, entry: Floats) -> Group:
        """Index the arcs."""
        size = len(entry)
        return cls(tail, head, weight, *index(tail, size), *index(head, size), entry)


class Steps(NamedTuple):
    """Routes as steps that lead back.

    Attributes
    ----------
    value, last
        Vertices x k: length and last step of each route; ``inf`` and -1 = none.
    arc, before
        Per step. Step ``v k + r`` is entry r of vertex v; both are -1 there.
    """

    value: Floats
    last: Integers
    arc: Integers
    before: Integers


def solve(group: Group, needed: Bools) -> tuple[Steps, int]:
    """Return the k best routes to the vertices needed, and how many took Yen's deviations.

    Rows of other vertices are routes, but not always the best.

    Examples
    --------
    Two ports that lead to each other; a route enters at either.

    >>> tail, head, weight = np.array([0, 1]), np.array([1, 0]), np.array([1.0, 1.0])
    >>> group = Group.of(tail, head, weight, np.array([[5.0, np.inf], [9.0, np.inf]]))
    >>> steps, _ = solve(group, np.array([True, True]))
    >>> steps.value.tolist()
    [[5.0, 10.0], [6.0, 9.0]]
    """
    value, last, arc, before = _labels(group)
    short, entries = np.flatnonzero(needed & ~_certain(group, value)), value.size
    arcs, befores, count = [arc], [before], len(arc)
    for goal in short.tolist():
        value[goal], found, arc, before = _deviate(goal, group)
        # The entries have the same numbers for all; the steps after them are put behind those there are.
        last[goal] = np.where(found < entries, found, found + count - entries)
        arcs.append(arc[entries:])
        befores.append(np.where(before < entries, before, before + count - entries)[entries:])
        count += len(arcs[-1])
    return Steps(value, last, np.concatenate(arcs), np.concatenate(befores)), len(short)


@compiled
def _labels(group: Group) -> tuple[Floats, Integers, Integers, Integers]:
    """Take steps in rising length; a vertex keeps the first k that pass no vertex twice.

    ``known`` has the k shortest that wait or were taken at each vertex: a longer one will not be among the first k.
    """
    head, weight, out_ptr, out_ids, entry = group.head, group.weight, group.out_ptr, group.out_ids, group.entry
    size, k = entry.shape
    room = size * k + k * head.size
    arc, before = np.full(room, -1, dtype=np.int32), np.full(room, -1, dtype=np.int64)
    at = np.empty(room, dtype=np.int32)
    value, last = np.full((size, k), np.inf), np.full((size, k), -1, dtype=np.int64)
    kept, known = np.zeros(size, dtype=np.int64), entry.copy()
    heap = [(0.0, 0)]
    heap.pop()
    for vertex in range(size):
        for rank in range(k):
            at[vertex * k + rank] = vertex
            if entry[vertex, rank] < np.inf:
                heappush(heap, (entry[vertex, rank], vertex * k + rank))
    count = size * k
    while heap:
        length, step = heappop(heap)
        vertex = at[step]
        if kept[vertex] == k:
            continue
        value[vertex, kept[vertex]], last[vertex, kept[vertex]] = length, step
        kept[vertex] += 1
        for slot in range(out_ptr[vertex], out_ptr[vertex + 1]):
            other, longer = head[out_ids[slot]], length + weight[out_ids[slot]]
            if longer >= known[other, k - 1]:
                continue
            back = step
            while back >= 0 and at[back] != other:
                back = before[back]
            if back >= 0:
                continue
            rank = k - 1
            while rank > 0 and known[other, rank - 1] > longer:
                known[other, rank] = known[other, rank - 1]
                rank -= 1
            known[other, rank] = longer
            arc[count], before[count], at[count] = out_ids[slot], step, other
            heappush(heap, (longer, count))
            count += 1
    return value, last, arc[:count].copy(), before[:count].copy()


@compiled
def _certain(group: Group, value: Floats) -> Bools:
    """Tell where the labels are certainly the best: no step that a full vertex turned away leads there for less.

    What was turned away at u is at least as long as its k-th label, and on the way to v gets no shorter.
    """
    tail, head, weight, out_ptr, out_ids = group.tail, group.head, group.weight, group.out_ptr, group.out_ids
    in_ptr, in_ids = group.in_ptr, group.in_ids
    size, k = value.shape
    bound = value[:, k - 1].copy()
    heap = [(bound[vertex], np.int64(vertex)) for vertex in range(size) if bound[vertex] < np.inf]
    heap.sort()
    _settle(bound, heap, head, weight, out_ptr, out_ids)
    certain = np.ones(size, dtype=np.bool_)
    for row in range(size):
        for slot in range(in_ptr[row], in_ptr[row + 1]):
            if bound[tail[in_ids[slot]]] + weight[in_ids[slot]] < value[row, k - 1]:
                certain[row] = False
    return certain


@compiled
def _deviate(goal: int, group: Group) -> tuple[Floats, Integers, Integers, Integers]:
    """Return the k best routes to one vertex: lengths, last steps, and arc and predecessor of every step.

    A route found splits the rest by where they leave it: at its start, or after any of its steps. Of each part
    the best is searched for; arcs by which routes found go on from the same step are banned (Yen; each part
    once, after Lawler).
    """
    size, k = group.entry.shape
    ahead, count, room = _distances(goal, group), size * k, 0
    arc, before = np.full(count, -1, dtype=np.int32), np.full(count, -1, dtype=np.int64)
    at, length = np.repeat(np.arange(size), k), group.entry.copy().reshape(-1)
    values, last = np.full(k, np.inf), np.full(k, -1, dtype=np.int64)
    banned, shut = np.zeros(count + group.tail.size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    heap = [(0.0, 0, 0)]
    heap.pop()
    starts = [-1]
    found = turn = 0
    while found < k:
        for start in starts:
            turn += 1
            if count + size > arc.size:
                room = arc.size + size
                arc = np.concatenate((arc, np.empty(room, dtype=np.int32)))
                before = np.concatenate((before, np.empty(room, dtype=np.int64)))
                at, length = (
                    np.concatenate((at, np.empty(room, dtype=np.int64))),
                    np.concatenate((length, np.empty(room))),
                )
            for rank in range(found):  # ban what routes found do after this step
                back, after = last[rank], np.int64(-1)
                while back >= 0 and back != start:
                    after, back = back, before[back]
                if back == start and after >= 0:
                    banned[after if arc[after] < 0 else size * k + arc[after]] = turn
            back = start
            while back >= 0:  # no vertex twice
                shut[at[back]], back = turn, before[back]
            end, count = _search(goal, start, turn, group, ahead, banned, shut, arc, before, at, length, count)
            if end >= 0:
                heappush(heap, (length[end], end, start))
        if not heap:
            break
        values[found], last[found], start = heappop(heap)
        starts, back = [start], before[last[found]]
        while back != start:
            starts.append(back)
            back = before[back]
        found += 1
    return values, last, arc[:count].copy(), before[:count].copy()


@compiled
def _distances(goal: int, group: Group) -> Floats:
    """Return the distance from every vertex to the goal."""
    tail, weight, in_ptr, in_ids = group.tail, group.weight, group.in_ptr, group.in_ids
    ahead = np.full(in_ptr.size - 1, np.inf)
    ahead[goal] = 0.0
    heap = [(0.0, np.int64(goal))]
    _settle(ahead, heap, tail, weight, in_ptr, in_ids)
    return ahead


@compiled
def _settle(
    length: Floats, heap: list[tuple[float, Any]], ends: Integers, weight: Floats, ptr: Integers, ids: Integers
) -> None:
    """Shorten lengths along arcs, nearest first (Dijkstra), from what is in the heap."""
    while heap:
        far, vertex = heappop(heap)
        if far > length[vertex]:
            continue
        for slot in range(ptr[vertex], ptr[vertex + 1]):
            other, longer = np.int64(ends[ids[slot]]), far + weight[ids[slot]]
            if longer < length[other]:
                length[other] = longer
                heappush(heap, (longer, other))


@compiled
def _search(
    goal: int, start: int, turn: int, group: Group, ahead: Floats, banned: Integers, shut: Integers, arc: Integers,
    before: Integers, at: Integers, length: Floats, count: int,
) -> tuple[int, int]:  # fmt: skip
    """Append the best way on from a step (-1: from any entry) to the goal; return its last step and the new count.

    Best first, by the length so far and the exact distance ahead (Hart, Nilsson and Raphael 1968).
    """
    head, weight, out_ptr, out_ids = group.head, group.weight, group.out_ptr, group.out_ids
    size, k = group.entry.shape
    reached, by, came = np.full(size, np.inf), np.full(size, -1, dtype=np.int64), np.full(size, -1, dtype=np.int64)
    heap = [(0.0, 0.0, np.int64(0))]
    heap.pop()
    origin = -1
    if start >= 0:
        origin = at[start]
        reached[origin], came[origin] = length[start], start
        heappush(heap, (length[start] + ahead[origin], length[start], origin))
    else:
        for place in range(size):
            entry = place * k
            while entry < place * k + k and banned[entry] == turn:
                entry += 1
            if entry < place * k + k and length[entry] + ahead[place] < np.inf:
                reached[place], came[place] = length[entry], entry
                heappush(heap, (length[entry] + ahead[place], length[entry], np.int64(place)))
    while heap:
        _, so_far, vertex = heappop(heap)
        if so_far > reached[vertex]:
            continue
        if vertex == goal:
            break
        for slot in range(out_ptr[vertex], out_ptr[vertex + 1]):
            step = out_ids[slot]
            other, longer = np.int64(head[step]), so_far + weight[step]
            if shut[other] == turn or (vertex == origin and banned[size * k + step] == turn):
                continue
            if longer < reached[other] and ahead[other] < np.inf:
                reached[other], by[other], came[other] = longer, step, vertex
                heappush(heap, (longer + ahead[other], longer, other))
    if reached[goal] == np.inf:
        return -1, count
    steps, back = 0, goal
    while by[back] >= 0:
        steps, back = steps + 1, came[back]
    first, back = came[back], goal
    for step in range(count + steps - 1, count - 1, -1):
        arc[step], at[step], length[step] = by[back], back, reached[back]
        before[step] = step - 1 if step > count else first
        back = came[back]
    return (count + steps - 1 if steps else first), count + steps
