"""Networks with traders: a small one by hand, and any random chain with warehouses put between plants and users."""

import numpy as np
import pandas as pd

from supplygraph.network.network import SupplyNetwork

_TABLES = ("nodes", "owners", "processes", "edges", "shipments", "products", "countries", "references")


def tables_of(net):
    """The constructor's arguments, flat and to be edited."""
    return {name: getattr(net, name).reset_index(drop=name == "owners") for name in _TABLES}


def resale(*, second=False):
    """A (CHN) refines 10 t, B (BEL) buys and sells them, C (DEU) uses them.

    With a second refiner, D (FIN) makes another 10 t for B, which sells as much to E (JPN).
    """
    country = {"a": "CHN", "b": "BEL", "c": "DEU", "d": "FIN", "e": "JPN", "m": "COD"}
    kind = {"a": "refinery", "b": "port", "c": "factory", "d": "refinery", "e": "factory", "m": "mine"}
    total = 20.0 if second else 10.0
    flows = [("dig", "make-a", "ore", 10.0), ("make-a", "resell", "metal", 10.0), ("resell", "use-c", "metal", 10.0)]
    if second:
        flows += [("dig", "make-d", "ore", 10.0), ("make-d", "resell", "metal", 10.0),
                  ("resell", "use-e", "metal", 10.0)]  # fmt: skip
    rows = [("dig", "m", "extract", None, "ore", total), ("make-a", "a", "transform", "ore", "metal", 10.0),
            ("make-d", "d", "transform", "ore", "metal", 10.0), ("resell", "b", "trade", "metal", "metal", total),
            ("use-c", "c", "use", "metal", None, 10.0), ("use-e", "e", "use", "metal", None, 10.0)]  # fmt: skip
    if not second:
        rows = [row for row in rows if row[1] not in {"d", "e"}]
    processes = pd.DataFrame(rows, columns=["process", "node", "role", "input", "output", "activity_t"])
    at = processes.set_index("process")["node"]
    processes = processes.assign(mineral="toy", capacity_t=processes["activity_t"])
    shipments = pd.DataFrame(flows, columns=["origin", "destination", "product", "flow_t"])
    source, target = shipments["origin"].map(at), shipments["destination"].map(at)
    edges = pd.DataFrame({"edge": source + "-" + target, "source": source, "target": target,
                          "product": shipments["product"], "mode": "rail", "capacity_t": np.inf,
                          "distance_km": 100.0, "days": 1.0, "cost_usd_t": 10.0})  # fmt: skip
    shipments = shipments.assign(shipment=edges["edge"], route=edges["edge"], basis="reported")
    nodes = pd.DataFrame([(n, n.upper(), kind[n], country[n], 1.0 * i, 1.0, np.inf)
                          for i, n in enumerate(sorted(set(at)))],
                         columns=["node", "name", "kind", "country", "lon", "lat", "throughput_t"])  # fmt: skip
    products = pd.DataFrame({"product": ["ore", "metal"], "mineral": "toy", "stage": ["mining", "refining"],
                             "order": [0, 1]})  # fmt: skip
    return SupplyNetwork(nodes=nodes, processes=processes, edges=edges, shipments=shipments, products=products,
                         references=pd.DataFrame({"reference": ["toy"], "title": ["Made up"]}))  # fmt: skip


def with_traders(net, seed, product, *, swap=True):
    """Send about half of a product's shipments through two traders, who also sell to each other."""
    rng = np.random.default_rng(seed)
    tables = tables_of(net)
    sent = tables["shipments"]
    moved = sent[(sent["product"] == product) & (rng.random(len(sent)) < 0.5)]
    trader = rng.integers(0, 2, len(moved))
    lots = []
    for row, number in zip(moved.itertuples(), trader, strict=True):
        lots += [(row.origin, f"trade{number}", row.flow_t), (f"trade{number}", row.destination, row.flow_t)]
    if swap and len(moved):
        lots += [("trade0", "trade1", 5.0), ("trade1", "trade0", 5.0)]
    lots = pd.DataFrame(lots, columns=["origin", "destination", "flow_t"])
    lots = lots.groupby(["origin", "destination"], as_index=False)["flow_t"].sum()
    passed = lots.groupby("destination")["flow_t"].sum()
    traders = [name for name in ("trade0", "trade1") if name in passed.index]
    mineral = tables["products"].set_index("product")["mineral"][product]
    rows = pd.DataFrame({"process": traders, "node": [f"w{name[-1]}" for name in traders], "mineral": mineral,
                         "role": "trade", "input": product, "output": product,
                         "capacity_t": [2 * passed[name] for name in traders],
                         "activity_t": [passed[name] for name in traders]})  # fmt: skip
    tables["processes"] = pd.concat([tables["processes"], rows])
    places = pd.DataFrame({"node": ["w0", "w1"], "name": ["Warehouse 0", "Warehouse 1"], "kind": "port",
                           "country": ["BEL", "NLD"], "lon": [4.0, 5.0], "lat": 51.0,
                           "throughput_t": np.inf})  # fmt: skip
    tables["nodes"] = pd.concat([tables["nodes"], places])
    at = tables["processes"].set_index("process")["node"]
    source, target = lots["origin"].map(at), lots["destination"].map(at)
    name = "via-" + lots["origin"] + "-" + lots["destination"]
    tables["edges"] = pd.concat([tables["edges"], pd.DataFrame({
        "edge": name, "source": source, "target": target, "product": product, "mode": "rail", "capacity_t": np.inf,
        "distance_km": 100.0, "days": 1.0, "cost_usd_t": 10.0})])  # fmt: skip
    tables["shipments"] = pd.concat([sent.drop(moved.index), lots.assign(
        shipment=name, product=product, route=name, basis="estimated")])  # fmt: skip
    return SupplyNetwork(**tables)
