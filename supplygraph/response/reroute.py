"""Rerouting: what can be rerouted, through whom, at what cost, and whose tonnes does that take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.limits import Scenario
from supplygraph.engine.program import RATIONINGS, Program
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.response import answer
from supplygraph.response.phases import Question, cover, served, solve
from supplygraph.response.still import without_rerouting
from supplygraph.results import Result
from supplygraph.scenario.shock import Shock
from supplygraph.scenario.stages import in_stages, product_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.engine.expanded import Bools, Floats
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Resolved


_STAGES = ("refining",)


class Reroute(Result):
    """The answer of :func:`reroute`.

    ``table`` has one row per shipment, before and after; further tables: ``unmet`` (index ``node``),
    ``coverage`` (index ``stage``), ``routes`` (in words), ``displaced`` (index ``node``), ``edges``,
    ``shipments_after``, ``cut``. Figures: ``demand_t``, ``served_t``, ``unmet_t``, ``zone_demand_t``,
    ``zone_unmet_t``; ``world_cut_t``, and ``cut_t`` in the zone (without alignment: the world): what would be
    lost if nobody rerouted; ``before_cost_usd_t``, ``after_cost_usd_t``, ``added_cost_usd_t`` (freight per tonne
    delivered), likewise ``km`` and ``days``; ``certificate`` (the cut, with its words).
    """


def reroute(
    net: SupplyNetwork,
    shock: Shock | None = None,
    *,
    alignment: Alignment | None = None,
    require: str | None = None,
    stages: Iterable[str] = _STAGES,
    zone: str = "linked",
    rationing: str = "proportional",
    ramp: float = 0.2,
    relink_usd_t: float = 300.0,
    priority: Iterable[str] | None = None,
    must_serve: Mapping[str, float] | None = None,
) -> Reroute:
    """Reroute a network after a shock, in phases, each fixed before the next.

    1. Least unmet demand for the world (before it, for each name in ``priority``).
    2. Who goes without (``rationing``): the largest assumption of all.
    3. Least change: new tonnes pay freight, processing and ``relink_usd_t``.
    4. Even spreading against the baseline, so that flows are unique.

    Parameters
    ----------
    net
        The network; its shipments are the baseline.
    shock
        What breaks; None asks about the rule alone.
    alignment
        Tiers of countries; needed for ``require`` and ``rationing="zone_first"``.
    require
        Tier that plants at ``stages`` must have (by territory) to serve demand inside the zone. Demand
        outside stays free to use all of them. A country of unknown tier is not aligned.
    stages
        Stages the rule is about; ``"refining"`` means separation for rare earths.
    zone
        The zone is the demand in countries of this tier or better.
    rationing
        ``"proportional"``: every supplier cuts its customers alike, and what capacity remains elsewhere
        goes where the largest share is missing. ``"home_first"``: plants serve their own country first.
        ``"zone_first"``: the zone first.
    ramp
        Mines and plants reach at most ``(1 + ramp)`` x today, within capacity.
    relink_usd_t
        Cost of a tonne between two plants that do not trade it today.
    priority
        Factories (node ids) or countries whose demand is served first, in this order.
    must_serve
        Share (0 to 1) of demand that must be served, by factory (node id) or country (each of its factories).

    Returns
    -------
    Reroute
        With no shock and no rule, the baseline.

    Raises
    ------
    InfeasibleError
        If ``must_serve`` asks for more than can be delivered; ``certificate`` is the cut. A rule that aligned
        plants cannot cover is no error: see ``coverage`` and ``unmet``.
    UnknownNameError
        If a name, tier, stage or rationing does not exist.
    DataError
        If an option is out of range, or a rule comes without ``alignment``.

    Notes
    -----
    Stock builds rank after demand: they may be drawn down to nothing, releases go on at today's level.
    Costs, km and days are per tonne delivered: with less demand met, total freight falls.

    Examples
    --------
    >>> from toys import chain
    >>> from supplygraph.scenario.shock import Shock
    >>> plan = reroute(chain(), Shock.close(node="kokkola"))
    >>> round(plan.unmet_t, 3)
    12.6
    >>> print(plan.explain().splitlines()[0])
    Kokkola closed: 12.6 of 99 t of demand (13 %) cannot be served after rerouting; 27 t (27 %) without it.
    """
    plan = _Plan.of(net, shock, alignment, require, stages, zone, rationing, ramp, relink_usd_t, priority, must_serve)
    question = plan.question
    flows = solve(question)
    static = without_rerouting(plan.program, question.scenario)
    compared, against = static, "if nobody rerouted"
    if plan.ruled:
        free = Question(plan.program, question.scenario, question.zone, np.zeros_like(question.barred), "proportional",
                        relink_usd_t)
        unmet, _ = served(free)
        compared, against = plan.program.graph.demand - unmet, "under the shock alone, without the rule"
    coverage = _coverage(plan)
    return answer.build(Reroute, net, plan, flows, static, compared, against, coverage)


@dataclass(frozen=True, eq=False)
class _Plan:
    """A checked question, with what the answer needs to tell about it."""

    net: SupplyNetwork
    program: Program
    question: Question
    shock: Shock
    resolved: Resolved
    alignment: Alignment | None
    require: str | None
    stages: tuple[str, ...]
    zone: str
    params: dict[str, Any]
    ruled: bool

    @classmethod
    def of(
        cls,
        net: SupplyNetwork,
        shock: Shock | None,
        alignment: Alignment | None,
        require: str | None,
        stages: Iterable[str],
        zone: str,
        rationing: str,
        ramp: float,
        relink_usd_t: float,
        priority: Iterable[str] | None,
        must_serve: Mapping[str, float] | None,
    ) -> _Plan:
        """Check every option and turn it into arrays."""
        shock = Shock() if shock is None else shock
        _check_shock(shock)
        if rationing not in RATIONINGS:
            raise UnknownNameError.of("rationing", rationing, RATIONINGS)
        for name, value in (("require", require), ("rationing", "zone_first" if rationing == "zone_first" else None)):
            if value is not None and alignment is None:
                _refuse(name, f"is {value!r} but there is no alignment", "Give alignment=forge().")
        if not (np.isfinite(relink_usd_t) and relink_usd_t >= 0):
            _refuse("relink_usd_t", f"is {relink_usd_t!r}; expected a number of at least 0", "300 is a good start.")
        chosen = (stages,) if isinstance(stages, str) else tuple(stages)
        if require is None and chosen == _STAGES and not (product_stages(net) == _STAGES[0]).any():
            chosen = ()  # the default, in a network without that stage, and no rule that needs it
        staged = in_stages(net, chosen)
        program = Program(net, ramp=ramp)
        resolved = shock.resolve(net)
        country = net.processes["node"].map(net.nodes["country"])
        inside, barred = np.zeros(len(country), dtype=np.bool_), np.zeros(len(country), dtype=np.bool_)
        if alignment is not None:
            inside = country.isin(alignment.members(zone)).to_numpy() & (net.processes["role"] == "use").to_numpy()
        if alignment is not None and require is not None:
            barred = (staged & ~country.isin(alignment.members(require))).to_numpy()
        question = Question(
            program, to_scenario(program, resolved), inside, barred, rationing, float(relink_usd_t),
            _groups(net, priority), _must(net, program, must_serve),
        )
        params: dict[str, Any] = {
            "shock": shock.describe(), "as_of": None if alignment is None else alignment.as_of, "require": require,
            "stages": chosen, "zone": zone, "rationing": rationing, "ramp": ramp, "relink_usd_t": relink_usd_t,
            "priority": None if priority is None else tuple([priority] if isinstance(priority, str) else priority),
            "must_serve": None if must_serve is None else dict(must_serve),
        }  # fmt: skip
        ruled = bool(barred.any()) or rationing != "proportional" or priority is not None or must_serve is not None
        return cls(net, program, question, shock, resolved, alignment, require, chosen, zone, params, ruled)


def to_scenario(program: Program, resolved: Resolved) -> Scenario:
    """Turn a shock on a network into arrays."""
    graph = program.graph
    bans = []
    ban = resolved.bans
    origins = graph.countries.get_indexer(pd.Index(ban["origin_country"]))
    products = graph.products.get_indexer(pd.Index(ban["product"]))
    targets = graph.countries.get_indexer(pd.Index(ban["destination_country"]))
    everyone, keep = ban["destination_country"].isna().to_numpy(), ban["keep"].to_numpy()
    for row in range(len(ban)):
        if origins[row] >= 0 and (everyone[row] or targets[row] >= 0):
            to = -1 if everyone[row] else int(targets[row])
            bans.append((int(origins[row]), int(products[row]), to, float(keep[row])))
    return Scenario(
        resolved.process_factor.to_numpy(dtype=np.float64), resolved.node_factor.to_numpy(dtype=np.float64),
        resolved.edge_factor.to_numpy(dtype=np.float64), tuple(bans),
    )


def _coverage(plan: _Plan) -> list[dict[str, Any]]:
    """How much of the zone's demand aligned plants could cover if all they make went to the zone."""
    if plan.alignment is None or plan.program.graph.demand[plan.question.zone].sum() <= 0:
        return []
    net_country = plan.program.graph.country[plan.program.graph.at]
    members = plan.alignment.members(plan.require or plan.zone)
    aligned = np.isin(net_country, plan.program.graph.countries.get_indexer(pd.Index(members))) & (net_country >= 0)
    return answer.coverage(plan, aligned, lambda barred, wanted: cover(plan.question, barred, wanted))


def _groups(net: SupplyNetwork, priority: Iterable[str] | None) -> tuple[Bools, ...]:
    if priority is None:
        return ()
    names = [priority] if isinstance(priority, str) else list(priority)
    return tuple(_uses_of(net, "priority", name).to_numpy() for name in names)


def _must(net: SupplyNetwork, program: Program, must: Mapping[str, float] | None) -> Floats | None:
    if must is None:
        return None
    wanted = np.zeros(len(program.graph.processes))
    for name, share in must.items():
        if not (isinstance(share, (int, float)) and 0 <= share <= 1):
            _refuse(f"must_serve[{name!r}]", f"is {share!r}; expected a share from 0 to 1", "1 means all its demand.")
        mask = _uses_of(net, "must_serve", name).to_numpy()
        wanted[mask] = np.maximum(wanted[mask], share * program.graph.demand[mask])
    return wanted


def _uses_of(net: SupplyNetwork, option: str, name: str) -> pd.Series:
    """Use processes of a factory or of a country."""
    is_use = net.processes["role"] == "use"
    node = net.processes["node"]
    country = node.map(net.nodes["country"])
    found = is_use & ((node == name) | (country == name))
    if not found.any():
        known = {*node[is_use], *country[is_use].dropna()}
        raise UnknownNameError.of(f"factory or country in {option}", name, known)
    return found


def _check_shock(shock: object) -> None:
    if not isinstance(shock, Shock):
        _refuse("shock", f"is {shock!r}; expected a Shock", "Make one with Shock.close(...) or Shock.ban(...).")


def _refuse(where: str, what: str, remedy: str) -> None:
    raise DataError("the rerouting cannot be asked like this", [Problem(where, what, remedy)])
