"""What a chain of plants and legs is: its marks, its words, its km, days, cost and spare capacity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.chainfinder import Marks
from supplygraph.engine.expanded import tally
from supplygraph.engine.limits import today
from supplygraph.scenario.stages import process_stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.engine.chainfinder import Chain
    from supplygraph.engine.expanded import Expanded, Floats, Ints
    from supplygraph.network.network import SupplyNetwork

#: What two routes may be asked to differ in.
DIFFER = ("country", "maker", "strait", "site", "step")
#: What is told of a leg: its plants, its product, its edges, tonnes moved per tonne delivered, what it takes.
LEG_COLUMNS = ("origin", "destination", "product", "route", "t_per_t", "km", "days", "freight_usd_t")


@dataclass(frozen=True, eq=False)
class Named:
    """Marks with their names for people."""

    marks: Marks
    words: tuple[str, ...]


class MarkList:
    """Collects marks one by one."""

    def __init__(self) -> None:
        self.nodes: list[Ints] = []
        self.processes: list[Ints] = []
        self.arcs: list[Ints] = []
        self.words: list[str] = []

    def add(
        self, words: str, *, nodes: Iterable[int] = (), processes: Iterable[int] = (), arcs: Iterable[int] = ()
    ) -> int:
        """Append a mark; return its number."""
        for pile, members in ((self.nodes, nodes), (self.processes, processes), (self.arcs, arcs)):
            pile.append(np.fromiter(members, dtype=np.int64))
        self.words.append(words)
        return len(self.words) - 1

    def done(self) -> Named:
        """Return what was collected."""
        return Named(Marks(tuple(self.nodes), tuple(self.processes), tuple(self.arcs)), tuple(self.words))


def marks_of(net: SupplyNetwork, graph: Expanded, differ: tuple[str, ...]) -> Named:
    """Return what routes are told apart by."""
    found, names = MarkList(), _names(net)
    country, kind = net.nodes["country"], net.nodes["kind"]
    is_plant = np.isin(np.arange(len(graph.nodes)), graph.at)
    strait = (kind == "passage").to_numpy()
    known = country.notna().to_numpy()
    if {"country", "maker"} & set(differ):
        stage = process_stages(net).mask(net.processes["role"] == "trade", "trade")
        made = (graph.gives >= 0) & known[graph.at]
        groups = [(code, label) for code, label in zip(graph.country[graph.at], stage, strict=True)]
        for key in sorted({group for group, on in zip(groups, made, strict=True) if on}):
            members = [place for place, group in enumerate(groups) if made[place] and group == key]
            found.add(f"{key[1]} in {names(str(graph.countries[key[0]]))}", processes=members)
    if "country" in differ:
        for code, label in enumerate(graph.countries):
            through = np.flatnonzero((graph.country == code) & ~is_plant & ~strait)
            if len(through):
                found.add(f"transit of {names(str(label))}", nodes=through)
    if {"country", "maker"} & set(differ) and "site" not in differ:
        # A place whose country is not known stands for itself: nothing says that two of them are one.
        chosen = ~known & ~strait & (is_plant | ("country" in differ))
        for place in np.flatnonzero(chosen).tolist():
            found.add(names(str(graph.nodes[place])), nodes=[place])
    sites = np.ones(len(strait), dtype=np.bool_) if "site" in differ else strait & ("strait" in differ)
    for place in np.flatnonzero(sites).tolist():
        found.add(names(str(graph.nodes[place])), nodes=[place])
    if "step" in differ:
        _steps(graph, found, names)
    return found.done()


def _steps(graph: Expanded, found: MarkList, names: Names) -> None:
    """Add every move of a product from one place to the next (parallel edges are one), and every plant."""
    ends = graph.source * len(graph.vertex_node) + graph.target
    _, first = np.unique(ends, return_index=True)
    arcs, places = np.sort(first), [names(node) for node in graph.nodes.tolist()]
    tails, heads = (graph.vertex_node[end[arcs]].tolist() for end in (graph.source, graph.target))
    for arc, tail, head in zip(arcs.tolist(), tails, heads, strict=True):
        found.add(f"{places[tail]} > {places[head]}", arcs=[arc])
    for process in np.flatnonzero(graph.gives >= 0).tolist():
        found.add(names(str(graph.processes[process])), processes=[process])


class Names:
    """Names for people of sites, processes and countries."""

    def __init__(self, net: SupplyNetwork) -> None:
        from supplygraph import facts

        listed = facts.read("facts/countries.csv")
        nodes = net.nodes["name"]
        self._names: dict[str, str] = dict(zip(listed["country"], listed["name"], strict=True))
        for column in (net.countries["name"], net.processes["node"].map(nodes), nodes):
            self._names.update((str(item), str(name)) for item, name in column.dropna().items())

    def __call__(self, item: str) -> str:
        """Return the name, or the id where there is none."""
        return str(self._names.get(item, item))


def _names(net: SupplyNetwork) -> Names:
    return Names(net)


class Gauge:
    """Measures chains on one network."""

    def __init__(self, net: SupplyNetwork, graph: Expanded) -> None:
        self.graph, self.names = graph, _names(net)
        edges, nodes = net.edges, net.nodes
        self._km, self._days, self._freight = (
            edges[name].to_numpy(dtype=np.float64) for name in ("distance_km", "days", "cost_usd_t")
        )
        self._unpriced = net.processes["cost_usd_t"].isna().to_numpy()
        self._residual = (nodes["status"] == "residual").to_numpy()
        self._strait = (nodes["kind"] == "passage").to_numpy()
        self._now = today(graph)
        legs = np.repeat(np.arange(len(graph.ship_flow)), np.diff(graph.ship_ptr))
        moved = graph.ship_flow[legs]
        into = graph.visits(graph.ship_edge)
        self._on_arc = tally(graph.ship_edge, moved, len(graph.edges))
        self._at_node = tally(graph.at[graph.ship_origin], graph.ship_flow, len(graph.nodes))
        self._at_node += tally(into[into >= 0], moved[into >= 0], len(graph.nodes))
        self._taken = tally(graph.ship_destination, graph.ship_flow, len(graph.processes))
        self._sent = self._by_way()

    def _by_way(self) -> dict[tuple[int, int, tuple[int, ...]], float]:
        """Return today's tonnes by origin, destination and the places passed (parallel edges are one way)."""
        graph, found = self.graph, dict[tuple[int, int, tuple[int, ...]], float]()
        for ship, flow in enumerate(graph.ship_flow.tolist()):
            arcs = graph.ship_edge[graph.ship_ptr[ship] : graph.ship_ptr[ship + 1]]
            key = (int(graph.ship_origin[ship]), int(graph.ship_destination[ship]), tuple(graph.target[arcs].tolist()))
            found[key] = found.get(key, 0.0) + flow
        return found

    def needs(self, chain: Chain) -> list[float]:
        """Tonnes that each process of a chain but the last gives per tonne delivered."""
        needs = [1.0]
        for process in chain.processes[-2:0:-1]:
            needs.append(needs[-1] / float(self.graph.recovery[process]))
        return needs[::-1]

    def row(self, chain: Chain) -> dict[str, Any]:
        """Measure a chain."""
        graph, needs = self.graph, self.needs(chain)
        stops = self.stops(chain)
        arcs = [arc for leg in chain.legs for arc in leg]
        plants = list(chain.processes)
        spare, bottleneck = self._spare(chain, needs)
        freight = sum(need * float(self._freight[list(leg)].sum()) for need, leg in zip(needs, chain.legs, strict=True))
        fees = sum(need * float(graph.fee[plant]) for need, plant in zip(needs, plants, strict=False))
        countries = [str(graph.countries[graph.country[stop]]) for stop in stops if graph.country[stop] >= 0]
        return {
            "route": self.words(stops),
            "sites": ";".join(str(graph.nodes[stop]) for stop in stops),
            "plants": ";".join(str(graph.processes[plant]) for plant in plants),
            "edges": ";".join(str(graph.edges[arc]) for arc in arcs),
            "countries": ";".join(dict.fromkeys(countries)),
            "straits": ";".join(dict.fromkeys(str(graph.nodes[stop]) for stop in stops if self._strait[stop])),
            "km": float(self._km[arcs].sum()), "days": float(self._days[arcs].sum()), "cost_usd_t": freight + fees,
            "spare_t": spare, "bottleneck": bottleneck, "carried_t": self._carried(chain),
            "unpriced": int(self._unpriced[plants[:-1]].sum()),
            "residual": bool(self._residual[graph.at[plants]].any()),
        }  # fmt: skip

    def stops(self, chain: Chain) -> list[int]:
        """Sites of a chain in order; a site where it stays is named once."""
        graph = self.graph
        stops = [int(graph.at[chain.processes[0]])]
        for leg in chain.legs:
            for arc in leg:
                stop = int(graph.vertex_node[graph.target[arc]])
                if stop != stops[-1]:
                    stops.append(stop)
        return stops

    def words(self, stops: list[int]) -> str:
        """Speak the sites of a chain."""
        names = [self.names(str(self.graph.nodes[stop])) for stop in stops]
        said = [name for place, name in enumerate(names) if not place or name != names[place - 1]]
        return " – ".join(said) if len(said) > 1 else f"{said[0]} (on site)"

    def _spare(self, chain: Chain, needs: list[float]) -> tuple[float, str | None]:
        """Return how many tonnes more could be delivered this way, and what holds them back."""
        graph = self.graph
        room: list[tuple[float, str]] = []
        for need, plant in zip(needs, chain.processes, strict=False):
            now = float(self._now[plant])
            left = (max(float(graph.limit[plant]), now) - now) / need
            room.append((left, f"plant {graph.processes[plant]}"))
        over: dict[int, float] = {}
        at: dict[int, float] = {}
        for need, plant, leg in zip(needs, chain.processes, chain.legs, strict=False):
            visited = [int(graph.at[plant]), *graph.visits(np.array(leg, dtype=np.int64)).tolist()]
            for place in visited:
                if place >= 0:
                    at[place] = at.get(place, 0.0) + need
            for arc in leg:
                over[arc] = over.get(arc, 0.0) + need
        for loads, limit, flow, ids, kind in (
            (over, graph.capacity, self._on_arc, graph.edges, "edge"),
            (at, graph.throughput, self._at_node, graph.nodes, "site"),
        ):
            for item, load in loads.items():
                if not np.isposinf(limit[item]):
                    room.append((max(float(limit[item] - flow[item]), 0.0) / load, f"{kind} {ids[item]}"))
        return _least(room)

    def _carried(self, chain: Chain) -> float:
        """Tonnes delivered exactly so today, if plants mix what they take."""
        if not len(self.graph.ship_flow):
            return float("nan")
        carried = 1.0
        for place, leg in enumerate(chain.legs):
            origin, destination = chain.processes[place], chain.processes[place + 1]
            ways = tuple(int(self.graph.target[arc]) for arc in leg)
            flow = self._sent.get((origin, destination, ways), 0.0)
            last = place == len(chain.legs) - 1
            carried *= flow if last else flow / self._taken[destination] if flow else 0.0
        return carried

    def legs(self, chain: Chain) -> list[dict[str, Any]]:
        """One row per leg: between which plants, what, by which edges, tonnes per tonne delivered."""
        graph, rows = self.graph, []
        for place, (leg, need) in enumerate(zip(chain.legs, self.needs(chain), strict=True)):
            origin, destination = chain.processes[place], chain.processes[place + 1]
            arcs = list(leg)
            rows.append({
                "leg": place + 1, "origin": str(graph.processes[origin]),
                "destination": str(graph.processes[destination]), "product": str(graph.products[graph.gives[origin]]),
                "route": ";".join(str(graph.edges[arc]) for arc in arcs) or None, "t_per_t": need,
                "km": float(self._km[arcs].sum()), "days": float(self._days[arcs].sum()),
                "freight_usd_t": float(self._freight[arcs].sum()),
            })  # fmt: skip
        return rows


def _least(room: list[tuple[float, str]]) -> tuple[float, str | None]:
    known = [(left, what) for left, what in room if not np.isnan(left)]
    least = min(known, key=lambda pair: pair[0], default=(float("inf"), ""))
    unknown = [what for left, what in room if np.isnan(left)]
    if unknown and least[0] > 0:
        return float("nan"), f"not known: {unknown[0]}"
    return least[0], None if np.isinf(least[0]) else least[1]


def fees_and_gains(graph: Expanded, by: str) -> tuple[Floats, Floats, Floats]:
    """Return what is added per arc and plant, and the gain of plants, for one ranking."""
    if by == "cost_usd_t":
        return graph.cost, graph.fee, graph.recovery
    ones = np.ones(len(graph.processes))
    return (graph.km if by == "km" else graph.days), np.zeros_like(ones), ones
