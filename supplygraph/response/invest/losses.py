"""What goes unmet under a scenario as a function of the capacity added, and its slope: the cut that holds for all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.expanded import USE
from supplygraph.engine.rows import Rows
from supplygraph.engine.solver import Solver

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Floats, Ints
    from supplygraph.engine.limits import Limits, Quota, Scenario
    from supplygraph.engine.model import Model
    from supplygraph.engine.program import Program, Setting

#: Decimals that tell two states apart, in tonnes and shares.
_SAME = 12


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
        Per process, how much a tonne unmet counts.

    Notes
    -----
    Demand is that of today: a year with demand ``g`` times as large, other capacity ``e`` times as large and ``c``
    tonnes added loses ``g x loss(e / g, 1 / g, c / g)``; what is limited in tonnes (a quota) does not grow. So one
    linear program per scenario serves all years. Its value is convex in the additions, and the duals of their limits
    are a slope: ``loss(c') >= loss(c) + slope . (c' - c)``.
    """

    program: Program
    scenario: Scenario
    added: Ints
    weight: Floats
    solved: int = 0
    _known: dict[bytes, tuple[float, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._setting: Setting = self.program.setting(self.scenario)
        left = self._setting.left
        standing = self.program.graph.limit[self.added]
        #: What the scenario leaves of a tonne of each addition.
        self.keeps: Floats = np.divide(
            left.output[self.added], standing, out=np.zeros(len(standing)), where=standing > 0
        )
        self._in_tonnes = {ban[:3] for ban in self.scenario.bans if ban.limit_t >= 0}
        self._hub: tuple[Model, Solver] | None = None

    def at(self, pace: float, fixed: float, added: Floats) -> tuple[float, Floats]:
        """Return the loss in tonnes, exact, and its slope in the additions.

        Parameters
        ----------
        pace, fixed
            Other capacity, and limits in tonnes, as multiples of today's.
        added
            Tonnes a year per candidate process, before the scenario.
        """
        key = np.round(np.append(added, (pace, fixed)), _SAME).tobytes()
        if key not in self._known:
            self.solved += 1
            self._known[key] = self._solve(self.limits(pace, fixed, added))
        return self._known[key]

    def limits(self, pace: float, fixed: float, added: Floats) -> Limits:
        """Return what the scenario leaves, with so much added."""
        left = self._setting.left
        use = self.program.graph.role == USE
        output = left.output * np.where(np.isfinite(left.output), pace, 1.0)
        output[self.added] = added * self.keeps
        intake = np.where(use, left.intake, left.intake * np.where(np.isfinite(left.intake), pace, 1.0))
        quotas = tuple(self._quota(quota, pace, fixed) for quota in left.quotas)
        return replace(left, output=output, intake=intake, node=left.node * pace, arc=left.arc * pace, quotas=quotas)

    def opened(self) -> tuple[Model, Solver]:
        """Return the program over hubs, and the solver that holds it."""
        if self._hub is None:
            model = self.program.model(self._setting)
            face, cost = model.face, model.cost_of_unmet(self.weight[model.uses])
            solver = Solver(cost, face.lower, face.upper, model.matrix, face.row_lower, face.row_upper)
            self._hub = (model, solver)
        return self._hub

    def _quota(self, quota: Quota, pace: float, fixed: float) -> Quota:
        in_tonnes = (quota.origin, quota.product, quota.destination) in self._in_tonnes
        return replace(quota, limit=quota.limit * (fixed if in_tonnes else pace))

    def _solve(self, left: Limits) -> tuple[float, Floats]:
        if left.couples:
            model = self.program.routes(replace(self._setting, left=left))
            found, rows = model.best(model.cost_of_unmet(self.weight[model.uses])), model.rows
        else:
            model, solver = self.opened()
            rows = Rows.of(self.program.graph, model.rows.audiences, left)
            low, high = model.face.row_lower.copy(), model.face.row_upper.copy()
            low[: len(rows)], high[: len(rows)] = rows.lower / model.unit, rows.upper / model.unit
            solver.set_rows(low, high)
            found = solver.solve()
        # A limit can only help: what a dual says beyond that is rounding.
        slope = np.minimum(found.dual[rows.output[self.added]], 0.0) * self.keeps
        return found.objective * model.unit, slope
