"""What alignment costs: served demand and freight against the share that must come from aligned plants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.response.phases import solve
from supplygraph.response.plan import STAGES, Options, Plan
from supplygraph.response.rules import outside
from supplygraph.response.words import burdens, number, percent
from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Shock

_STEP = 0.1


class Frontier(Result):
    """The answer of :func:`alignment_frontier`.

    ``table`` is indexed by ``aligned_share``, the least share of what the zone takes that aligned plants must
    supply: ``zone_served_t``, ``zone_unmet_t``, ``world_unmet_t``, ``km``, ``days`` and ``cost_usd_t`` per tonne
    delivered in the world, ``change_usd`` (what the changes cost in all) and ``usd_t`` (shadow price: USD for one tonne
    of exemption from the rule). Figures: ``free_share``, the largest share of the table that costs the zone nothing.
    """


def alignment_frontier(
    net: SupplyNetwork,
    shock: Shock | None = None,
    *,
    alignment: Alignment,
    tier: str = "linked",
    shares: Iterable[float] | None = None,
    stages: Iterable[str] = STAGES,
    by: str = "territory",
    zone: str = "linked",
    rationing: str = "proportional",
    ramp: float | None = 0.2,
    relink_usd_t: float = 300.0,
    progress: bool = False,
) -> Frontier:
    """Return what can be served, and at what cost, as more of it must come from aligned plants.

    Parameters
    ----------
    net, shock, alignment, stages, by, zone, rationing, ramp, relink_usd_t
        As in :func:`~supplygraph.response.reroute.reroute`.
    tier
        Plants in countries (or of owners) of this tier or better are aligned.
    shares
        Shares of what the zone takes at each of ``stages`` that aligned plants must supply, 0 to 1; by default
        0, 0.1, ... 1. At 0 there is no rule, at 1 it is ``require``.
    progress
        Whether to show a bar.

    Returns
    -------
    Frontier
        One row per share.

    Raises
    ------
    DataError
        If a share is not between 0 and 1, or an option is out of range.
    UnknownNameError
        If a name, tier or stage does not exist.

    Examples
    --------
    >>> from toys import chain
    >>> from supplygraph.scenario.alignment import forge
    >>> frontier = alignment_frontier(chain(), alignment=forge(), shares=[0, 0.8, 1])
    >>> frontier.table["zone_unmet_t"].round(2).tolist()
    [0.0, 0.0, 3.6]
    """
    asked = _shares(shares)
    alignment.members(tier)  # refuses a tier that does not exist
    options = Options(
        alignment, stages=stages, by=by, zone=zone, rationing=rationing, ramp=ramp, relink_usd_t=relink_usd_t
    )
    plan = Plan.of(net, shock, options)
    rows = []
    for share in _watched(asked) if progress else asked:
        rules = outside(net, plan.holders, alignment.members(tier), 1.0 - share, plan.stages, tier) if share > 0 else ()
        rows.append(_row(plan, replace(plan.question, rules=rules), share))
    table = pd.DataFrame(rows).set_index("aligned_share")
    first = table["zone_unmet_t"].iloc[0]
    free = table.index[table["zone_unmet_t"] <= first + 1e-6 * max(plan.program.graph.demand.sum(), 1.0)]
    wanted = float(plan.program.graph.demand[plan.question.zone].sum())
    figures = {"free_share": float(free.max()), "zone_demand_t": wanted}
    return Frontier(
        title=f"Aligned share against what can be served: {plan.shock.describe()}",
        table=table,
        params={**plan.params, "tier": tier, "shares": tuple(asked)},
        network=net,
        explanation=_words(plan, table, figures, tier),
        figures=figures,
    )


def _watched(shares: list[float]) -> Iterable[float]:
    from tqdm.auto import tqdm

    return cast("Iterable[float]", tqdm(shares, desc="shares"))


def _shares(given: Iterable[float] | None) -> list[float]:
    if given is None:
        return [round(float(share), 10) for share in np.arange(0.0, 1.0 + _STEP / 2, _STEP)]
    shares = list(given)
    problems = [
        Problem(f"shares[{place}]", f"is {share!r}; expected a share from 0 to 1", "0.65 means 65 %.")
        for place, share in enumerate(shares)
        if not (isinstance(share, (int, float)) and not isinstance(share, bool) and 0 <= share <= 1)
    ]
    if not shares:
        problems.append(Problem("shares", "is empty", "Leave it out for 0, 0.1, ... 1."))
    if problems:
        raise DataError("the frontier cannot be drawn", problems)
    return sorted({float(share) for share in shares})


def _row(plan: Plan, question: Any, share: float) -> dict[str, float]:
    graph, zone = plan.program.graph, plan.question.zone
    flows = solve(question)
    demand, unmet = graph.demand, flows.unmet
    held = flows.shadow[flows.shadow["kind"] == "rule"]
    km, days, cost = burdens(graph, flows, float((demand - unmet)[graph.demand > 0].sum()))
    return {
        "aligned_share": share, "zone_served_t": float((demand - unmet)[zone].sum()),
        "zone_unmet_t": float(unmet[zone].sum()), "world_unmet_t": float(unmet.sum()), "km": km, "days": days,
        "cost_usd_t": cost, "change_usd": flows.objective_usd, "usd_t": float(held["usd_t"].sum()),
    }  # fmt: skip


def _words(plan: Plan, table: pd.DataFrame, figures: dict[str, float], tier: str) -> str:
    wanted, last = figures["zone_demand_t"], table.iloc[-1]
    stages, what = " and ".join(plan.stages), plan.shock.describe()
    free, most = 100 * figures["free_share"], 100 * float(table.index[-1])
    unmet = f"{number(last['zone_unmet_t'])} t ({percent(last['zone_unmet_t'], wanted)})"
    costs = " to ".join(number(table["cost_usd_t"].iloc[place]) for place in (0, -1))
    return (
        f"{what[:1].upper()}{what[1:]}. The zone asks for {number(wanted)} t.\n"
        f"Plants of tier {tier} or better at {stages} can supply up to {free:.3g} % of what the zone gets without it "
        f"losing more than without a rule.\n"
        f"At {most:.3g} % the zone goes without {unmet}; the world without {number(last['world_unmet_t'])} t.\n"
        f"Freight per tonne delivered goes from {costs} USD."
    )
