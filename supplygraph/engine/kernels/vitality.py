"""What each failure costs: the exact loss of max flow without an item, for all items of one max flow.

Notes
-----
*Loss.* Let f be a max flow and A the arcs that fail together. Without them, ``f_a`` is left over at each tail and
missing at each head; E is the sum of what is left over, net by vertex. With R the most that the residual graph of
f, without A, carries from where it is left over to where it is missing (source and sink are vertices like others):

    loss(A) = E - R.

Close f to a circulation by a return arc from sink to source, and let h be a best circulation without A. ``h - f``
splits into residual paths from tails to heads. A path may use the return arc forward (a unit gained) or backward
(a unit lost). Where both occur, exchanging their ends at source and sink removes both uses; forward uses alone
would make h larger than f. So all but ``loss`` paths avoid the return arc: ``R >= E - loss``. On the other hand,
send R and cancel what is still left over along the flow that brought it: that crosses the return arc at most once
a unit, so ``loss <= E - R``.

*Hubs.* Any cut between tails and heads has a given vertex h on one side or the other. So for every h

    R = min(E, P, Q),   P = most from tails and h to the heads,   Q = most from tails to the heads and h,

by max flow = min cut (the triangle inequality of Gomory and Hu 1961, with equality). For h the source, Q >= E: what
the tails received can be sent back. For h the sink, P >= E. So one of the two suffices there: an item that the
source can make up for costs nothing. P is found by letting the hub bring what it can along shortest paths, whose
distance labels are the same for every item; once it can bring no more, it never can, and only paths from the tails
remain, in the (mostly tiny) part from which the heads can still be reached.

*Total losses.* An arc whose ends lie in different strongly connected components of the residual graph costs all it
carries, for its head cannot be reached: one linear pass decides. (Where an arc has room left, its ends share a
component, and a total loss is a strong bridge: Italiano, Laura and Santaroni 2012.)

*Order of work.* Without flow: nothing lost. Different components: all lost. Then by the source or the sink, where it
is eight times as wide as the item; by the widest vertex of the component; directly, searched from both ends; and if
that has looked at four times all slots, by a cold max flow. Each step is exact or gives up, so that the order decides
the time and never the answer. A max flow is O(n^2 m) at worst (Dinic 1970) and so is an item; on layered networks
most items take a few dozen short paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.kernels.csr import check
from supplygraph.engine.kernels.maxflow import check_ends, components, cut, max_flow
from supplygraph.engine.kernels.rerouting import (
    ACROSS,
    DIRECT,
    HUB,
    KIND,
    OTHER,
    SINK,
    SOURCE,
    WIDTH,
    each,
    hubs,
    measure,
    work_on,
)
from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.kernels import Integers
    from supplygraph.engine.kernels.maxflow import Residual

#: Items between two reports of progress.
_CHUNK = 512
#: A terminal must be this many times as wide as an item.
_AMPLE = 8
#: Below this many items, levels are not worth measuring.
_FEW = 16
#: Slots an item may look at before the next way is tried, as a share of all, with a hub and without; and so many more.
_BY_TERMINAL, _BY_CENTRE, _WITHOUT = (0.25, 0.0), (2.0, 2.0), (4.0, 4.0)
_AT_LEAST = 4000


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
        Holds a max flow from source to sink; never changed, also when interrupted.
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
        When ``res`` does not hold a max flow, or items name arcs that do not exist, or the same arc twice.

    Notes
    -----
    See the module. Memory: 16 bytes per slot (32 where an item carries 2^30 or more) and 100 per vertex, beside the
    logs. One thread: halves in two threads took longer beside other work, and need twice the memory.

    Examples
    --------
    >>> from supplygraph.engine.kernels.maxflow import max_flow, residual
    >>> res = residual(3, np.array([0, 1, 1]), np.array([1, 2, 2]), np.array([5, 2, 4]))
    >>> max_flow(res, 0, 2)
    5
    >>> losses(res, np.array([0, 1, 2, 3]), np.array([0, 1, 2]), 0, 2).tolist()
    [5, 1, 3]
    """
    item_ptr, item_arcs = item_ptr.astype(np.int64), item_arcs.astype(np.int64)
    _check(res, item_ptr, item_arcs)
    check_ends(res, source, sink)
    if not cut(res, sink)[source]:
        raise DataError(f"more can flow from {source} to {sink}; expected a max flow. Call max_flow first.")
    items = _Items.of(res, item_ptr, item_arcs, components(res))
    _Task(res, items, source, sink, progress or (lambda _: None)).run()
    return items.found


class _Items(NamedTuple):
    """Items as arcs; what they carry, the component that they lie in (-1: several), and what is lost (-1: open)."""

    ptr: Integers
    arcs: Integers
    label: Integers
    gross: Integers
    only: Integers
    found: Integers

    @classmethod
    def of(cls, res: Residual, ptr: Integers, arcs: Integers, label: Integers) -> _Items:
        slot = res.place[arcs]
        back = res.rev[slot]
        tail, head = label[res.head[back]], label[res.head[slot]]
        gross = _by_item(np.add, ptr, res.cap[back])
        least = _by_item(np.minimum, ptr, np.minimum(tail, head))
        only = np.where(least == _by_item(np.maximum, ptr, np.maximum(tail, head)), least, -1)
        parted = (only < 0) & (np.diff(ptr) == 1)
        return cls(ptr, arcs, label, gross, only, np.where((gross == 0) | parted, gross, -1))

    def chosen(self, wanted: Integers) -> Integers:
        """Return the open items among those wanted."""
        return np.flatnonzero(wanted & (self.found < 0))


class _Task:
    """Items are answered way by way; each way works on the items that are still open."""

    def __init__(self, res: Residual, items: _Items, source: int, sink: int, progress: Callable[[int], object]) -> None:
        self.res, self.items, self.source, self.sink, self.progress = res, items, source, sink, progress
        self.most = int(items.gross[items.found < 0].max(initial=1))

    def run(self) -> None:
        items = self.items
        open_ = self.items.found < 0
        self.progress(int((~open_).sum()))
        if not open_.any():
            return
        self.work = work_on(self.res, items.label, self.most)
        part, across = np.maximum(items.only, 0), items.only < 0
        hub, width = hubs(self.work, self.source, self.sink)
        todo = items.chosen(~across & (width[0, part] >= _AMPLE * items.gross))
        parts = items.chosen(across)
        if len(todo) or len(parts):
            self._measure(hub[0], width[0])
            self._way(HUB, todo, _BY_TERMINAL)
            self._way(ACROSS, parts, _WITHOUT)
        todo = items.chosen(~across & (width[1, part] >= items.gross))
        if len(todo) >= _FEW:
            self._measure(hub[1], width[1])
            self._way(HUB, todo, _BY_CENTRE)
        self._way(DIRECT, items.chosen(~across), _WITHOUT)
        self._cold(items.chosen(open_))

    def _measure(self, hub: Integers, width: Integers) -> None:
        kind = np.where(hub == self.source, SOURCE, np.where(hub == self.sink, SINK, OTHER))
        self.work.part[KIND, :-1], self.work.part[WIDTH, :-1] = kind, width
        measure(self.work, hub)

    def _way(self, way: int, todo: Integers, shares: tuple[float, float]) -> None:
        """Answer items in one way, in chunks, so that a key press is heard and progress is told."""
        res, items = self.res, self.items
        limits = np.array([int(share * len(res.head)) + _AT_LEAST for share in shares])
        for k in range(0, len(todo), _CHUNK):
            chunk = todo[k : k + _CHUNK]
            each(
                self.work, res.cap, res.place, self.most, way, items.only, items.ptr, items.arcs, chunk, limits,
                items.found,
            )  # fmt: skip
            self.progress(int((items.found[chunk] >= 0).sum()))

    def _cold(self, todo: Integers) -> None:
        """Solve without the item from nothing."""
        res, items = self.res, self.items
        if not len(todo):
            return
        flow = res.cap[res.rev[res.place]]
        capacity = res.cap[res.place] + flow
        tail, head = res.head[res.rev[res.place]], res.head[res.place]
        value = int(flow[tail == self.source].sum() - flow[head == self.source].sum())
        for item in todo.tolist():
            left = capacity.copy()
            left[items.arcs[items.ptr[item] : items.ptr[item + 1]]] = 0
            cap = np.zeros_like(res.cap)
            cap[res.place] = left
            items.found[item] = value - max_flow(res._replace(cap=cap), self.source, self.sink)
            self.progress(1)


def _by_item(join: np.ufunc, ptr: Integers, values: Integers) -> Integers:
    """Join the values of each item; 0 for an item without arcs."""
    joined = np.zeros(len(ptr) - 1, dtype=np.int64)
    full = np.diff(ptr) > 0
    if full.any():
        joined[full] = join.reduceat(values, ptr[:-1][full])
    return joined


def _check(res: Residual, item_ptr: Integers, item_arcs: Integers) -> None:
    check(item_arcs, len(res.place), "item_arcs")
    if not len(item_ptr) or item_ptr[0] != 0 or item_ptr[-1] != len(item_arcs) or (np.diff(item_ptr) < 0).any():
        raise DataError(f"item_ptr must rise from 0 to the {len(item_arcs)} entries of item_arcs.")
    if np.diff(item_ptr).max(initial=0) < 2:
        return
    item = np.repeat(np.arange(len(item_ptr) - 1), np.diff(item_ptr))
    order = np.lexsort((item_arcs, item))
    twice = (np.diff(item[order]) == 0) & (np.diff(item_arcs[order]) == 0)
    if twice.any():
        rows = [
            Problem(f"item {item[k]}", f"arc {item_arcs[k]} is there twice; expected once", "Leave out repeats.")
            for k in order[1:][twice].tolist()
        ]
        raise DataError(f"{len(rows)} entries of item_arcs are repeats.", rows)
