"""A compiled linear program and its phases: each optimum is fixed before the next is sought."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from supplygraph.engine.paths import Columns
from supplygraph.engine.quadratic import spread_priced
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
_SPREADS = 20


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
        self, model: Model, solver: Solver | None, dual: Floats, *, paid: bool, moved: float | None = None
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


    def spread(self, shape: Callable[[], tuple[Floats, Floats]], *, moved: float | None = None) -> Floats:
        """Minimise a separable quadratic over the present face, pricing in routes until none can help.

        ``shape`` returns curves and costs of the present columns; ``moved`` is the cost of a new way of a link (None =
        there are none) and 0 that of new tonnes.
        """
        lowest, x = np.inf, np.zeros(0)
        for _ in range(_SPREADS):
            curve, cost = shape()
            face = self.face
            found, dual = spread_priced(
                curve, cost, self.matrix, face.row_lower, face.row_upper, face.lower, face.upper
            )
            value = float((curve * found * found / 2 + cost * found).sum())
            if len(x) and value > lowest - 1e-9 * max(1.0, abs(lowest)):
                return np.append(x, np.zeros(len(found) - len(x)))
            lowest, x = value, found
            if self.price is None or not self.price(self, None, dual, paid=False, moved=moved):
                break
        return np.append(x, np.zeros(self.columns - len(x)))


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

    def shape() -> tuple[Floats, Floats]:
        curve, cost = np.zeros(model.columns), np.zeros(model.columns)
        curve[model.keep], cost[model.keep] = 1.0 / carried, -1.0
        curve[model.unmet] = EVEN / np.maximum(wanted, 1e-12)
        return curve, cost

    return model.spread(shape)[model.unmet]


def unit_of(left: Limits) -> float:
    """Tonnes per unit: total demand becomes 10 000, so that tolerances mean the same everywhere."""
    total = float(left.demand.sum())
    return total / 1e4 if total > 0 else 1.0
