"""The phases of rerouting: who is served, at the least change, evenly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.certificate import Certificate, certify, shadow_prices
from supplygraph.engine.change import least_change
from supplygraph.engine.model import USD
from supplygraph.engine.paths import Columns, Prices
from supplygraph.engine.program import Program, Setting, ration
from supplygraph.engine.rows import Audiences
from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.engine.change import Change
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Scenario
    from supplygraph.engine.model import Model
    from supplygraph.engine.rows import Rule
    from supplygraph.engine.solver import Solution


@dataclass(frozen=True, eq=False)
class Question:
    """A rerouting as arrays.

    Attributes
    ----------
    zone
        Per process, whether its demand is inside the zone.
    rules
        Who may serve the zone.
    prices
        What a tonne costs; ``extra`` only for the zone (row 0).
    rationing
        As in :func:`~supplygraph.response.reroute.reroute`.
    first
        Groups of use processes served first, one after another.
    must
        Per process, demand that must be served.
    """

    program: Program
    scenario: Scenario
    zone: Bools
    rules: tuple[Rule, ...]
    prices: Prices
    rationing: str
    first: tuple[Bools, ...] = ()
    must: Floats | None = None

    @property
    def audiences(self) -> Audiences:
        """Two audiences (zone, rest) where it matters who serves the zone, else one."""
        graph = self.program.graph
        matters = np.zeros(len(graph.processes), dtype=np.bool_)
        for rule in self.rules:
            matters |= rule.matters
        if self.prices.extra is not None:
            matters |= self.prices.extra[0] != 0
        return Audiences.zone_and_rest(graph, self.zone, matters) if matters.any() else Audiences.one(graph)


@dataclass(frozen=True, eq=False)
class Flows:
    """The answer as arrays: one row per (origin, destination, audience, route) that carries anything."""

    origin: Ints
    destination: Ints
    audience: Ints
    shipment: Ints
    steps: Ints
    flow: Floats
    kind: Ints
    unmet: Floats
    certificate: Certificate
    shadow: pd.DataFrame
    objective_usd: float
    even: bool


def served(question: Question) -> tuple[Floats, Certificate]:
    """Phases 1 and 2: unmet demand per process (t), and the cut that proves its sum."""
    setting = question.program.setting(question.scenario)
    _, unmet, certificate, _ = _who(question, setting)
    return unmet, certificate


def solve(question: Question) -> Flows:
    """All phases, each fixed before the next."""
    program = question.program
    setting = program.setting(question.scenario)
    model, unmet, certificate, found = _who(question, setting)
    who = model.rows
    if model.table is None:
        model = program.routes(setting, question.audiences, question.rules, question.prices)
    change = least_change(model, unmet[model.uses] / model.unit, setting.left)
    duals = {"served_t_per_t": (who, found.dual), "usd_t": (model.rows, change.found.dual * USD)}
    prices = shadow_prices(program.graph, setting.left, duals)
    return _flows(program.graph, model, change, unmet, certificate, prices)


def cover(question: Question, barred: Bools, wanted: Bools) -> float:
    """Most of the demand wanted (t) that unbarred origins can serve if all they make goes there."""
    graph = question.program.graph
    demand = np.where(wanted, graph.demand, 0.0)
    setting = question.program.setting(question.scenario, demand=demand)
    model = question.program.model(setting, Audiences.one(graph, barred=barred))
    found = model.best(model.cost_of_unmet(np.ones(len(model.uses))))
    return max(float(demand.sum()) - found.objective * model.unit, 0.0)


def _who(question: Question, setting: Setting) -> tuple[Model, Floats, Certificate, Solution]:
    """Least unmet demand, then who goes without. Unmet is per process, in t."""
    program, graph, groups = question.program, question.program.graph, question.audiences
    _possible(question, groups)
    if setting.left.couples:
        model = program.routes(setting, groups, question.rules, question.prices)
    else:
        model = program.model(setting, groups, question.rules, links=True, home=question.rationing == "home_first")
    if question.must is not None:
        upper = model.face.upper.copy()
        most = np.maximum(setting.left.demand - question.must, 0.0)[model.uses] / model.unit
        upper[model.unmet] = np.maximum(np.minimum(upper[model.unmet], most + 1e-9), model.face.lower[model.unmet])
        model.face = replace(model.face, upper=upper)
    first = [group[model.uses].astype(np.float64) for group in question.first]
    found, left = ration(model, question.rationing, question.zone, first=first)
    unmet = np.zeros(len(graph.processes))
    unmet[model.uses] = np.clip(left * model.unit, 0.0, setting.left.demand[model.uses])
    return model, unmet, certify(graph, model, setting.left, question.scenario, found), found


def _possible(question: Question, groups: Audiences) -> None:
    """Refuse a must_serve that cannot be met, with the cut that proves it."""
    program, must = question.program, question.must
    if must is None:
        return
    setting = program.setting(question.scenario, demand=must)
    model = program.model(setting, groups, question.rules)
    found = model.best(model.cost_of_unmet(np.ones(len(model.uses))))
    short = found.objective * model.unit
    if short > 1e-6 * max(float(np.sum(must)), 1.0):
        certificate = certify(program.graph, model, setting.left, question.scenario, found)
        message = f"must_serve= asks for more than can be delivered: {certificate.words()} Lower it or relax the rule."
        raise InfeasibleError(message, certificate)


def _flows(
    graph: Expanded, model: Model, change: Change, unmet: Floats, certificate: Certificate, prices: pd.DataFrame
) -> Flows:
    table = Columns.join([]) if model.table is None else model.table
    flow = change.x[table.number] * model.unit
    least = 1e-9 * max(float(graph.demand.sum()), 1e-9)
    on = np.flatnonzero(flow > least)
    return Flows(
        table.origin[on], table.destination[on], table.audience[on], table.shipment[on], table.steps[on], flow[on],
        table.kind[on], unmet, certificate, prices, change.objective_usd, change.even,
    )
