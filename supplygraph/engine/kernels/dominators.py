"""Which failures leave no route at all: dominators of a graph, and what each failing item cuts off.

A vertex u dominates v when every route from the root to v passes u; the last of v's dominators is its immediate
one, and these form a tree. An arc that every route to v uses is found from the same tree.
"""

from __future__ import annotations

import numpy as np

from supplygraph.engine.kernels import Integers, compiled
from supplygraph.engine.kernels.csr import check, index
from supplygraph.errors import DataError


def immediate(size: int, tail: Integers, head: Integers, root: int) -> Integers:
    """Return the immediate dominator of every vertex.

    Parameters
    ----------
    size
        Number of vertices.
    tail, head
        Ends of each arc; parallel arcs and loops are fine.
    root
        Where routes begin.

    Returns
    -------
    int32 ``(size,)``
        -1 where no route leads; the root is its own.

    Raises
    ------
    DataError
        When an end or the root is not a vertex, or lengths differ.

    Notes
    -----
    Semidominators with path compression, then nearest common ancestors (the "semi-NCA" of Georgiadis and Tarjan):
    O(arcs log size) and the climbing of the second part, which is linear on every network seen.

    Examples
    --------
    >>> immediate(5, np.array([0, 0, 1, 2, 3]), np.array([1, 2, 3, 3, 4]), 0).tolist()
    [0, 0, 0, 0, 3]
    """
    out, into = _indexed(size, tail, head, np.array([root]))
    found: Integers = _semi_nca(*out, *into, tail, head, root)[0]
    return found


def cut_off(
    size: int, tail: Integers, head: Integers, source: int, item_ptr: Integers, item_arcs: Integers, targets: Integers
) -> tuple[Integers, Integers]:
    """Return which targets have no route from the source when an item fails.

    Parameters
    ----------
    size, tail, head, source
        The graph, and where routes begin.
    item_ptr, item_arcs
        Item i is the arcs ``item_arcs[item_ptr[i]:item_ptr[i + 1]]``, which fail together: a site that is split into
        entrance and exit or an edge (one arc), a strait with several copies or a country (many).
    targets
        Vertices; one that no route leads to in the first place is cut off by nothing.

    Returns
    -------
    item, target
        Pairs, sorted: number of the item and position in ``targets``; int64.

    Raises
    ------
    DataError
        When a vertex or an arc does not exist, or lengths differ.

    Notes
    -----
    Items of one arc (v, w): from the dominator tree. The arc is on every route to w when all others into w come from
    vertices that w dominates; it then cuts off w and what w dominates. O(arcs log size + pairs) for all together.

    Items of several arcs: take a breadth-first tree. Without the item only what hangs below its arcs in the tree can
    be lost; a vertex there is saved by an arc from outside or from a saved vertex. O(arcs into and out of what hangs
    there): for items that share no arcs, all together O(arcs x depth of the tree).

    Examples
    --------
    A source feeds 1 and 2, both feed 3, and 3 feeds 4: arc 4 alone, or arcs 0 and 1 together, cut off 3 and 4.

    >>> tail, head = np.array([0, 0, 1, 2, 3]), np.array([1, 2, 3, 3, 4])
    >>> item, target = cut_off(5, tail, head, 0, np.array([0, 1, 2, 4]), np.array([0, 4, 0, 1]), np.array([3, 4]))
    >>> list(zip(item.tolist(), target.tolist()))
    [(1, 1), (2, 0), (2, 1)]
    """
    out, into = _indexed(size, tail, head, np.array([source]))
    check(targets, size, "target")
    check(item_arcs, len(tail), "arc of an item")
    counts = np.diff(item_ptr)
    if not len(item_ptr) or item_ptr[0] != 0 or item_ptr[-1] != len(item_arcs) or (counts < 0).any():
        raise DataError(f"item_ptr must rise from 0 to {len(item_arcs)}, the number of arcs of all items.")
    single, several = np.flatnonzero(counts == 1), np.flatnonzero(counts > 1)
    tree = _semi_nca(*out, *into, tail, head, source)
    entering = _only_way(*into, tail, *tree)
    one = _below(single, item_arcs[item_ptr[single]], head, entering, tree[1], tree[2], targets)
    tree_arc, enter, last, order = _breadth_first(*out, head, source)
    wanted = np.zeros(size, dtype=np.bool_)
    wanted[targets] = True
    item, vertex = _lost(
        *out, *into, tail, head, item_ptr, item_arcs, several, tree_arc, enter, last, order, wanted
    )  # fmt: skip
    ptr, positions = index(targets, size)
    many = _spread(item, ptr[vertex], ptr[vertex + 1], positions)
    items, places = (np.concatenate(pair) for pair in zip(one, many, strict=True))
    sort = np.lexsort((places, items))
    return items[sort], places[sort]


def _indexed(
    size: int, tail: Integers, head: Integers, roots: Integers
) -> tuple[tuple[Integers, Integers], tuple[Integers, Integers]]:
    if len(tail) != len(head):
        raise DataError(f"{len(tail)} tails and {len(head)} heads; expected as many of each.")
    check(roots, size, "source")
    return index(tail, size), index(head, size)


def _below(
    items: Integers, arcs: Integers, head: Integers, entering: Integers, enter: Integers, weight: Integers,
    targets: Integers,
) -> tuple[Integers, Integers]:  # fmt: skip
    """Pair items of one arc with the targets that the arc's head dominates, where it is the only way there."""
    cutting = entering[head[arcs]] == arcs
    items, heads = items[cutting], head[arcs[cutting]]
    order = np.argsort(enter[targets], kind="stable")
    place = enter[targets][order]
    first = np.searchsorted(place, enter[heads])
    return _spread(items, first, np.searchsorted(place, enter[heads] + weight[heads]), order)


def _spread(items: Integers, first: Integers, stop: Integers, members: Integers) -> tuple[Integers, Integers]:
    """Pair item i with ``members[first[i]:stop[i]]``."""
    count = stop - first
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return np.repeat(items, count).astype(np.int64), members[place].astype(np.int64)


@compiled
def _semi_nca(
    out_ptr: Integers, out_ids: Integers, in_ptr: Integers, in_ids: Integers, tail: Integers, head: Integers, root: int
) -> tuple[Integers, Integers, Integers]:
    """Return immediate dominators, and the tree as runs: v dominates w if enter[v] <= enter[w] < enter[v] + weight[v].

    Inside, vertices are their depth-first numbers. ``above`` is the depth-first tree, later shortened to the
    ancestor from which on nothing is known yet; ``best`` the vertex of least semidominator on the part skipped.
    """
    size = out_ptr.size - 1
    number, vertex = np.full(size, -1, dtype=np.int32), np.empty(size, dtype=np.int32)
    parent, place, calls = np.zeros(size, dtype=np.int32), out_ptr[:-1].copy(), np.empty(size, dtype=np.int32)
    number[root], vertex[0], calls[0] = 0, root, root
    count, depth = 1, 0
    while depth >= 0:
        v = calls[depth]
        depth -= 1
        while place[v] < out_ptr[v + 1]:
            w = head[out_ids[place[v]]]
            place[v] += 1
            if number[w] < 0:
                number[w], vertex[count], parent[count] = count, w, number[v]
                count += 1
                depth += 2
                calls[depth] = w
                break
    semi, best, above = np.arange(count), np.arange(count), parent[:count].copy()
    for w in range(count - 1, 0, -1):
        least = parent[w]
        v = vertex[w]
        for slot in range(in_ptr[v], in_ptr[v + 1]):
            u = number[tail[in_ids[slot]]]
            if u < 0:
                continue
            if above[u] > w:  # below w in the forest so far: shorten the way up to its root
                depth, x = -1, u
                while above[x] > w:
                    depth += 1
                    calls[depth] = x
                    x = above[x]
                while depth >= 0:
                    y = calls[depth]
                    if semi[best[x]] < semi[best[y]]:
                        best[y] = best[x]
                    above[y] = above[x]
                    x = y
                    depth -= 1
            least = min(least, semi[best[u]])
        semi[w] = least
    near = parent[:count]
    for w in range(1, count):
        u = near[w]
        while u > semi[w]:
            u = near[u]
        near[w] = u
    return _tree(size, count, near, vertex)


@compiled
def _tree(size: int, count: int, near: Integers, vertex: Integers) -> tuple[Integers, Integers, Integers]:
    """Lay out a tree as runs, given in an order where parents come first; vertices outside are entered at -1."""
    heavy = np.ones(count, dtype=np.int32)
    for w in range(count - 1, 0, -1):
        heavy[near[w]] += heavy[w]
    free = np.ones(count, dtype=np.int32)
    parent, enter = np.full(size, -1, dtype=np.int32), np.full(size, -1, dtype=np.int32)
    weight = np.zeros(size, dtype=np.int32)
    for w in range(count):
        v, u = vertex[w], near[w]
        start = 0 if w == 0 else free[u]
        if w:
            free[u] += heavy[w]
        free[w] = start + 1
        parent[v], enter[v], weight[v] = vertex[u], start, heavy[w]
    return parent, enter, weight


@compiled
def _only_way(
    in_ptr: Integers, in_ids: Integers, tail: Integers, parent: Integers, enter: Integers, weight: Integers
) -> Integers:
    """Return per vertex the arc that every route to it ends with, -1 if there is none.

    Arcs from vertices that it dominates lead back to it and begin no route.
    """
    size = in_ptr.size - 1
    entering = np.full(size, -1, dtype=np.int32)
    for v in range(size):
        if parent[v] < 0 or parent[v] == v:
            continue
        for slot in range(in_ptr[v], in_ptr[v + 1]):
            arc = in_ids[slot]
            at = enter[tail[arc]]
            if at < 0 or enter[v] <= at < enter[v] + weight[v]:
                continue
            if entering[v] >= 0:
                entering[v] = -1
                break
            entering[v] = arc
    return entering


@compiled
def _breadth_first(
    out_ptr: Integers, out_ids: Integers, head: Integers, root: int
) -> tuple[Integers, Integers, Integers, Integers]:
    """Return a breadth-first tree: arc into each vertex, the run of vertices below it, and all in that order."""
    size = out_ptr.size - 1
    arc_into, near = np.full(size, -1, dtype=np.int32), np.empty(size, dtype=np.int32)
    queue, reached = np.empty(size, dtype=np.int32), np.zeros(size, dtype=np.bool_)
    queue[0], near[0], reached[root] = root, 0, True
    count, at = 1, 0
    while at < count:
        v = queue[at]
        for slot in range(out_ptr[v], out_ptr[v + 1]):
            arc = out_ids[slot]
            w = head[arc]
            if not reached[w]:
                reached[w], arc_into[w], near[count], queue[count] = True, arc, at, w
                count += 1
        at += 1
    _, enter, weight = _tree(size, count, near, queue)
    order = np.empty(count, dtype=np.int32)
    for at in range(count):
        order[enter[queue[at]]] = queue[at]
    return arc_into, enter, weight, order


@compiled
def _lost(
    out_ptr: Integers, out_ids: Integers, in_ptr: Integers, in_ids: Integers, tail: Integers, head: Integers,
    item_ptr: Integers, item_arcs: Integers, items: Integers, arc_into: Integers, enter: Integers, weight: Integers,
    order: Integers, wanted: Integers,
) -> tuple[Integers, Integers]:  # fmt: skip
    """Return pairs of items and wanted vertices that the source no longer reaches.

    ``state`` is 2 i + 2 for a vertex that hangs below item i, and 2 i + 3 once it is saved.
    """
    size, room, pairs = out_ptr.size - 1, 1024, 0
    state, gone = np.zeros(size, dtype=np.int64), np.zeros(tail.size, dtype=np.int32)
    below, saved = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    item, vertex = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    for i in items:
        arcs = item_arcs[item_ptr[i] : item_ptr[i + 1]]
        hang, count, rescued = 2 * i + 2, 0, 0
        for arc in arcs:
            gone[arc] = i + 1
            top = head[arc]
            if arc_into[top] != arc or state[top] == hang:
                continue
            for v in order[enter[top] : enter[top] + weight[top]]:
                if state[v] != hang:
                    state[v], below[count] = hang, v
                    count += 1
        for v in below[:count]:
            for slot in range(in_ptr[v], in_ptr[v + 1]):
                arc = in_ids[slot]
                u = tail[arc]
                if gone[arc] != i + 1 and enter[u] >= 0 and state[u] != hang:
                    state[v], saved[rescued] = hang + 1, v
                    rescued += 1
                    break
        at = 0
        while at < rescued:
            v = saved[at]
            at += 1
            for slot in range(out_ptr[v], out_ptr[v + 1]):
                arc = out_ids[slot]
                w = head[arc]
                if gone[arc] != i + 1 and state[w] == hang:
                    state[w], saved[rescued] = hang + 1, w
                    rescued += 1
        for v in below[:count]:
            if state[v] == hang and wanted[v]:
                if pairs == room:
                    room *= 2
                    item, more = np.empty(room, dtype=np.int64), item
                    item[:pairs] = more
                    vertex, more = np.empty(room, dtype=np.int64), vertex
                    vertex[:pairs] = more
                item[pairs], vertex[pairs] = i, v
                pairs += 1
    return item[:pairs].copy(), vertex[:pairs].copy()
