"""Large invented networks over the real lane network, for sizes and timings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.network.network import SupplyNetwork
from supplygraph.world.lanes import SeaGraph

CLOSURES = ((), ("suez",), ("malacca",), ("panama",), ("hormuz",), ("taiwan",), ("panama", "suez"),
            ("malacca", "sunda"))  # fmt: skip
KINDS = {"mine": ("extract", None, "ore"), "refinery": ("transform", "ore", "metal"), "factory": ("use", "metal", None)}
INF = float("inf")


class Big:
    """Sites near ports; shipments by the shortest way, scenario by scenario.

    Parameters
    ----------
    sites, shipments, ports
        How many there are; straits come on top.
    closures
        Straits closed in each scenario, today first.
    """

    def __init__(self, sites=380, shipments=3000, ports=95, closures=CLOSURES):
        self.random = np.random.default_rng(1)
        self.sites, self.count, self.closures = sites, shipments, closures
        self.sea = SeaGraph()
        table = facts.read("geo/ports.csv").set_index("port")
        self.ports = table.loc[sorted(self.random.choice(table.index, ports, replace=False))]
        self.kind = self.random.choice(list(KINDS), sites, p=[0.45, 0.25, 0.3])
        self.port = self.random.choice(self.ports.index, sites)
        self.edges = {}

    def nodes(self):
        away = self.random.normal(0, 2, (self.sites, 2))
        near = self.ports.loc[self.port]
        lon, lat = np.clip(near["lon"] + away[:, 0], -179, 179), np.clip(near["lat"] + away[:, 1], -80, 80)
        rows = [(f"s{i}", f"{self.kind[i].title()} number {i}", self.kind[i], near["country"].iloc[i], lon.iloc[i],
                 lat.iloc[i]) for i in range(self.sites)]
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
        rows, ways = [], {}
        for number, (a, b, product, flow) in enumerate(pairs):
            first, last = (f"port-{self.port[i]}" for i in (a, b))
            if (first, last) not in ways:
                ways[first, last] = self.sea.chain(first, last, closed) if first != last else []
            sea = ways[first, last]
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
        """Return the network and its scenarios."""
        at = {kind: np.flatnonzero(self.kind == kind) for kind in KINDS}
        ends = [("mine", "refinery", "ore"), ("refinery", "factory", "metal")]
        pairs = [(self.random.choice(at[a]), self.random.choice(at[b]), product, float(self.random.lognormal(6, 1.2)))
                 for a, b, product in (ends[i % 2] for i in range(self.count))]
        tables = [self.shipments(closed, pairs) for closed in self.closures]
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
                 for closed, table in zip(self.closures[1:], tables[1:], strict=True)]
        return net, given


#: 500 nodes, 3 000 shipments, 8 scenarios; and ten times the nodes, seventeen times the shipments.
SMALL = {}
LARGE = {"sites": 4700, "shipments": 50_000, "ports": 300, "closures": CLOSURES[:2]}
