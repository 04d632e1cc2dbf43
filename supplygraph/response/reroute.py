"""Rerouting: what can be rerouted when something breaks, through whom, at what cost, and at whose expense."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from supplygraph.engine.program import RATIONINGS
from supplygraph.response import answer
from supplygraph.response.phases import cover, served, solve
from supplygraph.response.plan import STAGES, Options, Plan
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
    prefer: float | None = None,
    cap: float | str | Mapping[str, float] | None = None,
    stages: Iterable[str] = STAGES,
    by: str = "territory",
    zone: str = "linked",
    rationing: str = "proportional",
    ramp: float | None = 0.2,
    relink_usd_t: float = 300.0,
    objective: str = "least_change",
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
        Tiers of countries; needed for ``require``, ``prefer``, ``cap`` and ``rationing="zone_first"``.
    require
        Tier that plants at ``stages`` must have to serve demand inside the zone. Demand
        outside stays free to use all of them. A country of unknown tier is not aligned.
    prefer
        USD/t that the zone would pay to avoid one tier below core at ``stages``. Shifts whom the zone buys from,
        never who is served. Unknown counts as unaligned.
    cap
        Largest share of what the zone takes at each of ``stages``: a number or ``{"country": 0.65}`` from
        any one country outside the zone, ``{"outside": 0.5}`` from all of them; ``"eu"`` is the 65 % of the EU's
        Critical Raw Materials Act. What is unknown counts as one country outside.
    stages
        Stages the rules are about; ``"refining"`` means separation for rare earths.
    by
        Whose country a plant counts for: ``"territory"`` (where it stands) or ``"owner"`` (for ``require`` at least
        half of it, for ``cap`` and ``prefer`` in proportion; what is not known to be owned is not aligned).
    zone
        The zone is the demand in countries of this tier or better.
    rationing
        ``"proportional"``: every supplier cuts its customers alike, and what capacity remains elsewhere
        goes where the largest share is missing. ``"home_first"``: plants serve their own country first.
        ``"zone_first"``: the zone first. ``"all"``: proportional, with all three side by side in ``rationings``.
    ramp
        Mines and plants reach at most ``(1 + ramp)`` x today, within capacity; None = their capacity.
    relink_usd_t
        Cost of a tonne between two plants that do not trade it today.
    objective
        ``"least_change"``, or ``"least_cost"``: all tonnes pay their way, today's too. That relinks most of a network
        even without a shock (costs do not explain who trades with whom), so it is never a baseline.
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
        If a name, tier, stage, rationing, objective or ready cap does not exist.
    DataError
        If an option is out of range, or a rule comes without ``alignment``.

    Notes
    -----
    Stock builds rank after demand: they may be drawn down to nothing, releases go on at today's level.
    Costs, km and days are per tonne delivered: with less demand met, total freight falls. The network is
    compiled once; further questions about it start warm from its undisturbed optimum.

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
    options = Options(
        alignment, require, prefer, cap, stages, by, zone, rationing, ramp, relink_usd_t, objective, priority,
        must_serve,
    )
    if rationing == "all":
        return answer.side_by_side({
            how: _reroute(net, shock, replace(options, rationing=how))
            for how in RATIONINGS if alignment is not None or how != "zone_first"
        })  # fmt: skip
    return _reroute(net, shock, options)


def _reroute(net: SupplyNetwork, shock: Shock | None, options: Options) -> Reroute:
    plan = Plan.of(net, shock, options)
    flows = solve(plan.question)
    static = without_rerouting(plan.program, plan.question.scenario)
    compared, against = static, "if nobody rerouted"
    if plan.ruled:
        unmet, _ = served(plan.unruled)
        compared, against = plan.program.graph.demand - unmet, "under the shock alone, without the rule"
    return answer.build(net, plan, flows, static, compared, against, _coverage(plan))


def _coverage(plan: Plan) -> list[dict[str, Any]]:
    """How much of the zone's demand aligned plants could cover if all they make went to the zone."""
    if plan.alignment is None or plan.program.graph.demand[plan.question.zone].sum() <= 0:
        return []
    aligned = plan.holders.aligned(plan.alignment.members(plan.options.require or plan.options.zone))
    return answer.coverage(plan, aligned, lambda barred, wanted: cover(plan.question, barred, wanted))
