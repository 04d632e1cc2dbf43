"""What an attack leaves: networks that tell how much is still delivered, and through what.

The search (:mod:`supplygraph.engine.attacks.search`) asks only an :class:`Oracle`. Here are the words that oracles
share, and :class:`FlowOracle`, which answers with maximum flows in whole numbers;
:mod:`supplygraph.engine.attacks.programs` answers with a linear program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from supplygraph.engine.expanded import tally
from supplygraph.engine.kernels.maxflow import cut, max_flow, residual
from supplygraph.engine.kernels.vitality import losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplygraph.engine.expanded import Bools, Floats, Ints
    from supplygraph.engine.kernels import Integers
    from supplygraph.engine.kernels.maxflow import Residual

    Numbers = NDArray[Any]


class Delivery(NamedTuple):
    """One way to deliver.

    Attributes
    ----------
    amount
        How much is delivered.
    through
        Per item that is not removed, no less than what would be lost of *this* delivery if the item failed and nobody
        rerouted. What several items cost together is no more than the sum.
    gain
        Per item, how much more could be delivered per unit of room; 0 where no room was asked for.
    """

    amount: Any
    through: Numbers
    gain: Numbers


class Oracle(Protocol):
    """A network in which items can fail.

    Attributes
    ----------
    count
        Number of items.
    size
        Per item, how much it can carry at most.
    slack
        Losses that differ by no more count as equal: 0 where numbers are whole.
    quick
        Whether `singles` costs little more than one delivery.
    """

    count: int
    size: Numbers
    slack: float
    quick: bool

    def deliver(self, removed: Sequence[int], free: Bools | None = None, room: Any = None) -> Delivery:
        """Deliver the most without some items, letting about ``room`` pass each of the ``free`` ones.

        Without ``room`` the amount is the maximum.
        """

    def singles(self, removed: Sequence[int], among: Ints) -> Numbers:
        """Return how much more is lost when each of some further items fails as well."""


class Shares(NamedTuple):
    """Items that take only a part of what they are in, as owners do; one number per entry (an item in a place).

    Attributes
    ----------
    share
        The part that fails with the item, above 0, at most 1.
    low, high
        What the place can carry as long as it is damaged, if all of it were left, and what it can carry undamaged.
    factor
        What had happened to the place before: where it was scaled up, it is damaged only once it falls below 1.
    """

    share: Floats
    low: Floats
    high: Floats
    factor: Floats

    def left(self, lost: Floats) -> Floats:
        """Return what each place can carry when ``lost`` of it is gone."""
        part = 1.0 - np.minimum(lost, 1.0)
        return np.where(self.factor * part < 1.0, self.low, self.high) * part

    @property
    def load(self) -> Floats:
        """What an item takes of a place that carries no more than ``low``."""
        return self.share * np.where(self.factor > 1.0, np.maximum(self.low, self.high), self.low)

    def drop(self, flow: Floats) -> Floats:
        """Return what an item takes of a flow at most."""
        return np.minimum(flow, np.maximum(flow - self.low, 0.0) + self.load)

    def room(self, most: float) -> Floats:
        """Return the flow of which an item takes at most ``most``."""
        return np.where(self.load <= most, self.low + most - self.load, most)


class FlowOracle:
    """Maximum flows in whole numbers.

    Parameters
    ----------
    size, tail, head, capacity, source, sink
        The network, see :func:`supplygraph.engine.kernels.maxflow.residual`.
    item_ptr, item_arcs
        Item i fails as the arcs ``item_arcs[item_ptr[i]:item_ptr[i + 1]]`` together.
    region
        Per vertex the item whose place it is, -1 for none: where a way passes several arcs of one item, what leaves
        the region counts it once. Every arc of an item lies inside its region.
    shares
        Per entry of ``item_arcs``, where items take only a part of an arc.

    Notes
    -----
    One maximum flow per question, from nothing. Parallel arcs that no item tells apart are merged first.

    Examples
    --------
    Two ways from 0 to 3, over 1 and over 2; the arcs that leave 0 can fail.

    >>> ends = np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3])
    >>> oracle = FlowOracle(4, *ends, np.array([5, 3, 4, 4]), 0, 3, np.arange(3), np.arange(2))
    >>> oracle.deliver(()).amount, oracle.singles((), np.arange(2)).tolist()
    (7, [4, 3])
    """

    slack: float = 0

    def __init__(
        self, size: int, tail: Integers, head: Integers, capacity: Integers, source: int, sink: int,
        item_ptr: Integers, item_arcs: Integers, *, region: Integers | None = None, shares: Shares | None = None,
    ) -> None:  # fmt: skip
        self.source, self.sink, self.shares = source, sink, shares
        self.count = len(item_ptr) - 1
        self.quick = shares is None
        self._ptr = np.asarray(item_ptr, dtype=np.int64)
        self._item = np.repeat(np.arange(self.count), np.diff(self._ptr))
        new, tail, head, capacity = _merged(size, tail, head, capacity, item_arcs)
        self._arcs = new[item_arcs]
        self._tail, self._head = tail[self._arcs], head[self._arcs]
        self._base = residual(size, tail, head, capacity)
        self._slots = self._base.place[self._arcs]
        self._back = self._base.rev[self._slots]
        self._capacity = self._base.cap[self._slots]
        arcs, self._place = np.unique(self._arcs, return_inverse=True)
        self._alone = len(arcs) == len(self._arcs) and bool((np.diff(self._ptr) == 1).all())
        exits = np.zeros(0, dtype=np.int64)
        if region is not None and not self._alone:
            exits = np.flatnonzero((region[tail] >= 0) & (region[tail] != region[head]))
            self._leaves = region[tail[exits]]
        self._out = self._base.rev[self._base.place[exits]]
        self.size = self._sum(self._capacity)

    def deliver(self, removed: Sequence[int], free: Bools | None = None, room: Any = None) -> Delivery:
        """Deliver the most without some items; see :class:`Oracle`.

        With several arcs to an item, room is a wish: where its arcs together take more, each is cut back alike.
        """
        allowed = self._without(removed)
        if free is None or room is None:
            amount, flow, res = self._solve(allowed)
            return Delivery(amount, self._through(flow, res), np.zeros(self.count, dtype=np.int64))
        most = room if self.shares is None else np.floor(self.shares.room(room)).astype(np.int64)
        capped = np.where(free[self._item], np.minimum(allowed, most), allowed)
        amount, flow, res = self._solve(capped)
        through = self._through(flow, res)
        over = free & (through > room)
        if over.any():
            part = np.where(over, room / np.maximum(through, 1), 1.0)[self._item]
            capped = np.where(over[self._item], np.floor(flow * part).astype(np.int64), capped)
            amount, flow, res = self._solve(capped)
            through = self._through(flow, res)
        inside = cut(res, self.sink)
        binds = inside[self._tail] & ~inside[self._head] & (capped < allowed)
        return Delivery(amount, through, self._sum(binds.astype(np.int64)))

    def singles(self, removed: Sequence[int], among: Ints) -> Ints:
        """Return how much more is lost when each of some further items fails as well, from one residual graph."""
        amount, _, res = self._solve(self._without(removed))
        if not self.quick:
            alone = [self._solve(self._without((*removed, item)))[0] for item in among.tolist()]
            return amount - np.array(alone, dtype=np.int64)
        sizes = np.diff(self._ptr)[among]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        which = np.repeat(self._ptr[among] - bounds[:-1], sizes) + np.arange(bounds[-1])
        return losses(res, bounds, self._arcs[which], self.source, self.sink)

    def _without(self, removed: Sequence[int]) -> Ints:
        """Return what each entry's arc may carry."""
        gone = np.zeros(self.count, dtype=np.bool_)
        gone[list(removed)] = True
        hit = gone[self._item]
        if self.shares is None:
            return np.where(hit, 0, self._capacity)
        lost = tally(self._place, np.where(hit, self.shares.share, 0.0), len(self._place))[self._place]
        left = np.floor(self.shares.left(lost)).astype(np.int64)
        return np.where(lost > 0.0, np.minimum(left, self._capacity), self._capacity)

    def _solve(self, allowed: Ints) -> tuple[int, Ints, Residual]:
        cap = self._base.cap.copy()
        if self._alone:
            cap[self._slots] = allowed
        else:
            np.minimum.at(cap, self._slots, allowed)  # an arc may belong to several items
        res = self._base._replace(cap=cap)
        return max_flow(res, self.source, self.sink), cap[self._back], res

    def _through(self, flow: Ints, res: Residual) -> Ints:
        if self.shares is not None:
            return self._sum(np.ceil(self.shares.drop(flow.astype(np.float64))).astype(np.int64))
        total = self._sum(flow)
        if not len(self._out):
            return total
        leaving = np.zeros(self.count, dtype=np.int64)
        np.add.at(leaving, self._leaves, res.cap[self._out])
        return np.minimum(total, leaving)

    def _sum(self, values: Ints) -> Ints:
        """Sum entries by item."""
        if self._alone:
            return values
        sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])
        found: Ints = sums[self._ptr[1:]] - sums[self._ptr[:-1]]
        return found


def _merged(
    size: int, tail: Integers, head: Integers, capacity: Integers, apart: Integers
) -> tuple[Integers, Integers, Integers, Integers]:  # fmt: skip
    """Add up parallel arcs, but for some that stay apart; return each arc's new number, the ends and capacities."""
    own = np.zeros(len(tail), dtype=np.int64)
    own[apart] = 1 + np.asarray(apart)
    keys = np.stack([own, tail.astype(np.int64) * size + head], axis=1)
    _, first, new = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    new, first = rank[new.ravel()], first[order]
    total = np.zeros(len(first), dtype=np.int64)
    np.add.at(total, new, capacity)
    return new, tail[first], head[first], total
