"""A compiled linear program and its phases: each optimum is fixed before the next is sought."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.quadratic import spread
from supplygraph.engine.solver import Solution, Solver

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy.sparse import csc_array

    from supplygraph.engine.expanded import Floats, Ints
    from supplygraph.engine.limits import Limits
    from supplygraph.engine.paths import Paths
    from supplygraph.engine.rows import Builder, Rows

#: A reduced cost or dual above this (cost units of order 1) cannot move without leaving the optimum.
_TIGHT = 1e-7
#: Freight enters in hundreds of USD/t, to be of order 1 as well.
USD = 100.0
#: Weight of levelling shortages against keeping contracts. Small: levelling comes second. With equal
#: weights the whole world would lose alike, and a country that buys 8 % from a closed supplier 30 %.
EVEN = 1e-3


@dataclass(frozen=True, eq=False)
class Face:
    """Bounds of the columns and rows; phases only ever narrow them."""

    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats

    def at(self, found: Solution, scale: float = 1.0) -> Face:
        """Return exactly the optimal solutions: those with complementary slackness to ``found``."""
        tight = _TIGHT * scale
        up, down = found.reduced < -tight, found.reduced > tight
        low_row, high_row = found.dual > tight, found.dual < -tight
        return Face(
            np.where(up & np.isfinite(self.upper), self.upper, self.lower),
            np.where(down, self.lower, self.upper),
            np.where(high_row & np.isfinite(self.row_upper), self.row_upper, self.row_lower),
            np.where(low_row & np.isfinite(self.row_lower), self.row_lower, self.row_upper),
        )


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
    price
        Called with row duals and the cost per tonne-freight; appends better routes, tells how many.
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
    price: Callable[[Model, Solver, Floats, str], int] | None = None
    freight: Floats = field(default_factory=lambda: np.zeros(0))
    held: list[Floats] = field(default_factory=list)
    paths: Paths | None = None
    paths_face: Face | None = None

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
        """Pass the program to the solver."""
        return Solver(cost, face.lower, face.upper, self.matrix, face.row_lower, face.row_upper)

    def grow(self, solver: Solver, entries: Builder, freight: Floats, cost: Floats) -> None:
        """Append columns (from zero up) to the model, and with a cost to a solver."""
        from scipy.sparse import csc_array, hstack

        more = entries.matrix()
        count = int(more.shape[1])
        self.matrix = csc_array(hstack([self.matrix, more]))
        zero, inf = np.zeros(count), np.full(count, np.inf)
        self.face = replace(
            self.face, lower=np.append(self.face.lower, zero), upper=np.append(self.face.upper, inf)
        )
        self.freight = np.append(self.freight, freight)
        solver.add(cost, inf, more)

    def best(self, cost: Floats) -> Solution:
        """Minimise a cost that no route has a part in, pricing in routes until none can help."""
        solver = self.open(self.face, cost)
        found = solver.solve()
        while self.price is not None and self.price(self, solver, found.dual, "free"):
            found = solver.solve()
        return found


    def cheapest(self) -> Solution:
        """Minimise freight, processing and relinking, pricing in routes until none can help."""
        solver = self.open(self.face, self.freight / USD)
        found = solver.solve()
        while self.price is not None and self.price(self, solver, found.dual * USD, "freight"):
            found = solver.solve()
        return found


def fix(model: Model, found: Solution, scale: float = 1.0) -> None:
    """Hold a phase: keep only its optimal solutions."""
    model.face = model.face.at(found, scale)
    if model.price is not None:
        model.held.append(found.dual)


def share_shortage(model: Model) -> Floats:
    """Decide who goes without on the present face: contracts in proportion, then even shortages.

    Minimises ``sum_links (b - x)^2 / 2b + EVEN sum_uses u^2 / 2D``: every supplier cuts all its customers
    alike, keeping what it can of each baseline link (b tonnes); what capacity remains elsewhere goes
    where the largest share is missing. The optimum is unique in x and u. Returns unmet per use (units).
    """
    face = model.face
    curve, cost = np.zeros(model.columns), np.zeros(model.columns)
    carried = np.maximum(model.keep_flow, 1e-12)
    curve[model.keep], cost[model.keep] = 1.0 / carried, -1.0
    wanted = model.rows.upper[model.rows.intake[model.uses]] / model.unit
    curve[model.unmet] = EVEN / np.maximum(wanted, 1e-12)
    x = spread(curve, cost, model.matrix, face.row_lower, face.row_upper, face.lower, face.upper)
    return x[model.unmet]


def unit_of(left: Limits) -> float:
    """Tonnes per unit: total demand becomes 10 000, so that tolerances mean the same everywhere."""
    total = float(left.demand.sum())
    return total / 1e4 if total > 0 else 1.0
