"""Rerouting: what can be rerouted when something breaks, through whom, at what cost, and at whose expense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.response import answer
from supplygraph.response.phases import Question, cover, served, solve
from supplygraph.response.plan import STAGES, Plan
from supplygraph.response.still import without_rerouting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.answer import Reroute
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Shock


def reroute(
    net: SupplyNetwork,
    shock: Shock | None = None,
    *,
    alignment: Alignment | None = None,
    require: str | None = None,
    stages: Iterable[str] = STAGES,
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
    plan = Plan.of(net, shock, alignment, require, stages, zone, rationing, ramp, relink_usd_t, priority, must_serve)
    question = plan.question
    flows = solve(question)
    static = without_rerouting(plan.program, question.scenario)
    compared, against = static, "if nobody rerouted"
    if plan.ruled:
        free = Question(
            plan.program, question.scenario, question.zone, np.zeros_like(question.barred), "proportional", relink_usd_t
        )
        unmet, _ = served(free)
        compared, against = plan.program.graph.demand - unmet, "under the shock alone, without the rule"
    coverage = _coverage(plan)
    return answer.build(net, plan, flows, static, compared, against, coverage)


def _coverage(plan: Plan) -> list[dict[str, Any]]:
    """How much of the zone's demand aligned plants could cover if all they make went to the zone."""
    if plan.alignment is None or plan.program.graph.demand[plan.question.zone].sum() <= 0:
        return []
    net_country = plan.program.graph.country[plan.program.graph.at]
    members = plan.alignment.members(plan.require or plan.zone)
    aligned = np.isin(net_country, plan.program.graph.countries.get_indexer(pd.Index(members))) & (net_country >= 0)
    return answer.coverage(plan, aligned, lambda barred, wanted: cover(plan.question, barred, wanted))
