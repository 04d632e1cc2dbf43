"""The worst set of k failures, with proof: branch and bound on deliveries that avoid what may fail.

Let F be what is delivered while nothing fails, and y any way to deliver v(y) without the set S. What is left of y
without the items of T is a delivery without T, so for every T

    loss(T) <= F - v(y) + sum of y_i over i in T, not in S.

The deliveries that prove most spread their load. Let no candidate carry more than c, and v(c) be the most
that can be delivered then: r more failures lose at most ``F - v(c) + r c``, which is convex in c, and its least
value is the bound of the linear relaxation. (There, sets are fractions z, and a delivery is charged the r largest
y_i, that is the least of ``r c + sum of (y_i - c)+`` over c: what a candidate carries beyond c costs as much as it
delivers.) So a handful of maximum flows stand in for a linear program. Where room binds, failures hurt together: the
largest of those items are the next set to try.

Candidates that no such inequality lets into a better set are protected from then on in that branch: deliveries may
use them freely, which sharpens all further bounds.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.attacks.rooms import Rooms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from supplygraph.engine.attacks.oracle import Delivery, Numbers, Oracle
    from supplygraph.engine.expanded import Bools

    Items = tuple[int, ...]

#: Rooms tried at most for one bound, and how many more once it is clear that none of them will close the branch.
_ROOMS, _MORE_ROOMS = 12, 2
#: Where two more items fail, what is left of a branch is bounded again after so many items.
_AGAIN = 16


@dataclass(frozen=True)
class Attack:
    """The worst set found, and how bad the worst can be.

    Attributes
    ----------
    items
        The set, rising.
    loss, bound
        What it costs; no set of at most k items costs more than ``bound``.
    proved
        Whether it is the worst: nothing costs more (by more than the oracle's slack).
    first
        Whether of all sets that cost the same it is known to be the one with the fewest items and, of those, the
        first in the order of numbers.
    solves
        Deliveries that were asked for.
    """

    items: tuple[int, ...]
    loss: Any
    bound: Any
    proved: bool
    first: bool
    solves: int


def worst(
    oracle: Oracle, k: int, *, protected: Iterable[int] = (), known: dict[Items, Any] | None = None,
    compare: bool = True, time_limit: float = math.inf, progress: Callable[[Any, Any, int], object] | None = None,
) -> Attack:  # fmt: skip
    """Return the set of at most k items whose joint failure costs most.

    Parameters
    ----------
    oracle
        The network.
    k
        How many items fail at most.
    protected
        Items that do not fail.
    known
        Losses by set (items rising), to start from; those found are added. Several searches on one oracle may share it.
    compare
        Look for the first of all sets that cost as much as the worst.
    time_limit
        Seconds. The first few deliveries are always made.
    progress
        Called now and then with the loss found, the bound, and the number of deliveries.

    Notes
    -----
    Best bound first. Without a time limit the answer depends on nothing but the network: of all worst sets the one
    with the fewest items, then the first in the order of numbers. Exponential at worst; the number of branches
    depends on how far bound and loss are apart, hence least where failures cost more than what reroutes around
    them. An interrupt leaves the oracle as it was.

    Examples
    --------
    Three ways in, of 5, 4 and 3, to a plant that takes 7: any way can be spared, but no two.

    >>> from supplygraph.engine.attacks.oracle import FlowOracle
    >>> arcs = np.array([0, 0, 0, 1]), np.array([1, 1, 1, 2]), np.array([5, 4, 3, 7])
    >>> ways = FlowOracle(3, *arcs, 0, 2, np.arange(4), np.arange(3))
    >>> found = worst(ways, 2)
    >>> found.items, found.loss, found.proved
    ((0, 1), 4, True)
    """
    deadline = time.monotonic() + time_limit
    search = _Search(oracle, k, {} if known is None else known, deadline, progress, compare=compare)
    return search.run(protected)


class _TimeUpError(Exception):
    """The time limit has passed."""


@dataclass(frozen=True, eq=False)
class _Branch:
    """All sets that contain ``taken`` and up to ``more`` of ``free``; ``split`` carries most."""

    taken: Items
    free: Bools
    more: int
    loss: Any
    bound: Any
    split: int


class _Search:
    """Branches, and what is known.

    Sets matter if they lose more than the best so far, or as much while they come before it: fewer items, then
    smaller numbers.
    """

    def __init__(
        self, oracle: Oracle, k: int, known: dict[Items, Any], deadline: float,
        progress: Callable[[Any, Any, int], object] | None, *, compare: bool,
    ) -> None:  # fmt: skip
        self.oracle, self.k, self.known, self.deadline, self.progress = oracle, k, known, deadline, progress
        self.compare, self.slack = compare, oracle.slack
        self.ties = (2 * self.slack or 1) if compare else -self.slack
        self.solves = self.pushed = 0
        self.items: Items = ()
        self.loss: Any = 0
        self.ceiling: Any = 0
        self.heap: list[tuple[Any, int, _Branch]] = []

    @property
    def goal(self) -> Any:
        """Sets that lose no more than this do not matter."""
        return self.loss - self.ties

    def run(self, protected: Iterable[int]) -> Attack:
        """Search until nothing is left that matters, or time is up."""
        free = np.ones(self.oracle.count, dtype=np.bool_)
        free[list(protected)] = False
        calm = self._ask(())
        self.whole = calm.amount
        self.size = np.minimum(self.oracle.size, self.whole)
        self.known[()] = self.loss = self.whole - self.whole
        matter, top = self._screen(self.loss, calm.through, free, self.k)
        self.ceiling = min(self.whole, top)
        for items in sorted(self.known):
            if len(items) <= self.k and free[list(items)].all():
                self._take(items, self.known[items])
        self._start(free, _largest(calm.through, free, self.k))
        first = False
        try:
            self._explore(matter)
            first = self.compare
        except _TimeUpError:
            self._trim()
        number = int if self.slack == 0 else float
        loss = number(self.known[self.items])
        proved = self.ceiling <= self.loss + self.slack
        bound = loss if proved else number(self.ceiling)
        return Attack(self.items, loss, bound, proved, first, self.solves)

    def _start(self, free: Bools, busiest: Items) -> None:
        """Try the busiest items, together and alone, then what is worst one after another."""
        for items in (busiest, *((item,) for item in busiest)):
            self._offer(items)
        taken: Items = ()
        while self.oracle.quick and len(taken) < self.k and free.any():
            among = np.flatnonzero(free)
            lost = self.oracle.singles(taken, among)
            self.solves += 1
            if not lost.any() or (taken and time.monotonic() > self.deadline):
                break
            taken = tuple(sorted((*taken, int(among[np.argmax(lost)]))))
            free = free.copy()
            free[list(taken)] = False
            self._offer(taken)

    def _explore(self, free: Bools) -> None:
        """Decide branch by branch, the highest bound first."""
        self._open((), free, self.k, self.known[()], self.ceiling)
        while self.heap:
            branch = heapq.heappop(self.heap)[2]
            self.ceiling = branch.bound
            if self.progress is not None:
                self.progress(self.loss, max(self.ceiling, self.loss), self.solves)
            if not self._matters(branch.taken, branch.free, branch.more, branch.bound):
                continue
            if branch.more == 1:
                self._close(branch)
            elif branch.more == 2:
                self._fan_out(branch)
            else:
                self._divide(branch)
        self.ceiling = self.loss

    def _trim(self) -> None:
        """Leave out of a set what costs nothing in it."""
        for item in self.items[::-1]:
            fewer = tuple(other for other in self.items if other != item)
            self._offer(fewer)
            if self.known[fewer] >= self.loss - self.slack:
                self.items = fewer

    def _open(self, taken: Items, free: Bools, more: int, loss: Any, ceiling: Any) -> None:
        """Bound a branch and keep it if it matters."""
        if not more or not free.any():
            return
        free, bound, load = self._bound(taken, free, more, loss)
        if self._matters(taken, free, more, bound):
            self.pushed += 1
            bound, split = min(bound, ceiling), int(np.argmax(np.where(free, load, -1)))
            heapq.heappush(self.heap, (-bound, self.pushed, _Branch(taken, free, more, loss, bound, split)))

    def _divide(self, branch: _Branch) -> None:
        """Split a branch: sets with one of its candidates, and sets without."""
        free = branch.free.copy()
        free[branch.split] = False
        self._check()
        self._add(branch, branch.split, free, None)
        self._open(branch.taken, free, branch.more, branch.loss, branch.bound)

    def _fan_out(self, branch: _Branch) -> None:
        """Split a branch in which two more items fail: one for each candidate, without those before it."""
        taken, more, loss, free = branch.taken, branch.more, branch.loss, branch.free
        alone = None
        if self.oracle.quick:
            self._check()
            self.solves += 1
            alone = np.zeros(len(free), dtype=np.int64)
            alone[free] = self.oracle.singles(taken, np.flatnonzero(free))
        load, opened = self.size, 0
        while free.any():
            if opened % _AGAIN == 0:
                free, bound, load = self._bound(taken, free, more, loss)
                if not self._matters(taken, free, more, bound):
                    break
                self.ceiling = min(self.ceiling, max([bound, *(-top[0] for top in self.heap[:1])]))
            item = int(np.argmax(np.where(free, load, -1)))
            free = free.copy()
            free[item] = False
            opened += 1
            self._add(branch, item, free, None if alone is None else loss + alone[item])

    def _add(self, branch: _Branch, item: int, free: Bools, loss: Any) -> None:
        """Open the branch in which one item more fails; its loss may be known."""
        taken, more = tuple(sorted((*branch.taken, item))), branch.more - 1
        if loss is None:
            found = self._ask(taken)
            loss = self.whole - found.amount
            free, _ = self._screen(loss, found.through, free, more)
        self.known[taken] = loss
        self._take(taken, loss)
        self._open(taken, free, more, loss, branch.bound)

    def _close(self, branch: _Branch) -> None:
        """Settle a branch in which one more item fails."""
        free, bound, _ = self._bound(branch.taken, branch.free, 1, branch.loss)
        if not self._matters(branch.taken, free, 1, bound):
            return
        if not self.oracle.quick:
            self._try_groups(replace(branch, free=free))
            return
        among = np.flatnonzero(free)
        losses = branch.loss + self.oracle.singles(branch.taken, among)
        self.solves += 1
        if losses.max() > self.goal:
            self._offer((*branch.taken, int(among[np.argmax(losses)])))

    def _try_groups(self, branch: _Branch) -> None:
        """Clear candidates in groups: those that can be spared together cost too little one by one."""
        free, size = branch.free, max(1, int(branch.free.sum()) // 2)
        while free.any():
            group = np.zeros_like(free)
            group[np.flatnonzero(free)[:size]] = True
            if size == 1:
                self._check()
                self._offer((*branch.taken, int(np.argmax(group))))
                free, size = free & ~group, 2
                continue
            found = self._ask_checked(branch.taken, group, max(self.goal - branch.loss, 0))
            free, _ = self._screen(self.whole - found.amount, found.through, free, 1)
            size = size // 2 if (free & group).any() else 2 * size

    def _bound(self, taken: Items, free: Bools, more: int, loss: Any) -> tuple[Bools, Any, Numbers]:
        """Bound what sets of a branch lose; return the candidates left, the bound, and what passes each."""
        rooms = Rooms(more, loss, self.size[free].max(initial=0), whole=self.slack == 0)
        room = rooms.first(self.goal)
        best: Any = None
        load = self.size
        for step in range(_ROOMS if more > 1 else 1):
            found = self._ask_checked(taken, free, room)
            base = self.whole - found.amount
            if base > loss:
                self._offer((*taken, *_largest(self.size, free & (found.gain > 0), more)))
            slope = more - found.gain[free].sum()
            carried = np.where(free, found.through, 0)
            free, bound = self._screen(base, found.through, free, more)
            if best is None or bound < best:
                best, load = bound, carried
            if best <= self.goal or not free.any():
                break
            new, floor = rooms.next(room, base + more * room, slope)
            if new is None or (floor > self.goal and step >= _MORE_ROOMS):
                break
            room = new
        return free, best, load

    def _screen(self, base: Any, through: Numbers, free: Bools, more: int) -> tuple[Bools, Any]:
        """Return the candidates that one delivery lets into a set that matters, and its bound on all such sets."""
        load = np.where(free, through, 0)
        tops = np.partition(load, len(load) - more)[len(load) - more :] if more < len(load) else load
        least = tops.min(initial=load.max(initial=0))
        top = base + tops.sum()
        return free & (top - least + np.minimum(load, least) > self.goal), top

    def _matters(self, taken: Items, free: Bools, more: int, bound: Any) -> bool:
        """Whether some set of a branch may be better than the best, or as good and before it."""
        if bound <= self.goal or not free.any():
            return False
        if bound > self.loss + self.slack:
            return True
        first = tuple(sorted((*taken, *np.flatnonzero(free)[: min(more, 1)].tolist())))
        return (len(first), first) < (len(self.items), self.items)

    def _offer(self, items: Items) -> None:
        """Find out what a set costs, and keep it if it is better."""
        items = tuple(sorted(items))
        if items not in self.known:
            self.known[items] = self.whole - self._ask(items).amount
        self._take(items, self.known[items])

    def _take(self, items: Items, loss: Any) -> None:
        better = loss > self.loss + self.slack
        if better or (loss > self.goal and (len(items), items) < (len(self.items), self.items)):
            self.items, self.loss = items, max(loss, self.loss)

    def _ask(self, removed: Items) -> Delivery:
        self.solves += 1
        return self.oracle.deliver(removed)

    def _ask_checked(self, removed: Items, free: Bools, room: Any) -> Delivery:
        self._check()
        self.solves += 1
        return self.oracle.deliver(removed, free, room)

    def _check(self) -> None:
        if time.monotonic() > self.deadline:
            raise _TimeUpError


def _largest(worth: Numbers, among: Bools, most: int) -> Items:
    """Return up to ``most`` of the items with the largest worth above 0; equal ones in their order."""
    order = np.argsort(np.where(among, -worth, 1), kind="stable")[:most]
    return tuple(order[among[order] & (worth[order] > 0)].tolist())
