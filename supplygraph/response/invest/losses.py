"""What goes unmet under a scenario as a function of the capacity added, with cuts that hold for all additions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import USE
from supplygraph.engine.limits import Quota
from supplygraph.engine.rows import Rows
from supplygraph.engine.solver import Solver

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Floats, Ints
    from supplygraph.engine.limits import Limits, Scenario
    from supplygraph.engine.model import Model
    from supplygraph.engine.program import Program, Setting

#: Decimals (relative to the demand) that tell two states apart.
_SAME = 12


@dataclass(frozen=True, eq=False)
class Cut:
    """``loss >= base + pace x eps + slope @ added``, with equality where it was made; tonnes."""

    base: float
    pace: float
    slope: Floats


@dataclass(eq=False)
class Losses:
    """Least unmet demand of one mineral under one scenario.

    Parameters
    ----------
    program
        The network with all candidates in it.
    scenario
        What is closed.
    added
        Processes that are candidates, in the order of the vector of additions.
    weight
        Per use, how much of a tonne unmet counts.

    Notes
    -----
    Demand is that of today; a year with demand ``g`` times as large, other capacity ``e`` times as large and ``c``
    tonnes added loses ``g x loss(e / g, c / g)``. So one linear program serves all years, and so do its cuts.
    """

    program: Program
    scenario: Scenario
    added: Ints
    weight: Floats
    cuts: list[Cut] = field(default_factory=list)
    solved: int = 0
    _known: dict[bytes, tuple[float, Cut]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._setting: Setting = self.program.setting(self.scenario)
        left = self._setting.left
        graph = self.program.graph
        standing = graph.limit[self.added]
        with np.errstate(invalid="ignore", divide="ignore"):
            self._keeps: Floats = np.where(standing > 0, left.output[self.added] / standing, 0.0)
        self._is_added: Bools = np.zeros(len(graph.processes), dtype=np.bool_)
        self._is_added[self.added] = True
        self._hub: tuple[Model, Solver] | None = None

    def at(self, pace: float, added: Floats) -> tuple[float, Cut]:
        """Return the loss in tonnes, exact, and the cut that is tight there."""
        key = np.round(np.append(added, pace), _SAME).tobytes()
        if key not in self._known:
            self.solved += 1
            self._known[key] = self._solve(pace, added)
            self.cuts.append(self._known[key][1])
        return self._known[key]

    def bound(self, pace: float, added: Floats) -> tuple[float, int]:
        """Return the best bound that the cuts made so far prove, and the number of its cut; (0, -1) without any."""
        if not self.cuts:
            return 0.0, -1
        values = [cut.base + cut.pace * pace + float(cut.slope @ added) for cut in self.cuts]
        best = int(np.argmax(values))
        return (values[best], best) if values[best] > 0 else (0.0, -1)

    def _limits(self, pace: float, added: Floats) -> Limits:
        left = self._setting.left
        use = self.program.graph.role == USE
        output = left.output * np.where(np.isfinite(left.output), pace, 1.0)
        output[self.added] = added * self._keeps
        intake = np.where(use, left.intake, left.intake * np.where(np.isfinite(left.intake), pace, 1.0))
        quotas = tuple(Quota(q.origin, q.product, q.destination, q.limit * pace) for q in left.quotas)
        return replace(left, output=output, intake=intake, node=left.node * pace, arc=left.arc * pace, quotas=quotas)

    def _solve(self, pace: float, added: Floats) -> tuple[float, Cut]:
        left = self._limits(pace, added)
        if left.couples:
            model = self.program.routes(replace(self._setting, left=left))
            found = model.best(model.cost_of_unmet(self.weight[model.uses]))
            dual, reduced = found.dual, found.reduced
            value = found.objective
            rows = model.rows
        else:
            model, solver = self._opened()
            rows = Rows.of(self.program.graph, model.rows.audiences, left)
            low, high = model.face.row_lower.copy(), model.face.row_upper.copy()
            low[: len(rows)], high[: len(rows)] = rows.lower / model.unit, rows.upper / model.unit
            solver.set_rows(low, high)
            found = solver.solve()
            dual, reduced, value = found.dual, found.reduced, found.objective
        _ = reduced
        slope = dual[rows.output[self.added]] * self._keeps
        tonnes = value * model.unit
        scaled = self._scaled(rows, left, dual)
        per_pace = scaled / pace if pace > 0 else 0.0
        # Tight by construction: what neither pace nor additions explain is the demand.
        return tonnes, Cut(tonnes - per_pace * pace - float(slope @ added), per_pace, slope)

    def _scaled(self, rows: Rows, left: Limits, dual: Floats) -> float:
        """Return the part of the dual objective that goes with the capacity of others."""
        graph = self.program.graph
        others = (rows.output >= 0) & ~self._is_added & np.isfinite(left.output)
        builds = (rows.intake >= 0) & (graph.role != USE) & np.isfinite(left.intake)
        total = float(dual[rows.output[others]] @ left.output[others] + dual[rows.intake[builds]] @ left.intake[builds])
        for numbers, most in ((rows.node, left.node), (rows.arc, left.arc)):
            there = (numbers >= 0) & np.isfinite(most)
            total += float(dual[numbers[there]] @ most[there])
        if len(rows.quota):
            total += float(dual[rows.quota] @ np.array([quota.limit for quota in left.quotas]))
        return total

    def _opened(self) -> tuple[Model, Solver]:
        if self._hub is None:
            model = self.program.model(self._setting)
            face, cost = model.face, model.cost_of_unmet(self.weight[model.uses])
            solver = Solver(cost, face.lower, face.upper, model.matrix, face.row_lower, face.row_upper)
            self._hub = (model, solver)
        return self._hub
