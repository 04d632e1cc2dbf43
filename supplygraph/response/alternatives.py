"""Alternative routes: what else could feed a factory, through whom, at what cost, with how much room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.chainarcs import chain_arcs, nearest
from supplygraph.engine.chainfinder import Finder, Prices, bits_of
from supplygraph.engine.kroutes import Signer, ranked
from supplygraph.errors import InfeasibleError
from supplygraph.response.chains import LEG_COLUMNS, Gauge, Named, Names, fees_and_gains, marks_of
from supplygraph.response.noroute import Inquest
from supplygraph.response.routeask import BY, STAGES, Ask
from supplygraph.response.words import tonnes
from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas

    from supplygraph.engine.chainfinder import Chain
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.noroute import NoRoute
    from supplygraph.response.routeask import Group
    from supplygraph.scenario.alignment import Alignment

_SHOWN = 5
_COLUMNS = (
    "route", "reason", "avoids", "km", "days", "cost_usd_t", "added_km", "added_days", "added_cost_usd_t", "spare_t",
    "bottleneck", "carried_t", "countries", "straits", "sites", "plants", "edges", "unpriced", "residual",
)  # fmt: skip
_NUMBERS = ("km", "days", "cost_usd_t", "added_km", "added_days", "added_cost_usd_t", "spare_t", "carried_t")


class Alternatives(Result):
    """The answer of :func:`alternatives`.

    ``table`` has one row per route; ``legs`` one row per route and leg. Figures: ``routes`` (how many were
    found), ``without_route`` (targets that have none); ``blocked`` holds the proof of each of those, by target
    and product; ``effort`` how many searches it took.
    """

    def map(self, **options: Any) -> Any:
        """Return the routes as a map: for one target a step of the slider per route, for all the first of each.

        Each is drawn as if the target took over it all that it takes in today (1 t where that is not known).
        """
        given = options.pop("scenarios", None) or ()
        return super().map(scenarios=[*self._scenarios(), *given], **options)

    def to_geopandas(self) -> geopandas.GeoDataFrame:
        """Return the table with the edges of each route as lines (EPSG:4326); none where there are no edges."""
        import geopandas
        import shapely

        table = self.table
        if self.network is None:
            return super().to_geopandas()
        lines = self.network.to_geopandas()["edges"].geometry
        parts = [lines.loc[cell.split(";")] if isinstance(cell, str) and cell else [] for cell in table["edges"]]
        shapes = [shapely.line_merge(shapely.union_all(part)) if len(part) else None for part in parts]
        return geopandas.GeoDataFrame(table, geometry=shapes, crs=lines.crs)

    def _scenarios(self) -> list[dict[str, Any]]:
        flows = self._tables["legs"].reset_index()
        flows["flow_t"] = flows["t_per_t"] * _intake(self.network, flows)
        if "target" in flows:
            return [{"name": "Every target by its first route", "shipments": flows[flows["rank"] == 1]}]
        return [
            {
                "name": f"All by route {row.Index}: {row.route}", "shipments": flows[flows["rank"] == row.Index],
                "kpis": {
                    "Way": f"{row.km:,.0f} km", "Time": f"{row.days:,.0f} days",
                    "Freight": f"{row.cost_usd_t:,.0f} USD per tonne delivered", "To spare": f"{row.spare_t:,.0f} t",
                },
            }
            for row in self._tables["table"].itertuples()
        ]  # fmt: skip


def _intake(net: SupplyNetwork | None, legs: pd.DataFrame) -> pd.Series:
    """Return what the last plant of each leg's route takes in today; 1 where that is not known."""
    keys = [name for name in ("target", "delivered", "rank") if name in legs]
    last = legs.groupby(keys)["destination"].transform("last")
    if net is None:
        return pd.Series(1.0, index=legs.index)
    plants = net.processes
    gain = plants["recovery"].fillna(1.0).where(plants["output"].notna(), 1.0)
    taken = (plants["activity_t"] / gain).reindex(last).to_numpy(dtype=np.float64)
    return pd.Series(np.where(taken > 0, taken, 1.0), index=legs.index)


def alternatives(
    net: SupplyNetwork,
    source: str | None = None,
    target: str | None = None,
    *,
    k: int = 5,
    avoid: str | Iterable[str] | None = None,
    policy: Alignment | None = None,
    require: str | None = None,
    stages: str | Iterable[str] = STAGES,
    by: str = "cost_usd_t",
    differ: str | Iterable[str] = "country",
    product: str | None = None,
    unnamed: bool = False,
) -> Alternatives:
    """Rank the routes from a source to a target that avoid each other.

    A route runs from a plant that digs (or makes) the material to the one that takes it, through every
    plant that turns it into what the target wants, in a form that the next one accepts. Each listed route is the
    best of those that avoid, of *every* better one, at least one thing that that one depends on: no listed
    route is a better one with a detour, and each stays open when what it avoids fails.

    Parameters
    ----------
    net
        The network.
    source
        A site or a country (routes start at its mines; where it has none, at its plants), or a process. None:
        every mine.
    target
        A site or a country (routes end at its factories; where it has none, at its plants), or a process.
        None: every factory, each on its own.
    k
        Most routes per target.
    avoid
        Countries (ISO 3166-1 alpha-3: everything in them, ports and the ends included), straits and sites that no
        route may touch.
    policy, require, stages
        With an alignment, plants of these stages must stand in countries of tier ``require`` (by default
        ``"linked"``) or better; a country of unknown tier is not aligned.
    by
        What ranks: ``"cost_usd_t"``, ``"km"`` or ``"days"``.
    differ
        What a route must avoid of the better ones, one or several of: ``"country"`` (of its plants, by
        stage, and of the ports passed: refining in China and transit of China are two things), ``"maker"`` (of its
        plants only), ``"strait"``, ``"site"`` (any site or strait), ``"step"`` (any move: the plain k best
        routes). Parallel edges never make an alternative. A place of unknown country stands for itself.
    product
        The product delivered, where the target takes several.
    unnamed
        Whether routes may pass unnamed rests ("Other refineries, China"), whose place and links nobody knows.
        One named as the source, and the targets themselves, are always allowed.

    Returns
    -------
    Alternatives
        Indexed by ``rank``, or by ``target``, ``product`` and ``rank``. ``route`` in words; ``sites``, ``plants``
        (processes), ``edges``, ``countries``, ``straits`` as ids joined by ``;``, in order; ``km`` and
        ``days`` of the way (plants take no time); ``cost_usd_t``: freight and processing of everything
        moved for one tonne delivered (at a recovery of 0.9, 1.11 t of ore); ``added_*`` and
        ``avoids``: against the target's best route; ``spare_t``: how much more could be delivered this way
        (the least room of its plants, edges and sites, the target's own capacity apart; ``inf`` =
        nothing limits it, missing = a capacity or flow on the way is not known) and the ``bottleneck``;
        ``carried_t``: delivered exactly so today if plants mix what they take; ``unpriced``: plants
        without a processing cost, counted as 0; ``residual``: passes an unnamed rest ("Other ...").
        A target without a route has one row, ranked 1, with the ``reason``. In a network of several minerals
        only what the source's goods can become is asked about.

    Raises
    ------
    InfeasibleError
        If a single target has no route; ``certificate`` is the smallest set of closed things that cuts it off.
    UnknownNameError
        If one name does not exist.
    DataError
        If options are out of range or contradict each other; every problem is listed.

    Notes
    -----
    Exact; of equally good routes the first found is listed. A best-first search over cells of routes that avoid some
    things and depend on others (a partition in the manner of Lawler, Management Science 18, 1972); each costs
    one Dijkstra search per product and form, O(edges log sites), shared by all targets: some six per target at
    k = 5 on the bundled networks, exponential in k at worst. With ``"step"`` all lists come from one sweep instead
    (:func:`supplygraph.engine.kernels.kbest.k_best`), unless products turn into each other. An edge without a
    figure counts as 0 in the ranking and leaves the total missing. What has no capacity is no route. Spare capacity
    is that of the edges listed, parallel ones apart.

    Examples
    --------
    >>> from toys import chain
    >>> found = alternatives(chain(), "tenke", "erfurt", k=2)
    >>> print(found.table.loc[1, "route"])
    Tenke – Durban – Rotterdam – Kokkola – Rotterdam – Erfurt
    >>> found.table.loc[2, "avoids"]
    'refining in Finland'
    >>> round(float(found.table.loc[1, "cost_usd_t"]), 1)  # 220 / 0.9 of ore and 35 of metal
    279.4
    """
    ask = Ask.of(net, source, target, k, avoid, policy, require, stages, by, differ, product, unnamed)
    return _answer(ask)


def _answer(ask: Ask) -> Alternatives:
    graph = ask.graph
    named = marks_of(ask.net, graph, ask.differ)
    signer, gauge = Signer(graph, named.marks), Gauge(ask.net, graph)
    rows: list[dict[str, Any]] = []
    legs: list[dict[str, Any]] = []
    blocked: dict[tuple[str, str], NoRoute] = {}
    searches = 0
    for product in sorted({group.product for group in ask.groups}):
        groups = [group for group in ask.groups if group.product == product]
        lists, took = _searched(ask, product, groups, named, signer)
        searches += took
        inquest: Inquest | None = None
        for group, chains in zip(groups, lists, strict=True):
            label = {"target": group.label, "product": str(graph.products[product])}
            if not chains:
                inquest = inquest or Inquest(ask.net, graph, ask.shut, ask.starts, product)
                proof = inquest(group.processes)
                blocked[group.label, label["product"]] = proof
                rows.append({**label, "rank": 1, "reason": proof.words()})
            rows += [{**label, **row} for row in _measured(gauge, signer, named, chains)]
            legs += [
                {"target": group.label, "delivered": label["product"], "rank": rank, **leg}
                for rank, chain in enumerate(chains, 1) for leg in gauge.legs(chain)
            ]
    if ask.single and blocked:
        proof = next(iter(blocked.values()))
        source = gauge.names(ask.params["source"] or "any mine")
        raise InfeasibleError(f"no route from {source} to {gauge.names(ask.params['target'])}: {proof.words()}.", proof)
    return _result(ask, rows, legs, blocked, searches)


def _searched(
    ask: Ask, product: int, groups: list[Group], named: Named, signer: Signer
) -> tuple[list[list[Chain]], int]:
    """Return the routes into every group, and how many searches that took."""
    graph, shut, prices = ask.graph, ask.shut, Prices(*fees_and_gains(ask.graph, ask.by))
    opened = {"open_arc": ~shut.arc, "open_node": ~shut.node, "open_process": ~shut.process}
    members = [group.processes for group in groups]
    if "step" in ask.differ:
        # Routes that differ in anything are plain k best routes: one sweep for all groups. For a single one too:
        # loading the compiled loops takes 0.2 to 0.3 s once, then each answer comes in a half to a seventh of the time
        # (measured at k = 5 and 20), and of equally good routes one target gets those that it gets among all.
        arcs = chain_arcs(graph, prices, ask.starts, product, members, **opened)
        if arcs is not None:
            return nearest(arcs, ask.k), 1
    finder = Finder(graph, prices, ask.starts, product, named.marks, **opened)
    return [ranked(finder, signer, targets, ask.k) for targets in members], finder.searches


def _measured(gauge: Gauge, signer: Signer, named: Named, chains: list[Chain]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for rank, chain in enumerate(chains, 1):
        row = {"rank": rank, "reason": None, "avoids": None, **gauge.row(chain)}
        if rank > 1:
            left = signer(chains[0]) & ~signer(chain)
            row["avoids"] = "; ".join(named.words[bit] for bit in bits_of(left))
        first = rows[0] if rows else row
        rows.append(row | {f"added_{name}": row[name] - first[name] for name in BY})
    return rows


def _result(
    ask: Ask, rows: list[dict[str, Any]], legs: list[dict[str, Any]], blocked: dict[tuple[str, str], NoRoute],
    searches: int,
) -> Alternatives:
    columns = ["target", "product", "rank", *_COLUMNS]
    texts = [name for name in _COLUMNS if name not in {*_NUMBERS, "unpriced", "residual"}]
    table = pd.DataFrame(rows, columns=columns).astype(
        dict.fromkeys(_NUMBERS, "float64") | dict.fromkeys(texts, "str") | {"unpriced": "Int64", "residual": "boolean"}
    )
    frame = pd.DataFrame(legs, columns=["target", "delivered", "rank", "leg", *LEG_COLUMNS])
    words = _explain(ask, table, blocked)
    keys = ["target", "product", "rank"]
    if ask.single:
        table, keys = table.drop(columns=["target", "product"]), ["rank"]
        frame = frame.drop(columns=["target", "delivered"])
    else:
        table = table.sort_values(keys, kind="stable")
    names = Names(ask.net)
    ends = [names(ask.params["source"] or "any mine"), names(ask.params["target"] or "every factory")]
    return Alternatives(
        title=f"Routes from {ends[0]} to {ends[1]}",
        table=table.set_index(keys),
        params=ask.params,
        network=ask.net,
        explanation=words,
        tables={"legs": frame.set_index(["rank", "leg"] if ask.single else ["target", "delivered", "rank", "leg"])},
        figures={
            "routes": int(table["route"].notna().sum()), "without_route": len(blocked), "blocked": blocked,
            "effort": {"searches": searches},
        },
    )  # fmt: skip


def _explain(ask: Ask, table: pd.DataFrame, blocked: dict[tuple[str, str], NoRoute]) -> str:
    names = Names(ask.net)
    source = names(ask.params["source"]) if ask.params["source"] else "any mine"
    ways = table[table["route"].notna()]
    rule = f"each avoids a {' or '.join(ask.differ)} of every better one"
    order = {"cost_usd_t": "cost per tonne delivered", "km": "km", "days": "days"}[ask.by]
    closed = [f"without {', '.join(names(item) for item in ask.params['avoid'])}"] if ask.params["avoid"] else []
    if ask.params["require"]:
        stages = " and ".join(ask.params["stages"])
        closed.append(f"{stages} only in countries of tier {ask.params['require']} or better")
    limits = f" ({'; '.join(closed)})" if closed else ""
    if ask.single:
        lines = [f"From {source} to {names(ask.params['target'])}{limits}: {_routes(len(ways))} by {order}; {rule}."]
        lines += [_said({str(key): value for key, value in row.items()}) for row in ways.to_dict("records")]
        if len(ways) < ask.k:
            lines.append("There is no further route of that kind.")
    else:
        count = len(table.groupby(["target", "product"]))
        lines = [f"From {source} to {count} targets{limits}: {_routes(len(ways))} by {order}; {rule}."]
        lines += _summary(ways, blocked, names)
    plants = ways["unpriced"].sum()
    if ask.by == "cost_usd_t" and plants:
        lines.append("Processing costs that are not known count as 0: cost is then freight alone.")
    if not ask.params["unnamed"] and (ask.net.nodes["status"] == "residual").any():
        lines.append("Unnamed rests (Other ...) are left out; unnamed=True lets them in.")
    return "\n".join(lines)


def _routes(count: int) -> str:
    return f"{count} route{'' if count == 1 else 's'}"


def _said(row: dict[str, Any]) -> str:
    """Read one route as a line."""
    spare = row["spare_t"]
    room = "no limit" if np.isinf(spare) else f"{tonnes(spare)} to spare"
    room = "spare capacity not known" if np.isnan(spare) else room
    if pd.notna(row["bottleneck"]):
        room += f" ({row['bottleneck']})"
    parts = [f"{row['km']:,.0f} km", f"{row['days']:,.0f} days", f"{row['cost_usd_t']:,.0f} USD/t", room]
    if row["rank"] > 1:
        parts[2] += f" ({row['added_cost_usd_t']:+,.0f})"
        parts.append(f"avoids {row['avoids']}")
    return f"{row['rank']}. {row['route']}: {', '.join(parts[:3])}; {'; '.join(parts[3:])}."


def _summary(ways: pd.DataFrame, blocked: dict[tuple[str, str], NoRoute], names: Names) -> list[str]:
    """Say for many targets who has no route, who has one only, and what the second one costs."""
    lines = []
    if blocked:
        first = [f"{names(target)} ({proof.words()})" for (target, _), proof in list(blocked.items())[:_SHOWN]]
        more = f"; and {len(blocked) - _SHOWN} more" if len(blocked) > _SHOWN else ""
        lines.append(f"No route: {'; '.join(first)}{more}.")
    size = ways.groupby(["target", "product"])["rank"].max()
    alone = [names(str(target)) for target, _ in size.index[size == 1]]
    if alone:
        more = f" and {len(alone) - _SHOWN} more" if len(alone) > _SHOWN else ""
        lines.append(f"One route and no other: {', '.join(alone[:_SHOWN])}{more}.")
    second = ways[ways["rank"] == 2]
    if len(second):
        added = second.sort_values("added_cost_usd_t", kind="stable", na_position="first")
        most, where = added["added_cost_usd_t"].iloc[-1], names(str(added["target"].iloc[-1]))
        lines.append(
            f"The second route adds {second['added_cost_usd_t'].median():,.0f} USD/t and "
            f"{second['added_days'].median():,.1f} days (medians), most at {where} ({most:,.0f} USD/t)."
        )
    return lines
