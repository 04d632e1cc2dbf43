"""Routes between sites: land leg, sea lanes over straits, land leg; or overland; or inside one place.

For one product and two sets of sites: what freight costs from each to each, over which ports it goes, and
the edges on which it (or any rerouting) moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem
from supplygraph.network.schema import EDGES, NODES
from supplygraph.world import land
from supplygraph.world.lanes import TOGETHER, SeaGraph

if TYPE_CHECKING:
    from supplygraph.world.balance import Flags, Floats, Ints

#: Freight and speed at sea (reference assumption-sea-freight): USD per gross t-km, USD per gross t and port
#: call, km a day, days in port at each end.
SEA_USD_T_KM, PORT_USD_T, SEA_KM_DAY, PORT_DAYS = 0.006, 15.33, 530.0, 1.5
SEA_REFERENCE, ASSUMED = "assumption-sea-freight", "assumption-land-freight"
#: Spread of the choice between ports: 25 USD per tonne of cobalt in hydroxide, at 3.3 gross tonnes a tonne.
PORT_SPREAD = 25.0 / 3.3
#: At most so many routes a pair, each with at least this share.
MOST_ROUTES, LEAST_SHARE = 3, 0.05
#: Overland legs without flow that are kept for each site: the cheapest ones to the other side.
OVERLAND_KEPT = 8
#: Ports are shared between sites where that costs at most so much a gross tonne, until pairs of ports are few.
PORT_SLACKS, MOST_PORT_PAIRS = (2.0, 4.0, 8.0, 12.0, 18.0), 1500
#: A corridor that can carry less than this many gross tonnes a year is rationed: its freight bears a premium
#: such that it carries about a tenth of the copperbelt's trade, as Lobito and TAZARA did.
SCARCE_T, SCARCE_USD_T = 1e6, 80.0
#: Every strait closure must leave the sites a port that it does not cut off from the open ocean.
OCEAN = "port-ZADUR"


@dataclass
class _Gates:
    """Ports of one side, padded: port number (-1 = none) and cost per gross tonne, by site."""

    table: pd.DataFrame  # node, port, distance_km, days, usd_t_gross, mode, reference
    port: Ints
    cost: Floats
    real: Flags  # a corridor with a source, not an assumed leg


@dataclass(frozen=True)
class _Choice:
    """The best few port pairs of each pair of sites: numbers into the gates (or -1, -1: overland), shares."""

    out: Ints
    into: Ints
    share: Floats


def _gates(sites: pd.DataFrame, ports: dict[str, int], table: pd.DataFrame) -> _Gates:
    """Lay a table of gateways out as arrays; ``ports`` numbers the ports and grows."""
    table = table.sort_values(["node", "usd_t_gross", "port"], ignore_index=True)
    place = {node: i for i, node in enumerate(sites.index)}
    slot = table.groupby("node").cumcount().to_numpy()
    row = table["node"].map(place).to_numpy()
    wide = int(slot.max()) + 1 if len(slot) else 1
    port = np.full((len(sites), wide), -1)
    cost = np.full((len(sites), wide), np.inf)
    port[row, slot] = [ports.setdefault(name, len(ports)) for name in table["port"]]
    cost[row, slot] = table["usd_t_gross"]
    real = np.zeros(port.shape, dtype=bool)
    real[row, slot] = table["reference"].ne(ASSUMED)
    return _Gates(table, port, cost, real)


def _check(sides: dict[str, pd.DataFrame], gross_t_per_t: float) -> None:
    problems = []
    for name, sites in sides.items():
        problems += [Problem(name, f"column `{c}` is missing.") for c in ("country", "lon", "lat") if c not in sites]
        if not sites.index.is_unique:
            problems.append(Problem(name, "node ids repeat.", "Give each site once; processes share it."))
    if not (np.isfinite(gross_t_per_t) and gross_t_per_t > 0):
        problems.append(Problem("gross_t_per_t", f"{gross_t_per_t} given, expected a number above 0."))
    if problems:
        raise DataError("no transport without sites", problems)


def _direct(origins: pd.DataFrame, destinations: pd.DataFrame) -> pd.DataFrame:
    """Overland legs with the positions of their ends."""
    legs = land.overland(origins, destinations)
    legs["i"] = origins.index.get_indexer(pd.Index(legs["source"]))
    legs["j"] = destinations.index.get_indexer(pd.Index(legs["target"]))
    return legs


def _pick(every: Floats, out: Ints, into: Ints) -> tuple[Ints, Floats]:
    """Return the best few columns of each row and their costs (inf = none).

    Of three, neither all from one port nor all to one.
    """
    row = np.arange(len(every))
    left = every.copy()
    picks: list[Ints] = []
    costs: list[Floats] = []
    for k in range(min(MOST_ROUTES, every.shape[1])):
        if k == MOST_ROUTES - 1:
            for port in (out, into):
                first, second = (port[row, pick] for pick in picks)
                stuck = (first == second) & (first >= 0)
                left[stuck[:, None] & (port == first[:, None])] = np.inf
        picks.append(np.argmin(left, axis=1))
        costs.append(left[row, picks[-1]])
        left[row, picks[-1]] = np.inf
    return np.stack(picks, axis=1), np.stack(costs, axis=1)


def _choose(out: _Gates, into: _Gates, sea: Floats, direct: Floats) -> tuple[Floats, _Choice]:
    """Cost per gross tonne of each pair, and its best routes by logit.

    Notes
    -----
    O(n m k^2) for k ports a site, one row of sites at a time.
    """
    n, m = direct.shape
    best = np.full((n, m), np.inf)
    pick_out, pick_in = np.full((n, m, MOST_ROUTES), -1), np.full((n, m, MOST_ROUTES), -1)
    share = np.zeros((n, m, MOST_ROUTES))
    width = into.cost.shape[1]
    for i in range(n):
        legs = np.flatnonzero(out.port[i] >= 0)
        by_sea = sea[out.port[i, legs]][:, np.maximum(into.port, 0)]  # legs, m, width
        by_sea = by_sea + out.cost[i, legs][:, None, None] + into.cost[None, :, :]
        every = np.concatenate([by_sea.transpose(1, 0, 2).reshape(m, -1), direct[i][:, None]], axis=1)
        gate_out = np.append(np.repeat(legs, width), -1)[None, :].repeat(m, axis=0)
        gate_in = np.append(np.tile(np.arange(width), len(legs)), -1)[None, :].repeat(m, axis=0)
        order, cost = _pick(every, gate_out, gate_in)
        best[i] = cost.min(1)
        reach = np.isfinite(cost)
        with np.errstate(invalid="ignore"):
            weight = np.where(reach, np.exp(-(cost - cost.min(1, keepdims=True)) / PORT_SPREAD), 0.0)
        weight[weight < LEAST_SHARE * weight.sum(1, keepdims=True)] = 0.0
        total = weight.sum(1, keepdims=True)
        k = order.shape[1]
        share[i, :, :k] = weight / np.where(total > 0, total, 1.0)
        pick_out[i, :, :k] = np.take_along_axis(gate_out, order, axis=1)
        pick_in[i, :, :k] = np.take_along_axis(gate_in, order, axis=1)
    return best, _Choice(pick_out, pick_in, share)


def _regret(gates: _Gates, other: _Gates, sea: Floats) -> tuple[Floats, Floats]:
    """Extra cost per gross tonne of each gateway over the site's best: mean over partners, and least."""
    onward = sea[:, np.maximum(other.port, 0)] + other.cost[None, :, :]
    via = onward.min(2)  # from each port to each partner
    mean, least = (np.full(gates.port.shape, 100.0) for _ in range(2))
    for i, ports in enumerate(gates.port):
        here = np.flatnonzero(ports >= 0)
        total = gates.cost[i, here][:, None] + via[ports[here]]
        total = total[:, np.isfinite(total).any(0)]
        if total.size:
            extra = np.minimum(total - total.min(0), 100.0)
            mean[i, here], least[i, here] = extra.mean(1), extra.min(1)
    return mean, least


def _cover(gates: _Gates, extra: Floats, slack: float) -> Flags:
    """Choose few ports such that each site has one within ``slack`` of its best; mark the gateways kept."""
    site, slot = np.nonzero((gates.port >= 0) & (extra <= extra.min(1, keepdims=True) + slack))
    port = gates.port[site, slot]
    covers = np.zeros((int(gates.port.max()) + 1, len(gates.port)), dtype=bool)
    covers[port, site] = True
    chosen = np.zeros(len(covers), dtype=bool)
    open_sites = np.ones(len(gates.port), dtype=bool)
    while open_sites.any():
        gain = (covers & open_sites).sum(1)
        best = int(np.argmax(gain))
        if gain[best] == 0:
            break
        chosen[best] = True
        open_sites &= ~covers[best]
    near = (extra - extra.min(1, keepdims=True)) <= 2 * PORT_SPREAD
    return np.asarray((gates.port >= 0) & chosen[np.maximum(gates.port, 0)] & near)


def _thin(out: _Gates, into: _Gates, sea: Floats, cut: Flags) -> tuple[Flags, Flags]:
    """Keep few ports: shared where nearly as cheap, every real corridor in use, a way out of closed seas."""
    extra = (_regret(out, into, sea), _regret(into, out, sea.T))
    for slack in PORT_SLACKS:
        keep = [_cover(gates, mean, slack) for gates, (mean, _) in zip((out, into), extra, strict=True)]
        counts = [len(set(g.port[k].tolist())) for g, k in zip((out, into), keep, strict=True)]
        if counts[0] * counts[1] <= MOST_PORT_PAIRS:
            break
    for gates, mark, (_, least) in zip((out, into), keep, extra, strict=True):
        np.logical_or(mark, gates.real & (least <= PORT_SPREAD), out=mark)
    return _useful(out, keep[0], cut), _useful(into, keep[1], cut)


def _cut_off(graph: SeaGraph, ports: list[str]) -> Flags:
    """Tell which closure (single straits, then those together) cuts which port off from the open ocean."""
    closures = [*((name,) for name in graph.base.passages if name not in graph.shut), *TOGETHER]
    return np.array([~np.isfinite(graph.matrix([OCEAN], ports, closure)[0]) for closure in closures])


def _useful(gates: _Gates, keep: Flags, cut: Flags) -> Flags:
    """Add the cheapest gateway where none is kept, a second one, and a way out under every closure.

    Without a second gateway the closing of one port would cut a site off that in truth has others.
    """
    here = gates.port >= 0
    keep = keep.copy()
    keep[~keep.any(1), 0] = True
    keep &= here
    lost = cut[:, np.maximum(gates.port, 0)]  # closures, sites, ports of the site
    for shut in lost:
        stranded = ~(keep & ~shut).any(1)
        for i in np.flatnonzero(stranded).tolist():
            free = np.flatnonzero(here[i] & ~shut[i])
            if len(free):
                keep[i, free[0]] = True
    shared = set(gates.port[keep].tolist())
    for i in np.flatnonzero((keep.sum(1) == 1) & (here.sum(1) > 1)).tolist():
        others = np.flatnonzero(here[i] & ~keep[i])
        known = [j for j in others.tolist() if int(gates.port[i, j]) in shared]
        keep[i, (known or others.tolist())[0]] = True
    return np.asarray(keep)


def _restrict(gates: _Gates, keep: Flags, sites: pd.DataFrame, ports: dict[str, int]) -> _Gates:
    """Lay out only the gateways kept."""
    row = sites.index.get_indexer(pd.Index(gates.table["node"]))
    rank = gates.table.groupby("node").cumcount().to_numpy()
    return _gates(sites, ports, gates.table[keep[row, rank]])


def _scarce(table: pd.DataFrame) -> pd.DataFrame:
    """Add the premium of corridors with little capacity."""
    roads = facts.read("facts/corridors.csv")
    narrow = roads[roads["mode"].eq("rail") & (roads["capacity_t"] < SCARCE_T)]
    known = set(zip(narrow["reference"], "port-" + narrow["to_place"].astype(str), strict=True))
    hit = [pair in known for pair in zip(table["reference"], table["port"], strict=True)]
    return table.assign(usd_t_gross=table["usd_t_gross"] + SCARCE_USD_T * np.array(hit, dtype=float))


def edge_id(source: str, target: str, product: str, mode: str, berths: tuple[int, int] = (-1, -1)) -> str:
    """Name an edge.

    Examples
    --------
    >>> edge_id("port-EGSUZ", "passage-suez", "cobalt-mined", "sea", (-1, 3))
    'port-EGSUZ>passage-suez:cobalt-mined:sea:b.3'
    """
    base = f"{source}>{target}:{product}:{mode}"
    if max(berths) < 0:
        return base
    return base + ":b" + ".".join("" if b < 0 else str(b) for b in berths)


def _berthless(legs: pd.DataFrame) -> pd.DataFrame:
    """Land legs have no berth at either end."""
    none = pd.array([None] * len(legs), dtype="Int64")
    return legs.assign(source_berth=none, target_berth=none)


@dataclass
class Transport:
    """How one product travels between two sets of sites.

    Attributes
    ----------
    product
        Product id.
    cost
        USD per tonne of contained metal, origins by destinations; ``inf`` = no route.
    origins, destinations
        The sites as given.

    Notes
    -----
    :attr:`edges` holds every leg and lane that the best few routes of any pair use, all straits open or any
    one closed, and for each site the cheapest overland legs. Overland legs of other pairs join when
    :meth:`split` is asked for them: read :attr:`edges` after the last split.
    """

    product: str
    cost: Floats
    origins: pd.DataFrame
    destinations: pd.DataFrame
    _gross: float
    _choice: _Choice
    _sides: tuple[_Gates, _Gates]
    _direct: pd.DataFrame
    _lanes: pd.DataFrame
    _jetties: pd.DataFrame
    _graph: SeaGraph
    _asked: set[tuple[int, int]] = field(default_factory=set)
    _chains: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def _mode(self) -> dict[tuple[int, int], str]:
        """Mode of the overland leg of each pair."""
        legs = self._direct
        return {(int(i), int(j)): str(mode) for i, j, mode in zip(legs["i"], legs["j"], legs["mode"], strict=True)}

    @cached_property
    def _leg(self) -> tuple[dict[tuple[str, int], tuple[str, str]], dict[tuple[str, int], tuple[str, str]]]:
        """Port and mode of each gateway, by node and its rank there."""
        found = []
        for gates in self._sides:
            rank = gates.table.groupby("node").cumcount()
            found.append(
                {
                    (str(node), int(k)): (str(port), str(mode))
                    for node, k, port, mode in zip(
                        gates.table["node"], rank, gates.table["port"], gates.table["mode"], strict=True
                    )
                }
            )
        return found[0], found[1]

    def split(self, i: int, j: int) -> list[tuple[tuple[str, ...], float]]:
        """Return the routes from origin i to destination j: edge ids in order, and each one's share.

        Shares follow a logit over pairs of ports and the overland leg; at most three, summing to 1. Empty
        route: one site. Empty list: no route.
        """
        source, target = str(self.origins.index[i]), str(self.destinations.index[j])
        if source == target:
            return [((), 1.0)]
        routes: list[tuple[tuple[str, ...], float]] = []
        for a, b, share in zip(self._choice.out[i, j], self._choice.into[i, j], self._choice.share[i, j], strict=True):
            if share <= 0:
                continue
            if a < 0:
                self._asked.add((i, j))
                routes.append(((edge_id(source, target, self.product, self._mode[i, j]),), float(share)))
                continue
            left, right = self._leg[0][source, int(a)], self._leg[1][target, int(b)]
            way = (
                edge_id(source, left[0], self.product, left[1]),
                *self._chain(left[0], right[0]),
                edge_id(right[0], target, self.product, right[1]),
            )
            routes.append((way, float(share)))
        return routes

    def _chain(self, source: str, target: str) -> tuple[str, ...]:
        if (source, target) not in self._chains:
            self._chains[source, target] = tuple(
                edge_id(leg.source, leg.target, self.product, "sea", (leg.source_berth, leg.target_berth))
                for leg in self._graph.chain(source, target)
            )
        return self._chains[source, target]

    @property
    def edges(self) -> pd.DataFrame:
        """Edges with the columns of the schema, sorted by id."""
        parts = [self._overland(), *self._site_legs(), self._sea()]
        table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
        table["product"] = self.product
        table["cost_usd_t"] = table["usd_t_gross"] * self._gross
        table["capacity_t"] = np.inf
        for column in ("source_berth", "target_berth"):
            table[column] = table[column].astype("Int64")
        ends = table[["source", "target", "mode"]].itertuples(index=False, name=None)
        berths = zip(table["source_berth"].fillna(-1), table["target_berth"].fillna(-1), strict=True)
        table["edge"] = [
            edge_id(a, b, self.product, mode, (int(x), int(y)))
            for (a, b, mode), (x, y) in zip(ends, berths, strict=True)
        ]
        return table[EDGES.names].sort_values("edge", ignore_index=True)

    def _overland(self) -> pd.DataFrame:
        legs = self._direct
        keep = pd.Series(
            [pair in self._asked for pair in zip(legs["i"], legs["j"], strict=True)], index=legs.index, dtype=bool
        )
        for side in ("i", "j"):
            rank = legs.sort_values(["usd_t_gross", "i", "j"], kind="stable").groupby(side).cumcount()
            keep |= rank.reindex(legs.index) < OVERLAND_KEPT
        # an overland leg dearer than twice the way by sea is of no use, flow or not
        sensible = legs["usd_t_gross"].to_numpy() * self._gross <= 2 * self.cost[legs["i"], legs["j"]] + 1e-9
        return _berthless(legs[keep & sensible].drop(columns=["i", "j"]))

    def _site_legs(self) -> list[pd.DataFrame]:
        names = ({"node": "source", "port": "target"}, {"port": "source", "node": "target"})
        return [_berthless(gates.table.rename(columns=ends)) for gates, ends in zip(self._sides, names, strict=True)]

    def _sea(self) -> pd.DataFrame:
        lanes = self._lanes
        calls = lanes["source_berth"].lt(0).astype(float) + lanes["target_berth"].lt(0).astype(float)
        return pd.DataFrame(
            {
                "source": lanes["source"],
                "target": lanes["target"],
                "mode": "sea",
                "source_berth": lanes["source_berth"].where(lanes["source_berth"] >= 0).astype("Int64"),
                "target_berth": lanes["target_berth"].where(lanes["target_berth"] >= 0).astype("Int64"),
                "distance_km": lanes["distance_km"],
                "days": lanes["distance_km"] / SEA_KM_DAY + PORT_DAYS * calls,
                "usd_t_gross": lanes["distance_km"] * SEA_USD_T_KM + PORT_USD_T * calls,
                "reference": SEA_REFERENCE,
            }
        )

    @property
    def nodes(self) -> pd.DataFrame:
        """Ports, jetties and straits that the edges touch, with the columns of the schema."""
        edges = self.edges
        used = sorted(
            (set(edges["source"]) | set(edges["target"])) - set(self.origins.index) - set(self.destinations.index)
        )
        ports = facts.read("geo/ports.csv").assign(node=lambda t: "port-" + t["port"], kind="port")
        straits = facts.read("geo/passages.csv").assign(node=lambda t: "passage-" + t["passage"], kind="passage")
        table = pd.concat([ports, straits.drop(columns=["note"], errors="ignore"), self._jetties], ignore_index=True)
        table = table.set_index("node").loc[used].reset_index()
        table["throughput_t"], table["status"] = np.inf, "operating"
        return table.reindex(columns=NODES.names)


def _jetties(sides: list[pd.DataFrame], tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Nodes for the sites that load at a jetty of their own."""
    sites = pd.concat(sides)
    sites = sites[~sites.index.duplicated()]
    named = sorted({p for t in tables for p in t["port"] if p.startswith("jetty-")})
    at = sites.loc[[name.removeprefix("jetty-") for name in named]]
    title = at["name"] if "name" in at else at.index.to_series()
    return pd.DataFrame(
        {
            "node": named,
            "name": [f"{x} (own jetty)" for x in title],
            "kind": "port",
            "country": at["country"].to_numpy(),
            "lon": at["lon"].to_numpy(dtype=float),
            "lat": at["lat"].to_numpy(dtype=float),
            "reference": "assumption-land-freight",
            "confidence": "estimated",
        }
    )


def transport(product: str, gross_t_per_t: float, origins: pd.DataFrame, destinations: pd.DataFrame) -> Transport:
    """Work out how one product travels between two sets of sites.

    Parameters
    ----------
    product
        Product id, part of the edge ids.
    gross_t_per_t
        Gross tonnes shipped per tonne of contained metal.
    origins, destinations
        Index node; columns country (missing = unknown), lon, lat, and name if known. A node may be in both.

    Returns
    -------
    Transport

    Raises
    ------
    DataError
        If columns are missing or nodes repeat.

    Notes
    -----
    Freight per gross tonne: land legs as in :mod:`supplygraph.world.land`, sea 0.006 USD per t-km and 15.33
    USD for each port call. Dijkstra from each port under each closure, then O(n m k^2) for k ports a site.
    """
    _check({"origins": origins, "destinations": destinations}, gross_t_per_t)
    tables = [_scarce(land.gateways(sites)) for sites in (origins, destinations)]
    number: dict[str, int] = {}
    whole = (_gates(origins, number, tables[0]), _gates(destinations, number, tables[1]))
    ports = list(number)
    jetties = _jetties([origins, destinations], tables)
    extra = list(jetties[["node", "lon", "lat"]].itertuples(index=False, name=None))
    graph = SeaGraph(extra)
    km = np.full((len(ports), len(ports)), np.inf)
    senders = sorted(set(whole[0].port[whole[0].port >= 0].tolist()))
    km[senders] = graph.matrix([ports[p] for p in senders], ports)
    sea = km * SEA_USD_T_KM + 2 * PORT_USD_T
    np.fill_diagonal(sea, np.inf)  # a port to itself is a land leg, not a voyage
    keep = _thin(*whole, sea, _cut_off(graph, ports))
    out, into = (
        _restrict(gates, kept, sites, number)
        for gates, kept, sites in zip(whole, keep, (origins, destinations), strict=True)
    )
    direct = _direct(origins, destinations)
    straight = np.full((len(origins), len(destinations)), np.inf)
    straight[direct["i"], direct["j"]] = direct["usd_t_gross"]
    cost, choice = _choose(out, into, sea, straight)
    same = origins.index.to_numpy()[:, None] == destinations.index.to_numpy()[None, :]
    ends = [sorted(set(gates.table["port"])) for gates in (out, into)]
    return Transport(
        product=product,
        cost=np.where(same, 0.0, cost * gross_t_per_t),
        origins=origins,
        destinations=destinations,
        _gross=gross_t_per_t,
        _choice=choice,
        _sides=(out, into),
        _direct=direct,
        _lanes=graph.lanes(ends[0], ends[1]),
        _jetties=jetties[jetties["node"].isin(ends[0] + ends[1])],
        _graph=SeaGraph(extra),
    )


def summary(found: Transport) -> dict[str, Any]:
    """Count what a transport holds, for reports.

    Returns
    -------
    dict
        Edges by mode, ports and straits used, pairs without a route.
    """
    edges = found.edges
    return {
        **{str(mode): int(count) for mode, count in edges["mode"].value_counts().sort_index().items()},
        "edges": len(edges),
        "nodes": len(found.nodes),
        "unreachable": int(np.isinf(found.cost).sum()),
    }
