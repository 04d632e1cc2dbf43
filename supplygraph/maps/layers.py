"""From a network and its scenarios to the compact data that the page draws.

Rows are lists in a fixed order (the reading side is ``assets/data.js``); tonnes keep four digits; a value
that is the same in every scenario is written once, and so is a word that many rows share (``words``).
"""

from __future__ import annotations

import itertools
import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import UnknownNameError
from supplygraph.maps import theme
from supplygraph.maps.carried import Flows, links, write_states
from supplygraph.maps.pack import Words, Writer, pack, same, short, tonne
from supplygraph.network import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from supplygraph.maps.scenarios import Scenario
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment

_SITES = ("mine", "refinery", "factory")
_STOPS = ("port", "passage")
_DEPENDENTS = 8


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
        self.link_sources: list[int] = []
        self.words = Words()

    def build(self) -> dict[str, Any]:
        """Return the data of the page."""
        flows = Flows.of(self.net, [shipments for _, shipments in self.scenarios], self.number)
        tonnes = self._tonnes()
        kept = self._kept(tonnes)
        self.place = {node: i for i, node in enumerate(kept)}
        chains, dotted = flows.sea(self.nodes)
        sent = [frame.assign(a=frame["origin"].map(self.at), b=frame["destination"].map(self.at))
                for _, frame in self.scenarios]
        pairs, sources = links(sent, self.place, self.number)
        self.link_sources = [0 if number is None else number + 1 for number in map(self._reference, sources)]
        return {
            "unit": flows.unit,
            "products": [[p, r.stage, _text(r.mineral)] for p, r in self.products.iterrows()],
            "scenarios": [self._scenario(i) for i in range(len(self.scenarios))],
            "nodes": [self._node(node, tonnes) for node in kept],
            "processes": self._process_rows(),
            "owners": self._owner_rows(),
            "links": pairs,
            "linked": len(sources),
            "link_sources": pack(_runs(self.link_sources)),
            "chains": chains,
            "dotted": dotted,
            "legs": flows.legs(self.place, self.words),
            "straits": self._passing(),
            "countries": self._countries(),
            "references": self._reference_rows(),
            "words": self.words.texts,
            "reported": self._reported_share(),
        }

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
            self.words.number(row["country"]),
            round(float(str(row["lon"])), 3),
            round(float(str(row["lat"])), 3),
            self.words.number(row["status"]),
            _states(tonnes.loc[node].to_numpy()),
            tonne(row["throughput_t"]),
            self.words.number(row["confidence"]),
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
                *(self.words.number(record[name]) for name in ("role", "input", "output", "operator")),
                tonne(record["capacity_t"]),
                tonne(record["activity_t"]),
                tonne(record["activity_low_t"]),
                tonne(record["activity_high_t"]),
                None if pd.isna(record["year"]) else int(record["year"]),
                self._reference(record["reference"]),
                self.words.number(record["confidence"]),
            ])
        return rows

    def _owner_rows(self) -> list[Any]:
        owners = self.net.owners.reset_index()
        rows = owners.loc[owners["node"].isin(self.place)].sort_values(["node", "share"], ascending=[True, False])
        columns = zip(rows["node"], rows["owner"], rows["share"].astype(float), strict=True)
        sources = [self._reference(reference) for reference in rows["reference"]]
        return [[self.place[node], owner, round(share, 3), source]
                for (node, owner, share), source in zip(columns, sources, strict=True)]

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
                same(share),
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
            **({"date": scenario.date} if scenario.date else {}),
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


def _runs(numbers: Sequence[int]) -> list[int]:
    """Write equal numbers in a row once: number, how many, next number, ..."""
    return [part for number, run in itertools.groupby(numbers) for part in (number, len(list(run)))]


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


#: Degrees to which coasts are written: an eighth of what they are simplified to.
_GRAIN = 0.025


@lru_cache(maxsize=1)
def world() -> dict[str, Any]:
    """Return the bundled country shapes (unwrapped TopoJSON, 0.20 degree) with nothing but their code."""
    topology = json.loads(facts.path("geo/countries.topojson").read_text(encoding="utf-8"))
    name = next(iter(topology["objects"]))
    shapes = [
        {"type": shape["type"], "arcs": shape["arcs"], "iso": shape["properties"]["iso3"]}
        for shape in topology["objects"][name]["geometries"]
        if shape.get("arcs") and shape["properties"]["iso3"] != "ATA"
    ]
    transform = {"scale": [_GRAIN, _GRAIN], "translate": [0, 0]}
    return {"transform": transform, "arcs": [_arc(arc, topology["transform"]) for arc in topology["arcs"]],
            "shapes": shapes}


def _arc(steps: list[list[int]], transform: dict[str, list[float]]) -> str:
    """Write a line of steps on a coarser grid, without points that fall together; the ends stay."""
    points = np.cumsum(np.array(steps), axis=0) * transform["scale"] + transform["translate"]
    coarse = np.round(points / _GRAIN).astype(np.int64)
    apart = np.r_[True, (np.diff(coarse, axis=0) != 0).any(axis=1)]
    apart[-1] = True
    return pack(np.diff(coarse[apart], axis=0, prepend=[[0, 0]]).ravel().tolist())


def tiers(alignment: Alignment) -> dict[str, str]:
    """Return the alignment tier of each country that has one."""
    found = alignment.table["tier"].sort_index().items()
    return {str(code): str(tier) for code, tier in found if tier in theme.TIERS}


def _states(values: Any) -> Any:
    """Write tonnes by scenario: a number where they are the same in all, else packed."""
    written = [short(float(value), 4) for value in values]
    if len(set(written)) == 1:
        return tonne(values[0])
    writer = Writer()
    write_states(writer, written)
    return writer.text()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


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
