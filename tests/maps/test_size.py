"""500 nodes, 3 000 shipments over the real lane network, 8 scenarios: one small file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from supplygraph import facts
from supplygraph.maps import map_network
from supplygraph.network.network import SupplyNetwork
from supplygraph.world.lanes import SeaGraph

SITES, SHIPMENTS = 380, 3000
CLOSURES = [(), ("suez",), ("malacca",), ("panama",), ("hormuz",), ("taiwan",), ("panama", "suez"),
            ("malacca", "sunda")]
KINDS = {"mine": ("extract", None, "ore"), "refinery": ("transform", "ore", "metal"), "factory": ("use", "metal", None)}
INF = float("inf")


class Big:
    """Sites near a hundred ports; shipments by the shortest way, scenario by scenario."""

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.sea = SeaGraph()
        table = facts.read("geo/ports.csv").set_index("port")
        self.ports = table.loc[sorted(self.random.choice(table.index, 95, replace=False))]
        self.kind = self.random.choice(list(KINDS), SITES, p=[0.45, 0.25, 0.3])
        self.port = self.random.choice(self.ports.index, SITES)
        self.edges = {}

    def nodes(self):
        away = self.random.normal(0, 2, (SITES, 2))
        near = self.ports.loc[self.port]
        lon, lat = np.clip(near["lon"] + away[:, 0], -179, 179), np.clip(near["lat"] + away[:, 1], -80, 80)
        rows = [(f"s{i}", f"{self.kind[i].title()} number {i}", self.kind[i], near["country"].iloc[i], lon.iloc[i],
                 lat.iloc[i]) for i in range(SITES)]
        rows += [(f"port-{p}", r["name"], "port", r["country"], r["lon"], r["lat"]) for p, r in self.ports.iterrows()]
        straits = facts.read("geo/passages.csv")
        rows += [(f"passage-{strait}", name, "passage", None, lon, lat)
                 for strait, name, lon, lat in straits[["passage", "name", "lon", "lat"]].itertuples(index=False)]
        frame = pd.DataFrame(rows, columns=["node", "name", "kind", "country", "lon", "lat"])
        return frame.assign(throughput_t=INF, status="operating", reference="src", confidence="medium")

    def edge(self, source, target, product, mode, a=-1, b=-1, km=100.0):
        key = f"{source}.{a}>{target}.{b}:{product}"
        self.edges[key] = (key, source, target, product, mode, None if a < 0 else a, None if b < 0 else b, km)
        return key

    def shipments(self, closed, pairs):
        rows = []
        for number, (a, b, product, flow) in enumerate(pairs):
            first, last = (f"port-{self.port[i]}" for i in (a, b))
            sea = self.sea.chain(first, last, closed) if first != last else []
            if first != last and not sea:
                continue
            route = [self.edge(f"s{a}", first, product, "road")]
            route += [self.edge(leg.source, leg.target, product, "sea", leg.source_berth, leg.target_berth, leg.km)
                      for leg in sea]
            route.append(self.edge(last, f"s{b}", product, "road"))
            rows.append((f"x{number}", f"p{a}", f"p{b}", product, ";".join(route), flow, 0.6 * flow, 1.5 * flow))
        columns = ["shipment", "origin", "destination", "product", "route", "flow_t", "flow_low_t", "flow_high_t"]
        return pd.DataFrame(rows, columns=columns).assign(basis="estimated", reference="src")

    def build(self):
        at = {kind: np.flatnonzero(self.kind == kind) for kind in KINDS}
        ends = [("mine", "refinery", "ore"), ("refinery", "factory", "metal")]
        pairs = [(self.random.choice(at[a]), self.random.choice(at[b]), product, float(self.random.lognormal(6, 1.2)))
                 for a, b, product in (ends[i % 2] for i in range(SHIPMENTS))]
        tables = [self.shipments(closed, pairs) for closed in CLOSURES]
        nodes = self.nodes()
        processes = pd.DataFrame(
            [(f"p{i}", f"s{i}", *KINDS[kind]) for i, kind in enumerate(self.kind)],
            columns=["process", "node", "role", "input", "output"],
        ).assign(mineral="toyium", operator="A company", capacity_t=1e6, recovery=1.0, activity_t=1000.0,
                 activity_low_t=800.0, activity_high_t=1200.0, year=2025, reference="src", confidence="estimated")
        edges = pd.DataFrame(list(self.edges.values()), columns=["edge", "source", "target", "product", "mode",
                                                                 "source_berth", "target_berth", "distance_km"])
        edges = edges.astype({"source_berth": "Int64", "target_berth": "Int64"}).assign(
            days=1.0, cost_usd_t=1.0, capacity_t=INF, reference="src")
        products = pd.DataFrame({"product": ["ore", "metal"], "mineral": "toyium", "stage": ["mining", "refining"],
                                 "order": [0, 1], "price_usd_t": 1.0, "gross_t_per_t": 1.0, "reference": "src"})
        countries = facts.read("facts/countries.csv")
        countries = countries.loc[countries["country"].isin(nodes["country"]), ["country", "name"]]
        source = pd.DataFrame({"reference": ["src"], "title": ["A yearbook"]})
        net = SupplyNetwork(nodes=nodes, processes=processes, edges=edges, products=products, references=source,
                            countries=countries.assign(reference="src"), shipments=tables[0])
        given = [{"name": f"{' and '.join(closed)} closed", "shipments": table,
                  "closed": [f"passage-{name}" for name in closed]}
                 for closed, table in zip(CLOSURES[1:], tables[1:], strict=True)]
        return net, given


@pytest.mark.slow
def test_a_large_network_stays_a_small_file(tmp_path, opened):
    net, scenarios = Big().build()
    target = map_network(net, scenarios=scenarios).save_html(tmp_path / "map.html")
    assert len(net.nodes) >= 500
    assert target.stat().st_size <= 600_000
    with opened(target) as (view, seen):
        assert view.inner_text("h1").startswith("Toyium")
        assert view.evaluate("() => document.getElementById('map').supplyMap.data.lanes.length") > 1000
        assert seen.nothing, seen
