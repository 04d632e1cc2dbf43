"""The phases of rerouting: who is served, at the least change, evenly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.certificate import Certificate, certify
from supplygraph.engine.expanded import USE, tally
from supplygraph.engine.model import fix
from supplygraph.engine.paths import MOVED, NEW, path_model
from supplygraph.engine.program import Program, Setting, ration
from supplygraph.engine.quadratic import spread
from supplygraph.engine.rows import Audiences
from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Floats, Ints
    from supplygraph.engine.limits import Scenario
    from supplygraph.engine.model import Model

#: Room (in units, 1e-4 of total demand) around the unmet demand fixed by the second phase.
_ROOM = (1e-6, 1e-4, 1e-2)


@dataclass(frozen=True, eq=False)
class Question:
    """A rerouting as arrays.

    Attributes
    ----------
    zone
        Per process, whether its demand is inside the zone.
    barred
        Per process, whether what serves the zone may not come from it (it breaks the rule).
    rationing, relink
        As in :func:`~supplygraph.response.reroute.reroute`.
    first
        Groups of use processes served first, one after another.
    must
        Per process, demand that must be served.
    """

    program: Program
    scenario: Scenario
    zone: Bools
    barred: Bools
    rationing: str
    relink: float
    first: tuple[Bools, ...] = ()
    must: Floats | None = None


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
    objective_usd: float
    duals: Floats


def audiences_of(question: Question) -> Audiences:
    """Two audiences (zone, rest) where a rule bars origins from the zone, else one."""
    graph = question.program.graph
    if not question.barred.any():
        return Audiences.one(graph)
    of = np.where(question.zone, 0, 1).astype(np.int64)
    return Audiences(of, np.stack([~question.barred, np.ones(len(of), dtype=np.bool_)]))


def served(question: Question) -> tuple[Floats, Certificate]:
    """Phases 1 and 2: unmet demand per process (t), and the cut that proves its sum."""
    setting = question.program.setting(question.scenario)
    _, unmet, certificate = _who(question, setting)
    return unmet, certificate


def solve(question: Question) -> Flows:
    """All phases, each fixed before the next."""
    graph = question.program.graph
    setting = question.program.setting(question.scenario)
    model, unmet, certificate = _who(question, setting)
    if model.paths is None:
        model = path_model(
            graph, setting.left, setting.ways, audiences_of(question), question.program.links, question.scenario,
            relink=question.relink,
        )
    else:
        _reset(model)
    x, objective, duals = _change(model, unmet[model.uses] / model.unit, setting)
    return _flows(graph, model, x, unmet, certificate, objective, duals)


def cover(question: Question, barred: Bools, wanted: Bools) -> float:
    """Most of the demand wanted (t) that unbarred origins can serve if all they make goes there."""
    graph = question.program.graph
    demand = np.where(wanted, graph.demand, 0.0)
    setting = question.program.setting(question.scenario, demand=demand)
    groups = Audiences(np.zeros(len(demand), dtype=np.int64), ~barred[None, :])
    model = question.program.model(setting, groups)
    found = model.best(model.cost_of_unmet(np.ones(len(model.uses))))
    return max(float(demand.sum()) - found.objective * model.unit, 0.0)


def _who(question: Question, setting: Setting) -> tuple[Model, Floats, Certificate]:
    """Least unmet demand, then who goes without. Unmet is per process, in t."""
    program, graph = question.program, question.program.graph
    groups = audiences_of(question)
    _possible(question, groups)
    model = program.model(setting, groups, links=True, home=question.rationing == "home_first", relink=question.relink)
    if question.must is not None:
        upper = model.face.upper.copy()
        most = np.maximum(setting.left.demand - question.must, 0.0)[model.uses] / model.unit
        upper[model.unmet] = np.maximum(np.minimum(upper[model.unmet], most + 1e-9), model.face.lower[model.unmet])
        model.face = replace(model.face, upper=upper)
    first = [group[model.uses].astype(np.float64) for group in question.first]
    found, left = ration(model, question.rationing, question.zone, first=first)
    unmet = np.zeros(len(graph.processes))
    unmet[model.uses] = np.clip(left * model.unit, 0.0, setting.left.demand[model.uses])
    return model, unmet, certify(graph, model, setting.left, question.scenario, found)


def _possible(question: Question, groups: Audiences) -> None:
    """Refuse a must_serve that cannot be met, with the cut that proves it."""
    program, must = question.program, question.must
    if must is None:
        return
    setting = program.setting(question.scenario, demand=must)
    model = program.model(setting, groups)
    found = model.best(model.cost_of_unmet(np.ones(len(model.uses))))
    short = found.objective * model.unit
    if short > 1e-6 * max(float(np.sum(must)), 1.0):
        certificate = certify(program.graph, model, setting.left, question.scenario, found)
        message = f"must_serve= asks for more than can be delivered: {certificate.words()} Lower it or relax the rule."
        raise InfeasibleError(message, certificate)


def _reset(model: Model) -> None:
    """Take the earlier phases off again; the third holds them by fixing unmet demand itself."""
    base = model.paths_face
    if base is None:
        return
    extra = model.columns - len(base.lower)
    model.face = replace(
        base, lower=np.append(base.lower, np.zeros(extra)), upper=np.append(base.upper, np.full(extra, np.inf))
    )
    model.held.clear()


def _change(model: Model, unmet: Floats, setting: Setting) -> tuple[Floats, float, Floats]:
    """Phases 3 and 4: least change for this unmet demand, then even spreading."""
    free = model.face
    for room in _ROOM:
        lower, upper = free.lower.copy(), free.upper.copy()
        extra = model.columns - len(lower)
        lower = np.append(lower, np.zeros(extra))
        upper = np.append(upper, np.full(extra, np.inf))
        upper[model.unmet] = np.clip(unmet + room, lower[model.unmet], upper[model.unmet])
        lower[model.unmet] = np.minimum(np.maximum(unmet - room, lower[model.unmet]), upper[model.unmet])
        model.face = replace(free, lower=lower, upper=upper)
        try:
            found = model.cheapest()
            break
        except InfeasibleError:
            if room == _ROOM[-1]:
                raise
    fix(model, found)
    return _even(model, setting), found.objective * 100.0 * model.unit, found.dual


def _even(model: Model, setting: Setting) -> Floats:
    """Spread evenly: keep each baseline shipment in proportion, new tonnes in proportion to both ends."""
    graph = model.rows.graph
    table = model.paths.table() if model.paths is not None else {}
    number, kind = table["number"].astype(np.int64), table["kind"]
    curve, cost = np.zeros(model.columns), np.zeros(model.columns)
    size = np.where(np.isfinite(setting.left.output), setting.left.output, 0.0) / model.unit
    taken = tally(graph.ship_destination, graph.ship_flow, len(size))
    taken = np.maximum(taken, np.where(graph.role == USE, setting.left.demand, 0.0)) / model.unit
    ends = size[table["origin"].astype(np.int64)] * taken[table["destination"].astype(np.int64)]
    weight = np.sqrt(np.maximum(ends, 1e-4))
    kept = kind != NEW
    today = np.where(table["today"] > 0, table["today"], weight)
    curve[number] = np.where(kept, 1.0 / np.maximum(today, 1e-9), 1.0 / weight)
    cost[number] = np.where(kept, np.where(kind == MOVED, -0.5, -1.0), 0.0)
    face = model.face
    return spread(curve, cost, model.matrix, face.row_lower, face.row_upper, face.lower, face.upper)


def _flows(
    graph: Expanded, model: Model, x: Floats, unmet: Floats, certificate: Certificate, objective: float, duals: Floats
) -> Flows:
    table = model.paths.table() if model.paths is not None else {}
    flow = x[table["number"].astype(np.int64)] * model.unit
    least = 1e-9 * max(float(graph.demand.sum()), 1e-9)
    on = np.flatnonzero(flow > least)
    names = ("origin", "destination", "audience", "shipment", "kind")
    ints = {name: table[name].astype(np.int64)[on] for name in names}
    return Flows(
        ints["origin"], ints["destination"], ints["audience"], ints["shipment"], table["steps"][on].astype(np.int64),
        flow[on], ints["kind"], unmet, certificate, objective, duals,
    )
