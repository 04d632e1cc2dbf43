"""Bounds of an exposure over all ways to match what processes take to what they send.

Nobody knows which of its inputs a plant put into which of its outputs; mixing in proportion is an assumption. Colour
what a stage sends. A colouring of all later shipments is possible if at each process what leaves in a colour is what
enters in it times the process's yield. The most of a colour that can reach some demand is then a maximum flow with
gains: from the coloured shipments, each later shipment carrying at most its own tonnes. What is left over can always
be everything else, so the least share is one minus the most of all other colours.

What a process yields is what it sends over what it takes, its recovery where the books are closed.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.expanded import tally
from supplygraph.errors import LimitError
from supplygraph.measures.sources import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplygraph.engine.solver import Solver
    from supplygraph.measures.sources import Chains

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Demand that a program counts in; tonnes are scaled so that tolerances are shares of it.
_SCALE = 1e6
#: Most work of linear programs: programs x links between mixing processes. About a minute.
_MOST_WORK = 300_000_000


class Bounds(NamedTuple):
    """Least and largest shares, rows x columns (of suppliers, and of what crossed no process of the stage)."""

    low: Floats
    high: Floats


class _Case(NamedTuple):
    """One question: the most that can reach each row from some shipments, by what a tonne of them is worth.

    Attributes
    ----------
    worth
        What a tonne of each level is worth, falling; one level unless somebody owns plants in part.
    enter
        Tonnes that may enter, level x mixing process.
    inner, leave
        Tonnes that may move by link between mixing processes, and leave for demand, row x mixing process.
    direct
        Worth of what reaches each row without any process.
    """

    worth: Floats
    enter: Floats
    inner: Floats
    leave: Floats
    direct: Floats

    def nested(self) -> Iterator[tuple[float, Floats]]:
        """Yield how much more each level is worth than the next, and what may enter down to it."""
        yield from zip(-np.diff(self.worth, append=0.0), np.cumsum(self.enter, axis=0), strict=True)


def bounds(chains: Chains, shares: Floats) -> Bounds:
    """Return the bounds of all cells; exact.

    Parameters
    ----------
    chains
        The question.
    shares
        The traced shares: rows x columns; for suppliers a last column for what crossed no process of the stage.

    Raises
    ------
    LimitError
        If that takes too many linear programs.

    Notes
    -----
    Where no process mixes after the stage the traced shares are the bounds. Where at most one mixes on any way, the
    most is a sum of minima over the mixing processes. Else one linear program per cell and side, warm from the one
    before, over the links between mixing processes only.

    A supplier that stands behind parts of its plants takes the best plants first, level by level, where all ways from
    a process to demand yield the same (the arrivals then form a polymatroid, Edmonds 1970). Elsewhere the levels are
    flows of their own that share the links, in one larger program.
    """
    mixing = _Mixing.of(chains)
    if not len(mixing.plants):
        return Bounds(shares, shares)
    open_cells = (shares > ROUNDING) & (shares < 1.0 - ROUNDING)
    wanted = np.asarray(open_cells.any(axis=0))
    sides = list((_at_sea if chains.question.at_sea else _of_suppliers)(chains, mixing, wanted))
    if len(mixing.tail):
        work = len(mixing.tail) * sum(int(open_cells[:, column].sum()) * len(case.worth) for column, _, case in sides)
        if work > _MOST_WORK:
            told = f"bounds over every matching take {work / len(mixing.tail):,.0f} linear programs"
            remedy = 'Ask with bounds=False, or for fewer cells: rows="country", to="country", a later stage.'
            raise LimitError(f"{told} of {len(mixing.tail)} links each. {remedy}")
    most = {True: np.zeros(shares.shape), False: np.zeros(shares.shape)}
    for column, own, case in sides:
        rows = np.flatnonzero(open_cells[:, column])
        most[own][rows, column] = mixing.most(case, rows)
    demand = chains.demand[:, None]
    high = np.where(open_cells, np.clip(most[True] / demand, shares, 1.0), shares)
    low = np.where(open_cells, np.clip(1.0 - most[False] / demand, 0.0, shares), shares)
    return Bounds(low, high)


#: Column, whether this is its own most (else that of everything else), what may reach the rows.
_Side = tuple[int, bool, _Case]


def _of_suppliers(chains: Chains, mixing: _Mixing, wanted: Bools) -> Iterator[_Side]:
    """Yield the cases of all suppliers: what they hold of the plants, and what others do."""
    held = np.where(chains.inside[:, None], chains.payoff, 0.0)
    held = np.column_stack([held, ~chains.inside])[mixing.origin]
    for column in np.flatnonzero(wanted):
        for own, value in ((True, held[:, column]), (False, 1.0 - held[:, column])):
            yield int(column), own, mixing.case(np.where(mixing.first, value, 0.0))


def _at_sea(chains: Chains, mixing: _Mixing, wanted: Bools) -> Iterator[_Side]:
    """Yield the cases of all straits: what passed it (what does so now, or has before), and what never does."""
    for column in np.flatnonzero(wanted):
        passing = chains.passes[column]
        yield int(column), True, mixing.case((mixing.later & passing).astype(np.float64), ~passing)
        yield int(column), False, mixing.case((mixing.first & ~passing).astype(np.float64), ~passing)


class _Mixing:
    """What lies between a stage and demand: mixing processes, the links between them, and who feeds and who taps them.

    Attributes
    ----------
    plants, gain
        Positions of the processes, and what they yield.
    tail, head
        Links between them, as numbers of plants.
    first
        Which shipments come from the stage (or from nowhere).
    later
        Which shipments are on the way from there to demand.
    """

    def __init__(self, chains: Chains) -> None:
        traced = chains.traced
        self.origin, self.flow, self.rows = traced.origin, traced.flow, len(chains.index)
        size = len(chains.row)
        sources = chains.sources
        self.row = chains.row[traced.destination]
        mixes = ~sources & _leads_to(traced.destination, traced.origin, self.row >= 0, ~sources)
        self.plants = np.flatnonzero(mixes)
        place = np.full(size, -1, dtype=np.int64)
        place[self.plants] = np.arange(len(self.plants))
        taken, sent = (tally(side, traced.flow, size) for side in (traced.destination, traced.origin))
        self.gain = sent[self.plants] / taken[self.plants]
        self.into, self.out = place[traced.destination], place[traced.origin]
        self.first = sources[traced.origin] & ((self.row >= 0) | (self.into >= 0))
        self.later = self.first | ((self.out >= 0) & ((self.row >= 0) | (self.into >= 0)))
        inner = np.flatnonzero((self.out >= 0) & (self.into >= 0))
        links, link = np.unique(self.out[inner] * max(len(self.plants), 1) + self.into[inner], return_inverse=True)
        self.tail, self.head = np.divmod(links, max(len(self.plants), 1))
        self.inner, self.link = inner, link
        self._solver: Solver | None = None
        self._unit = float(chains.demand.sum()) / _SCALE

    @classmethod
    def of(cls, chains: Chains) -> _Mixing:
        return cls(chains)

    def case(self, value: Floats, usable: Bools | None = None) -> _Case:
        """Return what may reach the rows from shipments of some value, over usable later ones."""
        usable = np.ones(len(self.flow), dtype=bool) if usable is None else usable
        plants, flow = len(self.plants), self.flow
        value = np.where(value > ROUNDING, np.round(value, 12), 0.0)
        enters = np.flatnonzero((value > 0) & (self.into >= 0))
        worth, level = np.unique(-value[enters], return_inverse=True)
        leaves = np.flatnonzero((self.out >= 0) & (self.row >= 0) & usable)
        arrives = np.flatnonzero((value > 0) & (self.row >= 0))
        enter = tally(level * plants + self.into[enters], flow[enters], len(worth) * plants)
        leave = tally(self.row[leaves] * plants + self.out[leaves], flow[leaves], self.rows * plants)
        return _Case(
            -worth,
            enter.reshape(-1, plants),
            tally(self.link, flow[self.inner] * usable[self.inner], len(self.tail)),
            leave.reshape(-1, plants),
            tally(self.row[arrives], (flow * value)[arrives], self.rows),
        )

    def most(self, case: _Case, rows: Ints) -> Floats:
        """Return the most worth that can reach some rows."""
        through = np.zeros(len(rows))
        if not len(self.tail):
            for more, enter in case.nested():
                through += more * np.minimum(self.gain * enter, case.leave[rows]).sum(axis=1)
        elif len(case.worth) <= 1 or self.even:
            for more, enter in case.nested():
                through += [more * self._one_level(enter, case.inner, case.leave[row]) for row in rows]
        else:
            through += self._all_levels(case, rows)
        return np.asarray(case.direct[rows] + through)

    @cached_property
    def even(self) -> bool:
        """Tell whether all ways from each process to demand yield the same."""
        ends = np.zeros(len(self.plants), dtype=bool)
        ends[self.out[(self.out >= 0) & (self.row >= 0)]] = True
        best, worst = np.where(ends, 1.0, 0.0), np.where(ends, 1.0, np.inf)
        for _ in range(len(self.plants)):
            before = best.copy(), worst.copy()
            np.maximum.at(best, self.tail, self.gain[self.head] * best[self.head])
            np.minimum.at(worst, self.tail, self.gain[self.head] * worst[self.head])
            if (before[0] == best).all() and (before[1] == worst).all():
                break
        return bool((np.abs(best - worst) <= ROUNDING * best).all())

    def _one_level(self, enter: Floats, inner: Floats, leave: Floats) -> float:
        """Solve one maximum flow with gains, warm from the one before."""
        upper = np.concatenate([enter, inner, leave]) / self._unit
        if self._solver is None:
            self._solver = self._open(np.ones(1))
        self._solver.set_columns(np.zeros(len(upper)), upper)
        return -self._solver.solve().objective * self._unit

    def _all_levels(self, case: _Case, rows: Ints) -> list[float]:
        """Solve flows with gains, one per level, that share links and what may leave."""
        solver, found = self._open(case.worth), []
        free = np.zeros(len(self.plants) * len(case.worth))
        for row in rows:
            upper = [np.concatenate([enter, case.inner, case.leave[row]]) for enter in case.enter]
            shared = np.concatenate([case.inner, case.leave[row]]) / self._unit
            solver.set_columns(np.zeros(sum(map(len, upper))), np.concatenate(upper) / self._unit)
            solver.set_rows(np.concatenate([free, np.full(len(shared), -np.inf)]), np.concatenate([free, shared]))
            found.append(-solver.solve().objective * self._unit)
        return found

    def _open(self, worth: Floats) -> Solver:
        """Return the program; columns by level: what enters, moves on and leaves; rows: what plants yield, limits."""
        from scipy.sparse import block_diag, csc_array, eye_array, hstack, vstack

        from supplygraph.engine.solver import Solver, assemble

        count, links, levels = len(self.plants), len(self.tail), len(worth)
        plant, link = np.arange(count), np.arange(links)
        rows = [plant, self.head, self.tail, plant]
        columns = [plant, count + link, count + link, count + links + plant]
        values = [self.gain, self.gain[self.head], np.full(links, -1.0), np.full(count, -1.0)]
        matrix = assemble(rows, columns, values, (count, 2 * count + links))
        if levels > 1:
            limit = hstack([csc_array((links + count, count)), eye_array(links + count)])
            matrix = csc_array(vstack([block_diag([matrix] * levels), hstack([limit] * levels)]))
        cost = np.concatenate([np.repeat((0.0, -value), (count + links, count)) for value in worth])
        none = np.zeros(matrix.shape[0])
        return Solver(cost, np.zeros(len(cost)), np.zeros(len(cost)), matrix, none, none)


def _leads_to(head: Ints, tail: Ints, ends: Bools, passable: Bools) -> Bools:
    """Tell which processes send something on towards demand through passable processes; ``ends`` says which arcs do."""
    found = np.zeros(len(passable), dtype=bool)
    found[tail[ends]] = True
    while True:
        more = found.copy()
        more[tail[found[head] & passable[head]]] = True
        if (more == found).all():
            return found
        found = more
