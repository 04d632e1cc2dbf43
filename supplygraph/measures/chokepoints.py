"""Chokepoints: which single failures hurt, whom, by how much after the best rerouting, and how we know.

Three lenses in one table. *Structure*: who has no route without an item, and whose minimum cut it is in.
*Capacity*: ``loss_t``, the demand that can no longer be met when an item fails completely and everybody
else reroutes as well as they can. *Change*: the days and the cost that the best detour adds, and what the failure
does to one zone. With the books closed the loss is near the item's throughput; the other two tell more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from supplygraph.engine.paths import RELINK_USD_T
from supplygraph.errors import DataError, Problem
from supplygraph.measures import leastchange, spread
from supplygraph.measures.chokepoint_result import ChokepointResult
from supplygraph.measures.items import KINDS, TOLD
from supplygraph.measures.study import LENSES, LOSS, Study
from supplygraph.scenario.alignment import forge
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Shock

__all__ = ["KINDS", "LENSES", "ChokepointResult", "chokepoints"]

#: What every draw of an ensemble tells anew.
_VARIES = ("throughput_t", "betweenness", "loss_t", "loss_share")


def chokepoints(
    net: SupplyNetwork | Ensemble,
    *,
    by: str = "node",
    demand: str | Iterable[str] | None = None,
    mineral: str | None = None,
    shock: Shock | None = None,
    alignment: Alignment | None = None,
    zone: str = "linked",
    ramp: float | None = 0.2,
    top: int | None = None,
    lenses: Iterable[str] = LENSES,
    engine: str = "auto",
    progress: bool = False,
) -> ChokepointResult:
    """Close every item in turn and measure what the best rerouting cannot save.

    Parameters
    ----------
    net
        A network with shipments, or an ensemble of one: ``throughput_t``, ``betweenness``, ``loss_t`` and
        ``loss_share`` then carry intervals, and the ranking its stability; other columns are of the central network.
    by
        ``"node"``, ``"edge"``, ``"passage"``, ``"country"`` (all sites in it) or ``"owner"`` (the owner's share
        of every plant).
    demand
        Whose demand counts: a factory (its node), a country (alpha-3), several of them, or ``"zone"``; by default
        everybody's. ``loss_t``, ``loss_existing_t`` and ``loss_short_t`` are then what it loses *at least*, even
        if all others stand back; ``zone_loss_t`` what it loses when every supplier cuts all its customers alike, and
        rows are ranked by it.
    mineral
        Look at one mineral of the network.
    shock
        What has already happened: the failures come on top of it.
    alignment, zone
        Demand in countries of this tier or better is the zone's; by default the tiers of 1 July 2026.
    ramp
        For ``loss_short_t``: mines and plants reach at most ``(1 + ramp)`` times today; None leaves it out.
    top
        How many rows to keep. The losses are computed for all items; detours, zone and short-term losses only for
        these. The rows are the same as without ``top``.
    lenses
        Which of ``LENSES`` to compute; columns of the others are missing. ``"change"`` takes most of the time, and a
        network with more than a million pairs of supplier and customer can only be asked for the others. ``"loss"``
        is the part of ``"capacity"`` that gives ``loss_t`` alone.
    engine
        ``"auto"``: a maximum flow where it is exact, else the linear program. ``"flow"``: a maximum flow in any case;
        where it is not exact the losses are lower bounds, and ``method`` says why. ``"program"``: the linear program.
    progress
        Show a progress bar on stderr. The work can be interrupted at any time.

    Returns
    -------
    ChokepointResult
        Indexed by node (edge, country, owner): ``name``, ``kind``, ``country``; ``throughput_t`` (tonnes that
        leave it, pass it or end in it as final demand); ``betweenness`` (tonnes of demand that come through and were
        neither mined nor are used there); ``dominates``, ``dominates_t`` (other factories, and their tonnes, that have
        no route at all without it); ``in_min_cut`` (factories whose minimum cut it is part of); ``loss_t``,
        ``loss_share`` (demand lost after the best rerouting, of all that is delivered); ``zone_loss_t`` (the zone's
        part when every supplier cuts all its customers alike); ``loss_existing_t`` (if only those who trade today may
        trade more); ``loss_short_t`` (if plants can only ramp up so much); ``days``, ``km``, ``cost_usd_t`` (extra
        freight per tonne still delivered, under the least change from today, against what the same factories' tonnes
        travel now; negative where the far suppliers are the ones that fail); ``residual`` (an unnamed rest, ranked
        last); ``method`` of ``loss_t``. Straits come by days, all others by tonnes. Further tables: ``losses``,
        ``gains``, ``dominated``, ``cuts``; figure ``delivered_t``.

    Raises
    ------
    UnknownNameError
        If ``by``, ``zone``, ``demand``, a lens, an engine or a name in the shock is unknown.
    DataError
        If the network has no shipments and the change is asked for, or an option is out of range.
    LimitError
        If the network is too large for a linear program per item, and the question needs one.

    Examples
    --------
    >>> from toys import chain
    >>> told = chokepoints(chain(), by="node")
    >>> told.table.loc[["tenke", "kokkola", "malacca"], ["throughput_t", "dominates", "loss_t"]].round(6)
             throughput_t  dominates  loss_t
    node
    tenke           100.0          0    88.2
    kokkola          27.0          0     9.0
    malacca          95.0          0     0.0

    Notes
    -----
    Structure: dominators of each factory in the product-expanded graph (Georgiadis and Tarjan), nearly linear; cuts:
    one maximum flow per factory. Capacity: one maximum flow, then re-routing in its residual graph per item (see
    ``engine.kernels.vitality``), or one linear program per item, warm from the undisturbed one. A maximum flow is
    exact where all ways to demand lose the same share and no finite limit is shared between products, forms or
    berths. Change: two more programs per item. Limits are capacities, not ramps, but for ``loss_short_t``. Demand and
    stock builds: builds rank last.
    """
    alignment = forge() if alignment is None else alignment
    if isinstance(net, Ensemble):
        options = {"by": by, "demand": demand, "mineral": mineral, "shock": shock, "alignment": alignment, "zone": zone,
                   "ramp": ramp, "top": top, "engine": engine}  # fmt: skip
        drawn = {"lenses": (LOSS,), "top": None}
        asked = spread.Spread(columns=_VARIES, rank="throughput_t" if by == "passage" else "loss_t")
        return spread.over(net, chokepoints, asked, drawn, lenses=lenses, progress=progress, **options)
    if mineral is not None:
        net = net.select(mineral=mineral)
    study = Study.of(net, by, demand, shock, alignment, zone, lenses, engine)
    _check_ramp(ramp)
    table, tables = study.answer(ramp, top, progress=progress)
    params = {
        "by": by, "demand": study.demand, "shock": None if shock is None else shock.describe(), "zone": zone,
        "alignment_as_of": study.as_of, "top": top, "rationing": leastchange.RATIONING, "ramp": ramp,
        "relink_usd_t": RELINK_USD_T, "lenses": study.lenses, "engine": engine,
    }  # fmt: skip
    minerals = ", ".join(sorted(net.processes["mineral"].unique())).replace("_", " ")
    whose = "" if study.demand is None else f", demand of {', '.join(study.demand)}"
    after = "" if shock is None else f", after {shock.describe()}"
    return ChokepointResult(
        title=f"Chokepoints of {minerals}, by {TOLD[by]}{whose}{after}",
        table=table,
        params=params,
        network=net,
        tables=tables,
        figures={"delivered_t": study.delivered_t},
        explanation=_words(table, by, study.demand, len(study.items.table)),
        plan=None if study.settled or study.plan is None else study.plan.shipments,
    )


def _check_ramp(ramp: object) -> None:
    number = isinstance(ramp, (int, float)) and not isinstance(ramp, bool)
    if ramp is not None and not (number and math.isfinite(ramp) and ramp >= 0):  # type: ignore[operator,arg-type]
        problem = Problem("ramp", f"is {ramp!r}; expected a number of at least 0, or None", "0.2 means +20 %.")
        raise DataError("ramp out of range", [problem])


def _words(table: pd.DataFrame, by: str, whose: tuple[str, ...] | None, count: int) -> str:
    if table.empty:
        return f"There is no {by} in this network."
    first = table.iloc[0]
    if by == "passage" and not math.isnan(first["days"]):
        worst = f"{first['days']:,.1f} days and {first['km']:,.0f} km for each tonne still delivered"
    elif math.isnan(first["loss_t"]):
        return f"{count} single failures; what they cost was not asked for."
    elif whose is not None and not math.isnan(first["zone_loss_t"]):
        worst = (
            f"{first['zone_loss_t']:,.0f} t if every supplier cuts all its customers alike, {first['loss_t']:,.0f} t "
            "even if all others stand back"
        )
    else:
        worst = f"{first['loss_t']:,.0f} t of demand ({first['loss_share']:.1%})"
    return f"Of {count} single failures, losing {first['name']} costs most: {worst}, after the best rerouting."
