"""From a network and its scenarios to the compact data that the page draws.

Rows are lists in a fixed order (the reading side is ``assets/data.js``); tonnes keep four digits; a value
that is the same in every scenario is written once.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import UnknownNameError
from supplygraph.maps import lanes, theme
from supplygraph.maps.pack import pack, short
from supplygraph.network import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supplygraph.maps.lanes import Line, Table
    from supplygraph.maps.scenarios import Scenario
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment

_SITES = ("mine", "refinery", "factory")
_STOPS = ("port", "passage")
_DEPENDENTS = 8
#: Digits that leave an integer as it is.
_EXACT = 12


@dataclass(frozen=True)
class Flows:
    """Tonnes per edge used: one column per product and scenario, scenario running fastest.

    One more column holds the tonnes of today that were reported.
    """

    edges: pd.DataFrame
    table: Table


class Payload:
    """Collects what the page needs; :meth:`build` returns it as plain lists and dicts."""

    def __init__(
        self, net: SupplyNetwork, scenarios: Sequence[Scenario], *, product: str | None = None, keep: Iterable[str] = ()
    ) -> None:
        products = net.products.sort_values(["mineral", "order"], kind="stable")
        if product is not None:
            if product not in products.index:
                raise UnknownNameError.of("product", product, products.index)
            products = products.loc[[product]]
        self.net = net
        self.products = products
        self.number = {name: i for i, name in enumerate(products.index)}
        self.scenarios = [(s, s.shipments.loc[s.shipments["product"].isin(self.number)]) for s in scenarios]
        self.nodes = net.nodes
        self.keep = set(keep)
        self.processes = net.processes
        self.at = self.processes["node"]
        self.references: dict[str, int] = {}

    def build(self) -> dict[str, Any]:
        """Return the data of the page."""
        flows = self._flows()
        self.unit = _unit(flows.table)
        tonnes = self._tonnes()
        kept = self._kept(tonnes)
        self.place = {node: i for i, node in enumerate(kept)}
        chains, dotted = self._lanes(flows)
        passing = self._passing()
        return {
            "unit": self.unit,
            "products": [[p, r.stage, _text(r.mineral)] for p, r in self.products.iterrows()],
            "scenarios": [self._scenario(i) for i in range(len(self.scenarios))],
            "nodes": [self._node(node, tonnes) for node in kept],
            "processes": self._process_rows(),
            "owners": self._owner_rows(),
            "links": self._links(),
            "chains": chains,
            "dotted": dotted,
            "legs": self._legs(flows),
            "straits": passing,
            "countries": self._countries(),
            "references": self._reference_rows(),
            "reported": self._reported_share(),
        }

    # -- flows ----------------------------------------------------------------------------------------

    def _flows(self) -> Flows:
        """Sum the shipments of every scenario over the edges of their routes."""
        parts = []
        for position, (_, shipments) in enumerate(self.scenarios):
            routed = shipments.loc[shipments["route"].notna(), ["route", "product", "flow_t", "basis"]]
            steps = routed.assign(edge=routed["route"].str.split(schema.LIST_SEPARATOR)).explode("edge")
            parts.append(steps.assign(scenario=position))
        steps = pd.concat(parts, ignore_index=True)
        column = steps["product"].map(self.number) * len(self.scenarios) + steps["scenario"]
        known = steps["edge"].isin(self.net.edges.index)
        steps, column = steps.loc[known], column.loc[known]
        used = sorted(steps["edge"].unique())
        row = steps["edge"].map({edge: i for i, edge in enumerate(used)})
        table = np.zeros((len(used), len(self.number) * len(self.scenarios) + 1))
        np.add.at(table, (row.to_numpy(int), column.to_numpy(int)), steps["flow_t"].to_numpy(float))
        seen = ((steps["scenario"] == 0) & (steps["basis"] == "reported")).to_numpy()
        np.add.at(table[:, -1], row.to_numpy(int)[seen], steps["flow_t"].to_numpy(float)[seen])
        return Flows(self.net.edges.loc[used], table)

    def _lanes(self, flows: Flows) -> tuple[list[Any], list[Any]]:
        """Return merged sea lanes, and the links by sea whose way is not known (drawn dotted)."""
        sea = (flows.edges["mode"] == "sea").to_numpy()
        known: tuple[list[Line], list[int]] = ([], [])
        guessed: tuple[list[Line], list[int]] = ([], [])
        ways = sea_lines(flows.edges[sea], self.nodes)
        for row, (edge, line) in zip(np.flatnonzero(sea), ways.items(), strict=True):
            lines, rows = known if line is not None else guessed
            lines.append(line if line is not None else self._arc(edge))
            rows.append(int(row))
        drawn = [[self._chain(chain) for chain in lanes.merge(lines, flows.table[rows])]
                 for lines, rows in (known, guessed)]
        return drawn[0], drawn[1]

    def _arc(self, edge: str) -> Line:
        ends = self.nodes.loc[list(self.net.edges.loc[edge, ["source", "target"]]), ["lon", "lat"]].to_numpy(float)
        return lanes.great_circle((ends[0, 0], ends[0, 1]), (ends[1, 0], ends[1, 1]))

    def _chain(self, chain: lanes.Chain) -> str:
        points = lanes.thin(lanes.unwrap(chain.points))
        steps = np.vstack([points[:1], np.diff(points, axis=0)])
        return pack([len(points), *steps.ravel().tolist(), *self._carried(chain.flow)])

    def _carried(self, flow: Table) -> list[int]:
        """Write what a line carries: whether most of it was reported, then tonnes by product."""
        today = flow[:, :-1 : len(self.scenarios)].sum()
        return [int(0 < today <= 2 * flow[:, -1].sum()), *self._by_product(flow)]

    def _by_product(self, flow: Table) -> list[int]:
        """Write tonnes in units as product, forward, backward, product, ...; both as length and values."""
        count = len(self.scenarios)
        out: list[int] = []
        for number in range(len(self.number)):
            there, back = flow[:, number * count : (number + 1) * count]
            if there.any() or back.any():
                out += [number, *self._in_units(there), *self._in_units(back)]
        return out

    def _in_units(self, values: Any) -> list[int]:
        written = _same([round((tonne(value, 3) or 0) / self.unit) for value in values], _EXACT)
        written = written if isinstance(written, list) else [written]
        return [len(written), *written]

    def _legs(self, flows: Flows) -> list[Any]:
        """Return land legs, both directions and all products in one row."""
        land = flows.edges.loc[~flows.edges["mode"].isin(["sea", "onsite"])]
        sums: dict[tuple[int, int, str], Table] = {}
        row_of = {edge: i for i, edge in enumerate(flows.edges.index)}
        for edge, source, target, mode in land[["source", "target", "mode"]].itertuples():
            a, b = self.place[source], self.place[target]
            key = (min(a, b), max(a, b), str(mode))
            total = sums.setdefault(key, np.zeros((2, flows.table.shape[1])))
            total[0 if a <= b else 1] += flows.table[row_of[edge]]
        return [[a, b, mode, pack(self._carried(total))] for (a, b, mode), total in sorted(sums.items())]

    # -- nodes ----------------------------------------------------------------------------------------

    def _tonnes(self) -> pd.DataFrame:
        """Return tonnes per node (index) and scenario (columns): the larger of all in and all out."""
        ends = self.net.edges[["source", "target"]]
        columns = []
        for _, shipments in self.scenarios:
            sent = shipments.groupby(shipments["origin"].map(self.at))["flow_t"].sum()
            got = shipments.groupby(shipments["destination"].map(self.at))["flow_t"].sum()
            site = pd.concat([sent, got], axis=1).max(axis=1)
            stops = _stops(shipments, ends).groupby("node")["flow_t"].sum()
            columns.append(stops.drop(site.index, errors="ignore").add(site, fill_value=0.0))
        table = pd.concat(columns, axis=1).reindex(self.nodes.index).fillna(0.0)
        table.columns = pd.RangeIndex(len(columns))
        return table

    def _kept(self, tonnes: pd.DataFrame) -> list[str]:
        """Return the nodes to draw: all sites, and the ports and straits that carry or are closed."""
        closed = {node for scenario, _ in self.scenarios for node in scenario.closed}
        some = (tonnes > 0).any(axis=1) | self.nodes.index.isin(list(closed | self.keep))
        makers = set(self.processes.loc[self._of_products(), "node"])
        site = self.nodes["kind"].isin(_SITES) & self.nodes.index.isin(list(makers))
        return sorted(self.nodes.index[some | site])

    def _of_products(self) -> pd.Series:
        return self.processes["input"].isin(self.number) | self.processes["output"].isin(self.number)

    def _node(self, node: str, tonnes: pd.DataFrame) -> list[Any]:
        row = self.nodes.loc[node]
        return [
            node,
            _text(row["name"]),
            schema.NODE_KINDS.index(row["kind"]),
            _text(row["country"]),
            round(float(str(row["lon"])), 3),
            round(float(str(row["lat"])), 3),
            _text(row["status"]),
            _same(tonnes.loc[node].to_numpy()),
            _limit(row["throughput_t"]),
            _text(row["confidence"]),
            self._reference(row["reference"]),
        ]

    def _process_rows(self) -> list[Any]:
        rows = []
        chosen = self.processes.loc[self._of_products()]
        for record in chosen.to_dict("records"):
            if record["node"] not in self.place:
                continue
            rows.append([
                self.place[record["node"]],
                record["role"],
                _text(record["input"]),
                _text(record["output"]),
                _text(record["operator"]),
                _limit(record["capacity_t"]),
                tonne(record["activity_t"]),
                tonne(record["activity_low_t"]),
                tonne(record["activity_high_t"]),
                None if pd.isna(record["year"]) else int(record["year"]),
                self._reference(record["reference"]),
                _text(record["confidence"]),
            ])
        return rows

    def _owner_rows(self) -> list[Any]:
        owners = self.net.owners.reset_index()
        rows = owners.loc[owners["node"].isin(self.place)].sort_values(["node", "share"], ascending=[True, False])
        columns = zip(rows["node"], rows["owner"], rows["share"].astype(float), strict=True)
        return [[self.place[node], owner, round(share, 3)] for node, owner, share in columns]

    def _links(self) -> list[str]:
        """Return who ships what to whom: tonnes today with their interval, and where scenarios differ."""
        frames = []
        for position, (_, shipments) in enumerate(self.scenarios):
            frames.append(shipments.assign(scenario=position, a=shipments["origin"].map(self.at),
                                           b=shipments["destination"].map(self.at)))
        rows = pd.concat(frames, ignore_index=True)
        rows = rows.loc[rows["a"].isin(self.place) & rows["b"].isin(self.place)]
        rows["seen"] = rows["flow_t"].where(rows["basis"] == "reported", 0.0)
        table = rows.pivot_table(index=["a", "b", "product"], columns="scenario", values="flow_t", aggfunc="sum")
        table = table.reindex(columns=range(len(self.scenarios))).fillna(0.0)
        now = rows.loc[rows["scenario"] == 0].groupby(["a", "b", "product"])
        extra = now.agg(seen=("seen", "sum"), low=("flow_low_t", "sum"), high=("flow_high_t", "sum"),
                        known=("flow_low_t", "count"), count=("flow_t", "size"))
        extra = extra.reindex(table.index)
        out = []
        keys = zip(*(table.index.get_level_values(level) for level in range(3)), strict=True)
        for (a, b, product), flow, more in zip(keys, table.to_numpy(), extra.to_dict("records"), strict=True):
            # Routes of a pair take from each other: the sums of their bounds hold the bounds of the sum.
            bounds = [short(more["low"]), short(more["high"])] if more["known"] == more["count"] else []
            written = _same([short(value) for value in flow], _EXACT)
            flows = written if isinstance(written, list) else [written]
            out.append(pack([self.place[a], self.place[b], self.number[product], int(more["seen"] > 0), len(bounds),
                             *bounds, *flows]))
        return out

    # -- straits, countries, sources ------------------------------------------------------------------

    def _passing(self) -> dict[str, list[Any]]:
        """Return, per strait, who receives what passes it: country, product, tonnes, share of its intake."""
        _, shipments = self.scenarios[0]
        country = shipments["destination"].map(self.at).map(self.nodes["country"])
        intake = shipments.groupby([country, shipments["product"]])["flow_t"].sum()
        stops = _stops(shipments.assign(to=country), self.net.edges[["source", "target"]])
        kinds = stops["node"].map(self.nodes["kind"])
        stops = stops.loc[(kinds == "passage").to_numpy()]
        out: dict[str, list[Any]] = {}
        for node, rows in stops.groupby("node"):
            if node not in self.place:
                continue
            sums = rows.groupby(["to", "product"])["flow_t"].sum().reset_index()
            sums = sums.sort_values(["flow_t", "to", "product"], ascending=[False, True, True]).head(_DEPENDENTS)
            columns = zip(sums["to"], sums["product"], sums["flow_t"].astype(float), strict=True)
            out[str(self.place[str(node)])] = [
                [to, self.number[product], tonne(flow), round(flow / float(intake[to, product]), 4)]
                for to, product, flow in columns
            ]
        return out

    def _stage_output(self, position: int) -> pd.DataFrame:
        """Return tonnes made per country and stage in one scenario, from what leaves its processes."""
        _, shipments = self.scenarios[position]
        makes = self.processes["role"].isin(["extract", "transform"])
        sent = shipments.loc[shipments["origin"].isin(self.processes.index[makes])]
        country = sent["origin"].map(self.at).map(self.nodes["country"]).fillna("")
        stage = sent["product"].map(self.products["stage"])
        made = pd.DataFrame({"country": country, "stage": stage, "flow_t": sent["flow_t"]})
        return made.pivot_table(index="country", columns="stage", values="flow_t", aggfunc="sum", fill_value=0.0)

    def refining_stage(self) -> str:
        """Return the stage that the country fill shows: refining, else separation, else the last made."""
        stages = list(dict.fromkeys(self.products["stage"]))
        for stage in ("refining", "separation"):
            if stage in stages:
                return stage
        return stages[-1] if stages else ""

    def _countries(self) -> dict[str, list[Any]]:
        """Return per country its name, tonnes by stage today, and refining share per scenario."""
        stage = self.refining_stage()
        tables = [self._stage_output(i) for i in range(len(self.scenarios))]
        shares = []
        for table in tables:
            column = table[stage] if stage in table.columns else pd.Series(dtype=float)
            shares.append(column / column.sum() if len(column) and column.sum() > 0 else column)
        names = self.net.countries["name"]
        used = set().union(*(table.index for table in tables))
        used |= set(self.nodes.loc[list(self.place), "country"].dropna())
        used |= set(self.net.owners["owner"].dropna())
        out = {}
        for code in sorted(used - {""}):
            made = tables[0].loc[code] if code in tables[0].index else pd.Series(dtype=float)
            share = np.array([float(column.get(code, 0.0)) for column in shares])
            out[code] = [
                _text(names.get(code, code)) or code,
                {name: tonne(value) for name, value in made.items() if value > 0},
                _same(share),
            ]
        return out

    def _reference(self, reference: object) -> int | None:
        if not isinstance(reference, str):
            return None
        return self.references.setdefault(reference, len(self.references))

    def _reference_rows(self) -> list[list[str]]:
        table = self.net.references
        columns = ["title", "publisher", "date", "url"]
        return [
            [_text(value) for value in table.loc[name, columns]] if name in table.index else [name, "", "", ""]
            for name in self.references
        ]

    def _reported_share(self) -> float:
        _, shipments = self.scenarios[0]
        total = float(shipments["flow_t"].sum())
        seen = float(shipments.loc[shipments["basis"] == "reported", "flow_t"].sum())
        return round(seen / total, 4) if total > 0 else 0.0

    # -- key figures ----------------------------------------------------------------------------------

    def _scenario(self, position: int) -> dict[str, Any]:
        scenario, _ = self.scenarios[position]
        figures: dict[str, object] = dict(scenario.kpis)
        if scenario.own_figures or not figures:
            figures |= {key: value for key, value in self._figures(position).items() if key not in figures}
        closed = [self.place[node] for node in sorted(scenario.closed) if node in self.place]
        return {
            "name": scenario.name,
            "kpis": [[str(label), _figure(value)] for label, value in figures.items()],
            "closed": closed,
            "restricted": sorted(scenario.restricted),
            "short": self._short(scenario.short),
            "against": scenario.against,
        }

    def _short(self, table: pd.DataFrame | None) -> list[list[Any]]:
        """Return who goes without: node, demand, unmet, lost by the fix."""
        if table is None:
            return []
        columns = table[["demand_t", "unmet_t", "displaced_t"]]
        rows = zip(columns.index, columns.to_numpy().tolist(), strict=True)
        return [[self.place[node], *(tonne(value) for value in values)] for node, values in rows if node in self.place]

    def _figures(self, position: int) -> dict[str, str]:
        """Return what every scenario can tell: tonnes delivered, concentration, distance."""
        _, shipments = self.scenarios[position]
        use = self.processes.index[self.processes["role"] == "use"]
        delivered = float(shipments.loc[shipments["destination"].isin(use), "flow_t"].sum())
        table = self._stage_output(position)
        stage = self.refining_stage()
        made = table[stage] if stage in table.columns else pd.Series(dtype=float)
        out = {"Delivered": f"{spaced(delivered)} t"}
        if made.sum() > 0:
            share = made / made.sum()
            first = str(share.idxmax())
            name = self.net.countries["name"].get(first, first) or "unknown"
            out["Largest refiner"] = f"{name} {100 * share.max():.0f} %"
        routed = shipments.loc[shipments["route"].notna()]
        steps = routed["route"].str.split(schema.LIST_SEPARATOR).explode()
        km = steps.map(self.net.edges["distance_km"]).groupby(level=0).sum()
        weight = float(routed["flow_t"].sum())
        if weight > 0 and "Way per tonne" not in self.scenarios[position][0].kpis:
            out["Way of a tonne"] = f"{spaced(float((routed['flow_t'] * km).sum()) / weight)} km"
        return out


def _unit(table: Table) -> float:
    """Return the unit in which flows on lines are written: a round part of the largest, about one in 50 000."""
    largest = float(table.max(initial=0.0))
    return 10.0 ** (math.floor(math.log10(largest)) - 4) if largest > 0 else 1.0


def _stops(shipments: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Return one row per shipment and node on its way, ends included."""
    routed = shipments.loc[shipments["route"].notna()]
    steps = routed["route"].str.split(schema.LIST_SEPARATOR).explode()
    pairs = ends.reindex(steps.to_numpy())
    touched = pd.DataFrame({
        "row": np.concatenate([steps.index, steps.index]),
        "node": np.concatenate([pairs["source"].to_numpy(object), pairs["target"].to_numpy(object)]),
    }).dropna().drop_duplicates()
    return touched.join(routed, on="row")


def sea_lines(edges: pd.DataFrame, nodes: pd.DataFrame) -> dict[str, Line | None]:
    """Return the way over sea of every edge, or None where the lane network does not know its ends."""
    from supplygraph.world.geometry import Stop, leg_lines

    ends = []
    for side in ("source", "target"):
        place = nodes.loc[edges[side], ["lon", "lat"]].to_numpy(float)
        berths = [None if pd.isna(berth) else int(berth) for berth in edges[f"{side}_berth"]]
        ends.append([Stop(node, berth, lon, lat)
                     for node, berth, (lon, lat) in zip(edges[side], berths, place.tolist(), strict=True)])
    legs = list(zip(*ends, edges["distance_km"].astype(float), strict=True))
    ways = [None if line is None else lanes.integer(line) for line in leg_lines(legs)]
    return {edge: None if way is None or len(way) < 2 else way for edge, way in zip(edges.index, ways, strict=True)}


@lru_cache(maxsize=1)
def world() -> dict[str, Any]:
    """Return the bundled country shapes (unwrapped TopoJSON, 0.20 degree) with nothing but their code."""
    topology = json.loads(facts.path("geo/countries.topojson").read_text(encoding="utf-8"))
    name = next(iter(topology["objects"]))
    arcs = [pack(part for point in arc for part in point) for arc in topology["arcs"]]
    shapes = [
        {"type": shape["type"], "arcs": shape["arcs"], "iso": shape["properties"]["iso3"]}
        for shape in topology["objects"][name]["geometries"]
        if shape.get("arcs") and shape["properties"]["iso3"] != "ATA"
    ]
    return {"transform": topology["transform"], "arcs": arcs, "shapes": shapes}


def tiers(alignment: Alignment) -> dict[str, str]:
    """Return the alignment tier of each country that has one."""
    found = alignment.table["tier"].sort_index().items()
    return {str(code): str(tier) for code, tier in found if tier in theme.TIERS}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def tonne(value: Any, digits: int = 4) -> float | int | None:
    """Round to so many digits that count; None where missing."""
    number = float(value) if value is not None else math.nan
    if not math.isfinite(number):
        return None
    if number == 0:
        return 0
    rounded = round(number, digits - 1 - math.floor(math.log10(abs(number))))
    return int(rounded) if rounded == int(rounded) else rounded


def _limit(value: Any) -> float | int | None:
    return tonne(value)


def _same(values: Any, digits: int = 4) -> Any:
    """Write one value per scenario in the shortest of three ways.

    A number: the same in all. A list as long as there are scenarios: one each. A shorter list: today's value, then
    scenario and value in turn wherever it differs.
    """
    rounded = [tonne(value, digits) for value in values]
    changed = [(i, value) for i, value in enumerate(rounded) if value != rounded[0]]
    if not changed:
        return rounded[0]
    sparse = [rounded[0], *(part for pair in changed for part in pair)]
    return sparse if len(sparse) < len(rounded) else rounded


def _figure(value: object) -> str:
    """Write a key figure for people."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return spaced(float(value))
    return for_people(str(value))


def for_people(text: str) -> str:
    """Give the numbers inside words thin spaces and a true minus sign.

    Examples
    --------
    >>> for_people("-1,200 km of 3,400 km") == "\u22121\u2009200 km of 3\u2009400 km"
    True
    """
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "\u2009", text)
    return re.sub(r"(?<![\w-])-(?=\d)", "\u2212", text)


def spaced(value: float) -> str:
    """Write a number for people: thin spaces between thousands, at most four digits that count."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 100:
        return f"{tonne(value):,.0f}".replace(",", "\u2009").replace("-", "\u2212")
    return f"{value:.3g}".replace("-", "\u2212")
