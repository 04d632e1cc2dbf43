"""What each failure costs: the exact loss of max flow without an item, for all items of one max flow.

Notes
-----
Let f be a max flow and A the arcs that fail together, carrying ``E = sum f_a``. Without them, ``f_a`` is left over
at each tail and missing at each head. Then

    loss(A) = E - R,

with R the most that the residual graph of f, without A, carries from tails to heads (source and sink are vertices
like others there). *At least:* close f to a circulation by a return arc from sink to source and let h be the
best circulation without A. ``h - f`` splits into paths from tails to heads in the residual graph; a path may use
the return arc forward (one unit gained) or backward (one unit lost). Where both occur, exchanging the two parts at
source and sink removes the two uses; if only forward uses remained, h would carry more than f. So all but
``loss`` paths avoid the return arc, and ``E - loss <= R``. *At most:* send R; what is still left over is cancelled
along the flow that brought it, which crosses the return arc at most once a unit.

So an item without flow costs nothing, and an arc whose ends lie in different strongly connected components of
the residual graph costs all that it carries (its head cannot be reached: one linear pass decides).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.kernels import Integers, compiled
from supplygraph.engine.kernels.csr import check
from supplygraph.engine.kernels.maxflow import components
from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.kernels.maxflow import Residual

_CHUNK = 256


def losses(
    res: Residual,
    item_ptr: Integers,
    item_arcs: Integers,
    source: int,
    sink: int,
    progress: Callable[[int], object] | None = None,
) -> Integers:
    """Return how much less can be delivered when each item fails.

    Parameters
    ----------
    res
        Holds a max flow from source to sink; unchanged at the end.
    item_ptr, item_arcs
        Item i is the arcs ``item_arcs[item_ptr[i]:item_ptr[i + 1]]``, which fail together; each arc at most once.
    source, sink
        Ends of the max flow.
    progress
        Called with the number of items done since the last call.

    Returns
    -------
    numpy.ndarray
        Max flow of the whole minus max flow without the item, int64 per item.

    Raises
    ------
    DataError
        When items name arcs that do not exist, or the same arc twice.

    Examples
    --------
    >>> from supplygraph.engine.kernels.maxflow import max_flow, residual
    >>> res = residual(3, np.array([0, 1, 1]), np.array([1, 2, 2]), np.array([5, 2, 4]))
    >>> max_flow(res, 0, 2)
    5
    >>> losses(res, np.array([0, 1, 2, 3]), np.array([0, 1, 2]), 0, 2).tolist()
    [5, 1, 3]
    """
    del source, sink
    item_ptr, item_arcs = item_ptr.astype(np.int64), item_arcs.astype(np.int64)
    _check(res, item_ptr, item_arcs)
    label, cap = components(res), res.cap.copy()
    count = len(item_ptr) - 1
    found = np.zeros(count, dtype=np.int64)
    for first in range(0, count, _CHUNK):
        last = min(first + _CHUNK, count)
        _each(res.ptr, res.head, res.rev, cap, res.place, label, item_ptr, item_arcs, first, last, found)
        if progress is not None:
            progress(last - first)
    return found


def _check(res: Residual, item_ptr: Integers, item_arcs: Integers) -> None:
    check(item_arcs, len(res.place), "arc of an item")
    if not len(item_ptr) or item_ptr[0] != 0 or item_ptr[-1] != len(item_arcs) or (np.diff(item_ptr) < 0).any():
        raise DataError(f"item_ptr must rise from 0 to the {len(item_arcs)} entries of item_arcs.")
    item = np.repeat(np.arange(len(item_ptr) - 1), np.diff(item_ptr))
    order = np.lexsort((item_arcs, item))
    twice = (np.diff(item[order]) == 0) & (np.diff(item_arcs[order]) == 0)
    if twice.any():
        rows = [
            Problem(f"item {item[k]}", f"arc {item_arcs[k]} is there twice; expected once", "Leave out repeats.")
            for k in order[1:][twice].tolist()
        ]
        raise DataError(f"{len(rows)} entries of item_arcs are repeats.", rows)


@compiled
def _each(
    ptr: Integers, head: Integers, rev: Integers, cap: Integers, place: Integers, label: Integers,
    item_ptr: Integers, item_arcs: Integers, first: int, last: int, found: Integers,
) -> None:  # fmt: skip
    size = ptr.size - 1
    over, seen = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    queue, came = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int64)
    keep = cap.copy()
    stamp = 0
    for item in range(first, last):
        arcs = item_arcs[item_ptr[item] : item_ptr[item + 1]]
        lost = 0
        crossing = True
        for arc in arcs:
            i = place[arc]
            j = rev[i]
            crossing = crossing and label[head[i]] != label[head[j]]
            lost += cap[j]
            over[head[j]] += cap[j]
            over[head[i]] -= cap[j]
            cap[i] = cap[j] = 0
        more = lost > 0 and not (crossing and arcs.size == 1)
        if more:
            lost = 0
            for arc in arcs:
                u = head[rev[place[arc]]]
                if over[u] > 0 and seen[u] != -1:
                    seen[u] = -1
                    lost += over[u]
            for arc in arcs:
                seen[head[rev[place[arc]]]] = 0
        while more:
            stamp += 1
            begin, end = 0, 0
            for arc in arcs:
                u = head[rev[place[arc]]]
                if over[u] > 0 and seen[u] != stamp:
                    seen[u] = stamp
                    came[u] = -1
                    queue[end] = u
                    end += 1
            goal = -1
            while begin < end and goal < 0:
                u = queue[begin]
                begin += 1
                for i in range(ptr[u], ptr[u + 1]):
                    w = head[i]
                    if cap[i] > 0 and seen[w] != stamp:
                        seen[w] = stamp
                        came[w] = i
                        queue[end] = w
                        end += 1
                        if over[w] < 0:
                            goal = w
                            break
            if goal < 0:
                break
            most = -over[goal]
            u = goal
            while came[u] >= 0:
                most = min(most, cap[came[u]])
                u = head[rev[came[u]]]
            most = min(most, over[u])
            over[u] -= most
            over[goal] += most
            lost -= most
            u = goal
            while came[u] >= 0:
                cap[came[u]] -= most
                cap[rev[came[u]]] += most
                u = head[rev[came[u]]]
        found[item] = lost
        for arc in arcs:
            over[head[place[arc]]] = over[head[rev[place[arc]]]] = 0
        if more:
            cap[:] = keep
        else:
            for arc in arcs:
                cap[place[arc]], cap[rev[place[arc]]] = keep[place[arc]], keep[rev[place[arc]]]
