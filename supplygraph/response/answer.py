"""From the flows of a rerouting to tables, figures and words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import USE
from supplygraph.engine.paths import route_text
from supplygraph.response.words import average, changed_routes, number, percent, tonnes
from supplygraph.results import Result
from supplygraph.scenario.stages import in_stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.certificate import Certificate
    from supplygraph.engine.expanded import Bools, Expanded, Floats
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.phases import Flows
    from supplygraph.response.plan import Plan

#: Changes below this share of demand are rounding.
_LEAST = 1e-7
#: Displacement below this share of demand is levelling, not news.
_SEEN = 1e-3
#: Rules told one by one, at most; and the least that a shadow price must be to be told.
_RULES, _WORTH = 3, 1e-6
#: USD per tonne worth a word, and why freight can fall in a crisis.
_TOLD = 1.0
_CHEAPER = (
    " It can fall: what moves takes the cheapest open way, while today's tonnes are spread over several ports, and "
    "what is not delivered is not shipped."
)
_SHIFTS = ("km", "days", "cost_usd_t")


class Reroute(Result):
    """The answer of :func:`reroute`.

    ``table`` has one row per shipment, before and after; further tables: ``unmet`` (index ``node``),
    ``coverage`` (index ``stage``), ``routes`` (in words), ``displaced`` (index ``node``), ``edges``,
    ``shipments_after``, ``cut``, ``shadow`` (what one tonne more of each limit is worth: ``served_t_per_t`` tonnes
    served, ``usd_t`` USD of change saved) and, with ``rationing="all"``, ``rationings`` (index ``node``).

    Figures: ``demand_t``, ``served_t``, ``unmet_t``, ``zone_demand_t``, ``zone_unmet_t``; ``world_cut_t``, and
    ``cut_t`` in the zone (without alignment: the world): what would be
    lost if nobody rerouted; ``before_cost_usd_t``, ``after_cost_usd_t``, ``added_cost_usd_t`` (freight per tonne
    delivered), likewise ``km`` and ``days``; ``certificate`` (the cut, with its words).
    """


def build(
    net: SupplyNetwork, plan: Plan, flows: Flows, static: Floats, compared: Floats,
    against: str, coverage: list[dict[str, Any]],
) -> Reroute:
    """Put the answer together."""
    graph, zone = plan.program.graph, plan.question.zone
    total = float(graph.demand.sum())
    table = _shipments(net, graph, flows, _LEAST * max(total, 1e-9))
    unmet = _unmet(net, graph, flows.unmet, zone)
    routes = changed_routes(net, table, least_t=_LEAST * max(total, 1e-9))
    displaced = _displaced(net, graph, compared, graph.demand - flows.unmet, zone, _SEEN * max(total, 1e-9))
    covered = pd.DataFrame(coverage, columns=["stage", "demand_t", "covered_t", "share", "aligned_limit_t"])
    figures = _figures(graph, table, flows, static, zone, bool(plan.alignment is not None))
    certificate = _named(flows.certificate, net)
    figures |= {
        "certificate": certificate, "closed": _closed(plan), "rationing": plan.params["rationing"],
        "objective_usd": flows.objective_usd, "displaced_from": against, "evenly_spread": flows.even,
        "restricted": tuple(sorted(set(plan.resolved.bans["origin_country"].dropna()))),
    }  # fmt: skip
    figures["map_kpis"] = _kpis(figures)
    words = _explain(
        plan, figures, covered.set_index("stage"), displaced, routes, flows.shadow, certificate.words(), against
    )
    return Reroute(
        title=f"Rerouting: {_capital(plan.shock.describe())}",
        table=table,
        params=plan.params,
        network=net,
        explanation=words,
        tables={
            "unmet": unmet, "coverage": covered.set_index("stage"), "routes": routes, "displaced": displaced,
            "edges": _edges(net, table), "shipments_after": _after(table), "cut": certificate.table,
            "shadow": _named_limits(net, flows.shadow),
        },
        figures=figures,
    )


def side_by_side(answers: dict[str, Reroute]) -> Reroute:
    """Return the proportional answer, with what each rationing leaves unmet in ``rationings``."""
    first = answers["proportional"]
    frame = first.unmet[["name", "country", "demand_t", "zone"]]
    for how, plan in answers.items():
        frame = frame.assign(**{f"{how}_t": plan.unmet["unmet_t"]})
    words = [
        f"{how}: {number(plan.zone_unmet_t)} t unmet in the zone of {number(plan.unmet_t)} t in the world"
        if plan.zone_demand_t > 0 else f"{how}: {number(plan.unmet_t)} t unmet in the world"
        for how, plan in answers.items()
    ]
    return Reroute(
        title=first.title, table=first.table, params={**first.params, "rationing": "all"}, network=first.network,
        explanation=f"{first.explain()}\nWho goes without, by rule: {'; '.join(words)}.",
        tables={name: table for name, table in first.tables.items() if name != "table"} | {"rationings": frame},
        figures=first.figures,
    )  # fmt: skip


def coverage(plan: Plan, aligned: Bools, cover: Callable[[Bools, Bools], float]) -> list[dict[str, Any]]:
    """One row per stage (and one for all, where several): what aligned plants could cover of the zone's demand.

    Only demand for what must pass the stage counts: industrial graphite, say, is never refined.
    """
    graph, net_stages = plan.program.graph, plan.stages
    setting = plan.program.setting(plan.question.scenario)
    masks = {stage: in_stages_of(plan, [stage]) for stage in net_stages}
    if len(net_stages) > 1:
        masks["all"] = in_stages_of(plan, list(net_stages))
    rows = []
    for stage, mask in masks.items():
        wanted = plan.question.zone & ~_without(graph, mask)
        demand = float(graph.demand[wanted].sum())
        if demand <= 0:
            continue
        amount = min(cover(mask & ~aligned, wanted), demand)
        limit = float(setting.left.output[mask & aligned].sum())
        rows.append({"stage": stage, "demand_t": demand, "covered_t": amount, "share": amount / demand,
                     "aligned_limit_t": limit})  # fmt: skip
    return rows


def _without(graph: Expanded, stage: Bools) -> Bools:
    """Tell which processes take a product that can be made without any process of the stage."""
    made: set[int] = set()
    while True:
        free = ~stage & (np.isin(graph.takes, list(made)) | (graph.takes < 0))
        more = {int(product) for product in graph.gives[free] if product >= 0}
        if more <= made:
            return np.isin(graph.takes, list(made))
        made |= more


def in_stages_of(plan: Plan, stages: list[str]) -> Bools:
    """Return the processes of some stages, as a mask."""
    return in_stages(plan.net, stages).to_numpy(dtype=np.bool_)


def _shipments(net: SupplyNetwork, graph: Expanded, flows: Flows, least: float) -> pd.DataFrame:
    """One row per (origin, destination, route), before and after."""
    before = net.shipments
    ships = before[["origin", "destination", "product", "route"]].reset_index()
    ships = ships.assign(before_t=graph.ship_flow, after_t=0.0)
    kept = flows.shipment >= 0
    ships["after_t"] = np.bincount(flows.shipment[kept], flows.flow[kept], len(ships))
    fresh = pd.DataFrame({
        "origin": graph.processes[flows.origin[~kept]], "destination": graph.processes[flows.destination[~kept]],
        "product": graph.products[graph.gives[flows.origin[~kept]]],
        "route": [route_text(graph.edges, steps) for steps in flows.steps[~kept]], "after_t": flows.flow[~kept],
    }).astype({"route": "str"})  # fmt: skip
    keys = ["origin", "destination", "product", "route"]
    fresh = fresh.groupby(keys, dropna=False, sort=True)[["after_t"]].sum().reset_index()
    ships, fresh = _join_same(ships, fresh, keys)
    used = set(ships["shipment"])
    labels = (f"new-{number:04d}" for number in range(1, len(fresh) + len(used) + 1))
    fresh["shipment"] = [next(label for label in labels if label not in used) for _ in range(len(fresh))]
    table = pd.concat([ships, fresh.assign(before_t=0.0)], ignore_index=True) if len(fresh) else ships
    table["difference_t"] = table["after_t"] - table["before_t"]
    small = table["difference_t"].abs() <= least
    table.loc[small, "difference_t"] = 0.0
    table.loc[small, "after_t"] = table.loc[small, "before_t"]
    table = table[(table["before_t"] > 0) | (table["after_t"] > least)]
    return _described(net, graph, table.set_index("shipment"))


def _join_same(ships: pd.DataFrame, fresh: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Book tonnes on a new column that runs exactly as a baseline shipment does on that shipment."""
    first = ships.drop_duplicates(keys)[[*keys, "shipment"]]
    both = fresh.merge(first, on=keys, how="left")
    same = both["shipment"].notna()
    added = both[same].set_index("shipment")["after_t"]
    more = ships["shipment"].map(added.to_dict()).astype("float64").fillna(0.0)
    ships = ships.assign(after_t=ships["after_t"] + more)
    return ships, both.loc[~same, [*keys, "after_t"]].reset_index(drop=True)


def _described(net: SupplyNetwork, graph: Expanded, table: pd.DataFrame) -> pd.DataFrame:
    place = net.processes["node"]
    country = net.nodes["country"]
    table = table.assign(
        origin_node=table["origin"].map(place), destination_node=table["destination"].map(place)
    )
    table["origin_country"] = table["origin_node"].map(country)
    table["destination_country"] = table["destination_node"].map(country)
    legs = table["route"].str.split(";").explode().dropna()
    steps = graph.edges.get_indexer(pd.Index(legs))
    rows = table.index.get_indexer(legs.index)
    for name, amount in zip(_SHIFTS, (graph.km, graph.days, graph.cost), strict=True):
        table[name] = np.bincount(rows, amount[steps], len(table)).astype(np.float64)
    return table


def _after(table: pd.DataFrame) -> pd.DataFrame:
    """Return the shipments afterwards, shaped like ``net.shipments``."""
    after = table.loc[table["after_t"] > 0, ["origin", "destination", "product", "route", "after_t"]]
    return after.rename(columns={"after_t": "flow_t"}).assign(
        flow_low_t=np.nan, flow_high_t=np.nan, basis="estimated"
    )


def _edges(net: SupplyNetwork, table: pd.DataFrame) -> pd.DataFrame:
    """Flow on every edge used before or after."""
    legs = table[["route", "before_t", "after_t"]].assign(edge=table["route"].str.split(";")).explode("edge")
    flows = legs.dropna(subset=["edge"]).groupby("edge", sort=True)[["before_t", "after_t"]].sum()
    flows["difference_t"] = flows["after_t"] - flows["before_t"]
    return net.edges[["source", "target", "product"]].join(flows, how="right").rename_axis("edge")


def _unmet(net: SupplyNetwork, graph: Expanded, unmet: Floats, zone: Bools) -> pd.DataFrame:
    uses = np.flatnonzero(graph.role == USE)
    frame = pd.DataFrame({
        "node": graph.nodes[graph.at[uses]], "demand_t": graph.demand[uses],  # noqa: PD008 - an array
        "served_t": graph.demand[uses] - unmet[uses], "unmet_t": unmet[uses], "zone": zone[uses],
    })  # fmt: skip
    how = {"demand_t": "sum", "served_t": "sum", "unmet_t": "sum", "zone": "any"}
    found = frame.groupby("node", sort=True).agg(how)
    found.insert(0, "name", net.nodes["name"].reindex(found.index))
    found.insert(1, "country", net.nodes["country"].reindex(found.index))
    return found


def _displaced(
    net: SupplyNetwork, graph: Expanded, compared: Floats, served: Floats, zone: Bools, least: float
) -> pd.DataFrame:
    """Factories that receive less because of the fix."""
    uses = np.flatnonzero(graph.role == USE)
    frame = pd.DataFrame({
        "node": graph.nodes[graph.at[uses]], "without_t": compared[uses], "with_t": served[uses], "zone": zone[uses],  # noqa: PD008 - an array
    })  # fmt: skip
    found = frame.groupby("node", sort=True).agg({"without_t": "sum", "with_t": "sum", "zone": "any"})
    found["displaced_t"] = found["without_t"] - found["with_t"]
    found = found[found["displaced_t"] > least].sort_values("displaced_t", ascending=False, kind="stable")
    found.insert(0, "name", net.nodes["name"].reindex(found.index))
    found.insert(1, "country", net.nodes["country"].reindex(found.index))
    return found


def _figures(
    graph: Expanded, table: pd.DataFrame, flows: Flows, static: Floats, zone: Bools, zoned: bool  # noqa: FBT001
) -> dict[str, Any]:
    is_use = graph.role == USE
    demand, unmet = graph.demand, flows.unmet
    lost = np.where(is_use & (demand - static > 1e-9 * demand), demand - static, 0.0)
    served_before = float(np.bincount(graph.ship_destination, graph.ship_flow, len(demand))[is_use].sum())
    served_after = float((demand - unmet)[is_use].sum())
    figures: dict[str, Any] = {
        "demand_t": float(demand.sum()), "served_t": served_after, "unmet_t": float(unmet.sum()),
        "zone_demand_t": float(demand[zone].sum()), "zone_unmet_t": float(unmet[zone].sum()),
        "world_cut_t": float(lost.sum()), "cut_t": float(lost[zone].sum()) if zoned else float(lost.sum()),
    }  # fmt: skip
    for name in _SHIFTS:
        per_tonne = table[name].to_numpy(dtype=np.float64)
        before = average(table["before_t"].to_numpy(), per_tonne, served_before)
        after = average(table["after_t"].to_numpy(), per_tonne, served_after)
        label = "cost_usd_t" if name == "cost_usd_t" else name
        added = after - before if not abs(after - before) < 1e-6 * max(abs(before), 1.0) else 0.0
        figures |= {f"before_{label}": before, f"after_{label}": after, f"added_{label}": added}
    return figures


def _closed(plan: Plan) -> tuple[str, ...]:
    factor = plan.resolved.node_factor
    return tuple(str(node) for node in factor.index[factor.to_numpy() <= 0])


def _named(certificate: Certificate, net: SupplyNetwork) -> Certificate:
    """Give the members of the cut names for people."""
    return replace(certificate, table=_named_limits(net, certificate.table))


def _named_limits(net: SupplyNetwork, table: pd.DataFrame) -> pd.DataFrame:
    place = {**{node: node for node in net.nodes.index}, **net.processes["node"].to_dict()}
    node = table["item"].map(place)
    named = node.map(net.nodes["name"]).fillna(table["item"])
    return table.assign(name=named, country=node.map(net.nodes["country"]))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _kpis(figures: dict[str, Any]) -> dict[str, str]:
    shown = {
        "Unmet demand": f"{tonnes(figures['unmet_t'])} ({percent(figures['unmet_t'], figures['demand_t'])})",
        "Freight": f"{figures['added_cost_usd_t']:+,.0f} USD per tonne delivered",
        "Time": f"{figures['added_days']:+,.1f} days",
    }
    if figures["zone_demand_t"] > 0:
        share = percent(figures["zone_unmet_t"], figures["zone_demand_t"])
        shown["Unmet in the zone"] = f"{tonnes(figures['zone_unmet_t'])} ({share})"
    return shown


def _rule_words(plan: Plan, shadow: pd.DataFrame) -> list[str]:
    """Say which rules there are, and what the dearest of those that bind costs."""
    rules = plan.question.rules
    lines = []
    if 0 < len(rules) <= _RULES:
        lines.append(f"The rule: {'; '.join(rule.label for rule in rules)}.")
    elif rules:
        lines.append(f"The rule: {rules[0].label}, and likewise for {len(rules) - 1} more.")
    if plan.options.prefer:
        lines.append(
            f"The zone would pay {number(plan.options.prefer)} USD/t to avoid a tier below core at "
            f"{' and '.join(plan.stages)}; who is served stays the same."
        )
    held = shadow[shadow["kind"] == "rule"].sort_values(["served_t_per_t", "usd_t", "item"], ascending=False)
    if len(held):
        first = held.iloc[0]
        more, saved = float(first["served_t_per_t"]), float(first["usd_t"])
        worth = f"serve {more:.3g} t more" if more > _WORTH else f"save {number(saved)} USD of change"
        lines.append(f"One tonne of exemption from it ({first['item']}) would {worth}.")
    elif rules:
        lines.append("It costs nothing: without it no more could be served, nor with less change.")
    return lines


def _explain(
    plan: Plan, figures: dict[str, Any], covered: pd.DataFrame, displaced: pd.DataFrame, routes: pd.DataFrame,
    shadow: pd.DataFrame, cut: str, against: str,
) -> str:
    demand, unmet, lost = figures["demand_t"], figures["unmet_t"], figures["world_cut_t"]
    what = plan.shock.describe()
    lines = [
        (
            f"{_capital(what)}: {number(unmet)} of {number(demand)} t of demand "
            f"({percent(unmet, demand)}) cannot be served after rerouting; {number(lost)} t "
            f"({percent(lost, demand)}) without it{' and without the rule' if plan.question.rules else ''}."
        )
    ]
    if plan.shock.clauses and plan.resolved.touches_nothing:
        lines.append("The shock names nothing that this network has.")
    if plan.alignment is not None:
        inside, wanted = figures["zone_unmet_t"], figures["zone_demand_t"]
        lines.append(
            f"In the zone ({plan.options.zone} or better on {plan.alignment.as_of}): {number(inside)} of "
            f"{number(wanted)} t unmet ({percent(inside, wanted)})."
        )
    tier = plan.options.require or plan.options.zone
    for stage, row in covered.iterrows():
        lines.append(
            f"Aligned plants ({tier} or better, stage {stage}) can cover {percent(row['covered_t'], row['demand_t'])} "
            f"of the zone's demand: {tonnes(row['covered_t'])} of {tonnes(row['demand_t'])}."
        )
    lines += _rule_words(plan, shadow)
    if unmet > 0:
        lines.append(f"Who goes without is an assumption ({plan.params['rationing']}). The cut: {cut}")
    moved = tuple(figures[f"added_{name}"] for name in _SHIFTS)
    if np.isfinite(moved).all():
        lines.append(
            f"Per tonne delivered: {moved[0]:+,.0f} km, {moved[1]:+,.1f} days, {moved[2]:+,.0f} USD of freight."
            + (_CHEAPER if moved[2] <= -_TOLD else "")
        )
    if len(displaced):
        first = displaced.iloc[0]
        lines.append(
            f"Displaced: {len(displaced)} {'factory receives' if len(displaced) == 1 else 'factories receive'} "
            f"{tonnes(displaced['displaced_t'].sum())} less than {against}; most of it {first['name']} "
            f"({tonnes(first['displaced_t'])})."
        )
    lines += [f"{words}." for words in routes["words"].head(3)]
    return "\n".join(lines)
