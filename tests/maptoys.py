"""A small invented network: two mines, two refineries, two factories, over three straits."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from supplygraph.network.network import SupplyNetwork

SITES = [
    # node, name, kind, country, lon, lat, status
    ("mine-a", "Upper Mine", "mine", "COD", 26.0, -10.7, "operating"),
    ("mine-b", "Lower Mine", "mine", "IDN", 121.9, -2.8, "operating"),
    ("ref-a", "Eastern Refinery", "refinery", "CHN", 119.9, 30.6, "operating"),
    ("ref-b", "Northern Refinery", "refinery", "FIN", 23.1, 63.8, "operating"),
    ("other-refining-kor", "Other Korea", "refinery", "KOR", 127.8, 36.4, "residual"),
    ("fac-a", "Island Factory", "factory", "JPN", 135.5, 34.7, "operating"),
    ("fac-b", "River Factory", "factory", "DEU", 9.2, 48.8, "operating"),
    ("TZDAR", "Dar es Salaam", "port", "TZA", 39.3, -6.8, "operating"),
    ("CNNGB", "Ningbo", "port", "CHN", 121.6, 29.9, "operating"),
    ("FIKOK", "Kokkola", "port", "FIN", 23.0, 63.9, "operating"),
    ("JPOSA", "Osaka", "port", "JPN", 135.4, 34.6, "operating"),
    ("DEHAM", "Hamburg", "port", "DEU", 9.9, 53.5, "operating"),
    ("malacca", "Strait of Malacca", "passage", None, 101.0, 2.6, "operating"),
    ("suez", "Suez Canal", "passage", None, 32.4, 30.6, "operating"),
    ("good_hope", "Cape of Good Hope", "passage", None, 18.5, -35.5, "operating"),
]
COUNTRIES = {"COD": "DR Congo", "IDN": "Indonesia", "CHN": "China", "FIN": "Finland", "KOR": "South Korea",
             "JPN": "Japan", "DEU": "Germany", "TZA": "Tanzania"}
INF = float("inf")


def tables(**changes):
    """Return the tables; ``changes`` renames: names={node: name}, countries={code: name}, products={id: id}."""
    names = changes.get("names", {})
    ore, metal = changes.get("products", ("ore", "metal"))
    nodes = pd.DataFrame(
        [(n, names.get(n, name), kind, c, lon, lat, INF, status, "src", "medium")
         for n, name, kind, c, lon, lat, status in SITES],
        columns=["node", "name", "kind", "country", "lon", "lat", "throughput_t", "status", "reference", "confidence"],
    )
    products = pd.DataFrame({"product": [ore, metal], "mineral": "toyium", "stage": ["mining", "refining"],
                             "order": [0, 1], "price_usd_t": 1.0, "gross_t_per_t": 1.0, "reference": "src"})
    processes = pd.DataFrame(
        [("p-mine-a", "mine-a", "extract", None, ore, 900), ("p-mine-b", "mine-b", "extract", None, ore, 300),
         ("p-ref-a", "ref-a", "transform", ore, metal, 800), ("p-ref-b", "ref-b", "transform", ore, metal, 250),
         ("p-ref-o", "other-refining-kor", "transform", ore, metal, 150),
         ("p-fac-a", "fac-a", "use", metal, None, 700), ("p-fac-b", "fac-b", "use", metal, None, 500)],
        columns=["process", "node", "role", "input", "output", "activity_t"],
    ).assign(mineral="toyium", operator=changes.get("operator", "Toy Co"), capacity_t=1000.0, recovery=1.0, year=2025,
             activity_low_t=lambda f: f["activity_t"] * 0.8, activity_high_t=lambda f: f["activity_t"] * 1.2,
             reference="src", confidence="estimated")
    legs = [("mine-a", "TZDAR", ore, "rail"), ("TZDAR", "malacca", ore, "sea"), ("malacca", "CNNGB", ore, "sea"),
            ("mine-b", "CNNGB", ore, "sea"), ("CNNGB", "ref-a", ore, "road"), ("TZDAR", "suez", ore, "sea"),
            ("suez", "FIKOK", ore, "sea"), ("FIKOK", "ref-b", ore, "road"), ("TZDAR", "good_hope", ore, "sea"),
            ("good_hope", "FIKOK", ore, "sea"), ("mine-b", "other-refining-kor", ore, "sea"),
            ("ref-a", "CNNGB", metal, "road"), ("CNNGB", "JPOSA", metal, "sea"), ("JPOSA", "fac-a", metal, "road"),
            ("CNNGB", "malacca", metal, "sea"), ("malacca", "suez", metal, "sea"), ("suez", "DEHAM", metal, "sea"),
            ("malacca", "good_hope", metal, "sea"), ("good_hope", "DEHAM", metal, "sea"),
            ("DEHAM", "fac-b", metal, "road"),
            ("ref-b", "FIKOK", metal, "road"), ("FIKOK", "DEHAM", metal, "sea"),
            ("other-refining-kor", "JPOSA", metal, "sea")]
    edges = pd.DataFrame([(f"{a}>{b}:{'om'[p == metal]}", a, b, p, m) for a, b, p, m in legs],
                         columns=["edge", "source", "target", "product", "mode"])
    edges = edges.assign(source_berth=pd.NA, target_berth=pd.NA, distance_km=1000.0, days=3.0, cost_usd_t=20.0,
                         capacity_t=INF, reference="src")
    return {"nodes": nodes, "products": products, "processes": processes, "edges": edges,
            "shipments": shipments(ore, metal),
            "owners": pd.DataFrame({"node": ["mine-a"], "owner": ["CHN"], "share": [0.7], "reference": ["src"]}),
            "countries": pd.DataFrame([(c, changes.get("countries", {}).get(c, n)) for c, n in COUNTRIES.items()],
                                      columns=["country", "name"]).assign(reference="src"),
            "references": pd.DataFrame({"reference": ["src"], "title": [changes.get("source", "A yearbook")],
                                        "publisher": ["A survey"], "date": ["2026"], "url": [None], "licence": [None]})}


def route(*stops, product="o"):
    return ";".join(f"{a}>{b}:{product}" for a, b in pairwise(stops))


def shipments(ore="ore", metal="metal", *, suez=True):
    """Today's shipments, or those with the canal closed."""
    north = "suez" if suez else "good_hope"
    rows = [
        ("p-mine-a", "p-ref-a", ore, route("mine-a", "TZDAR", "malacca", "CNNGB", "ref-a"), 650),
        ("p-mine-a", "p-ref-b", ore, route("mine-a", "TZDAR", north, "FIKOK", "ref-b"), 250 if suez else 200),
        ("p-mine-b", "p-ref-a", ore, route("mine-b", "CNNGB", "ref-a"), 150),
        ("p-mine-b", "p-ref-o", ore, route("mine-b", "other-refining-kor"), 150),
        ("p-ref-a", "p-fac-a", metal, route("ref-a", "CNNGB", "JPOSA", "fac-a", product="m"), 550),
        ("p-ref-a", "p-fac-b", metal, route("ref-a", "CNNGB", "malacca", north, "DEHAM", "fac-b", product="m"),
         250 if suez else 230),
        ("p-ref-b", "p-fac-b", metal, route("ref-b", "FIKOK", "DEHAM", "fac-b", product="m"), 250 if suez else 200),
        ("p-ref-o", "p-fac-a", metal, route("other-refining-kor", "JPOSA", "fac-a", product="m"), 150),
    ]
    frame = pd.DataFrame(rows, columns=["origin", "destination", "product", "route", "flow_t"])
    return frame.assign(shipment=[f"s{i}" for i in range(len(frame))], flow_low_t=frame["flow_t"] * 0.7,
                        flow_high_t=frame["flow_t"] * 1.4, basis=["reported"] + ["estimated"] * (len(frame) - 1),
                        reference="src")


def network(**changes):
    return SupplyNetwork(**tables(**changes))
