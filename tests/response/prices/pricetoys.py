"""Networks for tests of prices: a few countries, one ore and one metal, numbers small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from supplygraph.network import schema
from supplygraph.network.network import SupplyNetwork

INF = float("inf")


def _frame(table, rows):
    frame = pd.DataFrame(rows).reindex(columns=schema.TABLES[table].names)
    return frame.astype({column.name: float for column in schema.TABLES[table].columns if column.kind == "number"})


def trading(made, used, sent, *, price=1000.0, freight=50.0, capacity=2.0, ore=None):
    """Return a network of one metal: ``made`` and ``used`` in t by country, ``sent`` {(from, to): t}.

    Mines make the metal at once; with ``ore`` (a price) plants make it of ore that is mined beside them.
    """
    metal, rock = "metal", "ore"
    nodes, processes, edges, shipments = [], [], [], []
    for place, country in enumerate(sorted({*made, *used})):
        nodes.extend(
            {"node": f"{kind}-{country}".lower(), "name": f"{kind} {country}", "kind": kind, "country": country,
             "lon": 10.0 * place, "lat": 10.0, "throughput_t": INF, "status": "operating", "confidence": "high",
             "reference": "toy"}
            for kind in ("mine", "factory")
        )  # fmt: skip
    common = {"mineral": "toy", "year": 2024, "confidence": "medium", "reference": "toy"}
    for country, tonnes in made.items():
        mine = f"mine-{country}".lower()
        if ore is not None:
            processes.append({"process": f"dig-{country}".lower(), "node": mine, "role": "extract", "output": rock,
                              "capacity_t": capacity * tonnes, "activity_t": tonnes} | common)  # fmt: skip
            shipments.append({"shipment": f"rock-{country}".lower(), "origin": f"dig-{country}".lower(),
                              "destination": f"make-{country}".lower(), "product": rock, "flow_t": tonnes,
                              "route": None, "basis": "estimated", "reference": "toy"})  # fmt: skip
        processes.append({"process": f"make-{country}".lower(), "node": mine,
                          "role": "extract" if ore is None else "transform", "input": None if ore is None else rock,
                          "recovery": None if ore is None else 1.0, "output": metal,
                          "capacity_t": capacity * tonnes, "activity_t": tonnes} | common)  # fmt: skip
    for country, tonnes in used.items():
        processes.append({"process": f"use-{country}".lower(), "node": f"factory-{country}".lower(), "role": "use",
                          "input": metal, "capacity_t": tonnes, "activity_t": tonnes} | common)  # fmt: skip
    for one in sorted(made):
        for other in sorted(used):
            far = 0.0 if one == other else freight
            edges.append({"edge": f"{one}-{other}".lower(), "source": f"mine-{one}".lower(),
                          "target": f"factory-{other}".lower(), "product": metal, "mode": "sea", "distance_km": far,
                          "days": 1.0, "cost_usd_t": far, "capacity_t": INF, "reference": "toy"})  # fmt: skip
    for (one, other), tonnes in sent.items():
        shipments.append({"shipment": f"s-{one}-{other}".lower(), "origin": f"make-{one}".lower(),
                          "destination": f"use-{other}".lower(), "product": metal, "flow_t": tonnes,
                          "route": f"{one}-{other}".lower(), "basis": "estimated", "reference": "toy"})  # fmt: skip
    products = [{"product": metal, "mineral": "toy", "stage": "refining", "order": 1, "price_usd_t": price,
                 "gross_t_per_t": 1.0, "reference": "toy"}]  # fmt: skip
    if ore is not None:
        products.append({"product": rock, "mineral": "toy", "stage": "mining", "order": 0, "price_usd_t": ore,
                         "gross_t_per_t": 1.0, "reference": "toy"})  # fmt: skip
    countries = [{"country": code, "name": code, "region": "Asia", "wgi": 0.0, "reference": "toy"}
                 for code in sorted({*made, *used})]  # fmt: skip
    reference = [{"reference": "toy", "title": "Invented for tests", "publisher": "supplygraph", "date": "2025"}]
    given = {"nodes": nodes, "processes": processes, "edges": edges, "shipments": shipments, "products": products,
             "countries": countries, "references": reference}  # fmt: skip
    return SupplyNetwork(**{name: _frame(name, rows) for name, rows in given.items()})


def two(**options):
    """China makes 80 t and sells 20 of it to Japan, which makes 30 and uses 50."""
    sent = {("CHN", "CHN"): 60.0, ("CHN", "JPN"): 20.0, ("JPN", "JPN"): 30.0}
    return trading({"CHN": 80.0, "JPN": 30.0}, {"CHN": 60.0, "JPN": 50.0}, sent, **options)


def three(**options):
    """As two, and Korea makes 10, uses 12, buys 4 from China and sells 2 to Japan."""
    sent = {("CHN", "CHN"): 60.0, ("CHN", "JPN"): 20.0, ("JPN", "JPN"): 28.0, ("CHN", "KOR"): 4.0,
            ("KOR", "KOR"): 8.0, ("KOR", "JPN"): 2.0}  # fmt: skip
    return trading({"CHN": 84.0, "JPN": 28.0, "KOR": 10.0}, {"CHN": 60.0, "JPN": 50.0, "KOR": 12.0}, sent, **options)


def drawn(seed):
    """Return a random network of four countries in which everybody may trade with everybody."""
    rng = np.random.default_rng(seed)
    codes = ["CHN", "DEU", "JPN", "USA"]
    makers = sorted(rng.choice(codes, size=int(rng.integers(2, 5)), replace=False))
    users = sorted(rng.choice(codes, size=int(rng.integers(2, 5)), replace=False))
    sent = {(str(one), str(other)): float(rng.integers(1, 60)) for one in makers for other in users
            if rng.random() < 0.7}  # fmt: skip
    sent = sent or {(str(makers[0]), str(users[0])): 10.0}
    made, used = {}, {}
    for (one, other), tonnes in sent.items():
        made[one] = made.get(one, 0.0) + tonnes
        used[other] = used.get(other, 0.0) + tonnes
    return trading(made, used, sent, price=float(rng.integers(500, 5000)), freight=float(rng.integers(0, 120)),
                   ore=None if rng.random() < 0.5 else float(rng.integers(100, 400)))  # fmt: skip
