"""A compiled linear program and its phases: each optimum is fixed before the next is sought."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from supplygraph.engine.paths import Columns
from supplygraph.engine.quadratic import spread
from supplygraph.engine.solver import Solution, Solver

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy.sparse import csc_array

    from supplygraph.engine.expanded import Floats, Ints
    from supplygraph.engine.limits import Limits
    from supplygraph.engine.paths import Draft
    from supplygraph.engine.rows import Rows

#: A reduced cost or dual above this (cost units of order 1) cannot move without leaving the optimum.
_TIGHT = 1e-7
#: Freight enters in hundreds of USD/t, to be of order 1 as well.
USD = 100.0
#: Weight of levelling shortages against keeping contracts. Small: levelling comes second. With equal
#: weights the whole world would lose alike, and a country that buys 8 % from a closed supplier 30 %.
EVEN = 1e-3
#: Rounds of pricing while spreading, at most.
_SPREADS = 100


@dataclass(frozen=True, eq=False)
class Face:
    """Bounds of the columns and rows; phases only ever narrow them."""

    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats

    def at(self, found: Solution) -> Face:
        """Return exactly the optimal solutions: those with complementary slackness to ``found``."""
        tight = _TIGHT
        up, down = found.reduced < -tight, found.reduced > tight
        low_row, high_row = found.dual > tight, found.dual < -tight
        return Face(
            np.where(up & np.isfinite(self.upper), self.upper, self.lower),
            np.where(down, self.lower, self.upper),
            np.where(high_row & np.isfinite(self.row_upper), self.row_upper, self.row_lower),
            np.where(low_row & np.isfinite(self.row_lower), self.row_lower, self.row_upper),
        )

    def widened(self, columns: int) -> Face:
        """Add columns from zero up."""
        return replace(
            self, lower=np.append(self.lower, np.zeros(columns)), upper=np.append(self.upper, np.full(columns, np.inf))
        )


class Price(Protocol):
    """Appends better routes."""

    def __call__(
        self, model: Model, solver: Solver | None, dual: Floats, *, paid: bool,
        marginal: Callable[[Columns], Floats] | None = None,
    ) -> int:
        """Return how many routes were appended."""


class Warm(Protocol):
    """A solver that is handed from scenario to scenario."""

    def open(self, model: Model, face: Face, cost: Floats) -> Solver:
        """Return the solver with the program of a model."""


@dataclass(eq=False)
class Model:
    """Columns, rows and what they mean. Tonnes are divided by ``unit`` to keep numbers near 1.

    Attributes
    ----------
    rows
        The rows; further rows (hubs, links) follow them.
    matrix, face
        Coefficients and bounds.
    unmet, uses
        Columns of unmet demand, and the use process of each.
    keep, keep_flow
        Columns of baseline links and what they carry today.
    home
        Columns that serve a use from its own country.
    freight
        USD/t of every column, where columns are routes.
    table
        The route columns, where there are any.
    price
        Appends better routes to a model and its solver under row duals, tells how many.
    warm
        The solver of the undisturbed program, where there is one to start from.
    method
        ``"simplex"`` or ``"ipm"`` (interior point): both give the same answers.
    """

    rows: Rows
    matrix: csc_array
    face: Face
    unit: float
    unmet: slice
    uses: Ints
    keep: Ints
    keep_flow: Floats
    home: Ints
    freight: Floats = field(default_factory=lambda: np.zeros(0))
    table: Columns | None = None
    price: Price | None = None
    warm: Warm | None = None
    method: str = "simplex"
    held: list[tuple[Floats, bool]] = field(default_factory=list)
    _free: Face = field(init=False)

    def __post_init__(self) -> None:
        self._free = self.face

    def reset(self) -> None:
        """Take the phases off again."""
        self.face = self._free.widened(self.columns - len(self._free.lower))
        self.held.clear()

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    def cost_of_unmet(self, weight: Floats) -> Floats:
        """Return column costs that count unmet demand, one weight per use."""
        cost = np.zeros(self.columns)
        cost[self.unmet] = weight
        return cost

    def open(self, face: Face, cost: Floats) -> Solver:
        """Pass the program to the solver; a warm one only takes what differs."""
        if self.warm is not None:
            return self.warm.open(self, face, cost)
        return Solver(
            cost, face.lower, face.upper, self.matrix, face.row_lower, face.row_upper, method=self.method
        )

    def grow(self, solver: Solver | None, draft: Draft, table: Columns, freight: Floats, *, paid: bool) -> None:
        """Take the newest columns of a draft (from zero up) into the model and a solver."""
        from scipy.sparse import csc_array, hstack

        count = len(freight)
        more = csc_array(draft.builder.matrix(self.matrix.shape[0])[:, self.columns :])
        self.matrix = csc_array(hstack([self.matrix, more]))
        self.face = self.face.widened(count)
        self.freight = np.append(self.freight, freight)
        self.table = table if self.table is None else Columns.join([self.table, table])
        if solver is not None:
            solver.add(freight / USD if paid else np.zeros(count), np.full(count, np.inf), more)

    def best(self, cost: Floats) -> Solution:
        """Minimise a cost that no route has a part in, pricing in routes until none can help."""
        solver = self.open(self.face, cost)
        found = solver.solve()
        while self.price is not None and self.price(self, solver, found.dual, paid=False):
            found = solver.solve()
        return found

    def cheapest(self) -> Solution:
        """Minimise freight, processing and relinking, pricing in routes until none can help."""
        solver = self.open(self.face, self.freight / USD)
        found = solver.solve()
        while self.price is not None and self.price(self, solver, found.dual * USD, paid=True):
            found = solver.solve()
        return found


    def spread(self, shape: Callable[[], Shape]) -> Floats:
        """Minimise a quadratic over the present face, pricing in routes until none can help."""
        for _ in range(_SPREADS):
            form = shape()
            x = self._spread(form)
            if self.price is None:
                break
            dual = self._prices(form.curve * form.totals(x) + form.cost)
            if not self.price(self, None, dual, paid=False, marginal=form.marginal(x)):
                break
        return np.append(x, np.zeros(self.columns - len(x)))

    def _prices(self, slope: Floats) -> Floats:
        """Return row prices under which a point is the best there is, given the slopes of the objective there.

        The point solves the linear program of its slopes, and the duals of that price every row: also those that
        leave nothing to choose, of which a quadratic knows no price.
        """
        face = self.face
        solver = Solver(slope, face.lower, face.upper, self.matrix, face.row_lower, face.row_upper)
        return solver.sharpened().solve().dual

    def _spread(self, form: Shape) -> Floats:
        """Return the columns; routes that share a curve get a column for their sum."""
        from scipy.sparse import block_array, csc_array

        face, count = self.face, len(form.curve)
        groups = np.unique(form.group[form.group >= 0])
        several = groups[np.bincount(form.group[form.group >= 0])[groups] > 1] if len(groups) else groups
        if not len(several):
            return spread(form.curve, form.cost, self.matrix, face.row_lower, face.row_upper, face.lower, face.upper)
        inside = np.flatnonzero(np.isin(form.group, several))
        row = np.searchsorted(several, form.group[inside])
        first = inside[np.unique(row, return_index=True)[1]]
        sums = csc_array((np.ones(len(inside)), (row, inside)), shape=(len(several), count))
        minus = csc_array((-np.ones(len(several)), (np.arange(len(several)),) * 2))
        alone = ~np.isin(np.arange(count), inside)
        none, wide = np.zeros(len(several)), np.full(len(several), np.inf)
        return spread(
            np.append(form.curve * alone, form.curve[first]), np.append(form.cost * alone, form.cost[first]),
            csc_array(block_array([[self.matrix, None], [sums, minus]])), np.append(face.row_lower, none),
            np.append(face.row_upper, none), np.append(face.lower, none), np.append(face.upper, wide),
        )[:count]


@dataclass(frozen=True, eq=False)
class Shape:
    """A quadratic over columns: ``sum over groups (curve T^2 / 2 + cost T)`` with T what the columns of a group carry.

    A column without a group (-1) is one of its own; columns of a group share curve and cost. ``key`` names the
    group of each column to :meth:`marginal`, ``free`` is the cost of a tonne in a group that has no column yet.
    """

    curve: Floats
    cost: Floats
    group: Ints
    key: Callable[[Columns], Ints] | None = None
    free: Callable[[Columns], Floats] | None = None

    def totals(self, x: Floats) -> Floats:
        """Return what the group of each column carries."""
        total = x.copy()
        shared = self.group >= 0
        if shared.any():
            total[shared] = np.bincount(self.group[shared], x[shared])[self.group[shared]]
        return total

    def marginal(self, x: Floats) -> Callable[[Columns], Floats] | None:
        """Return what one tonne more costs on route columns, there or not."""
        if self.key is None or self.free is None:
            return None
        key, free, shared = self.key, self.free, self.group >= 0
        groups, first = np.unique(self.group[shared], return_index=True)
        price = (self.curve * self.totals(x) + self.cost)[shared][first]

        def of(block: Columns) -> Floats:
            wanted = key(block)
            place = np.searchsorted(groups, wanted)
            known = (np.append(groups, -1)[place] == wanted) & (wanted >= 0)
            return np.where(known, np.append(price, 0.0)[place], free(block))

        return of


def fix(model: Model, found: Solution, *, paid: bool = False) -> None:
    """Hold a phase: keep only its optimal solutions. ``paid`` as in :class:`Price`."""
    model.face = model.face.at(found)
    if model.price is not None:
        model.held.append((found.dual * (USD if paid else 1.0), paid))


def share_shortage(model: Model) -> Floats:
    """Decide who goes without on the present face: contracts in proportion, then even shortages.

    Minimises ``sum_links (b - x)^2 / 2b + EVEN sum_uses u^2 / 2D``: every supplier cuts all its customers
    alike, keeping what it can of each baseline link (b tonnes); what capacity remains elsewhere goes
    where the largest share is missing. The optimum is unique in x and u. Returns unmet per use (units).
    """
    carried = np.maximum(model.keep_flow, 1e-12)
    wanted = model.rows.upper[model.rows.intake[model.uses]] / model.unit

    def shape() -> Shape:
        curve, cost = np.zeros(model.columns), np.zeros(model.columns)
        curve[model.keep], cost[model.keep] = 1.0 / carried, -1.0
        curve[model.unmet] = EVEN / np.maximum(wanted, 1e-12)
        return Shape(curve, cost, np.full(model.columns, -1))

    return model.spread(shape)[model.unmet]


def unit_of(left: Limits) -> float:
    """Tonnes per unit: total demand becomes 10 000, so that tolerances mean the same everywhere."""
    total = float(left.demand.sum())
    return total / 1e4 if total > 0 else 1.0
