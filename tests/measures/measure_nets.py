"""Small random networks with exactly balanced flows, and a walker that enumerates every path."""

import itertools

import numpy as np
import pandas as pd

from supplygraph.network.network import SupplyNetwork

COUNTRIES = ("CHN", "FIN", "JPN", "AUS", "CHL")


def _processes(rng, *, sizes, integrated, stock, rerefine):
    """(process, node, role, input, output, recovery) for a chain ore > matte > metal > use."""
    mines, smelters, refiners, users = sizes
    rows = [(f"mine{i}", f"m{i}", "extract", None, "ore") for i in range(mines)]
    rows += [(f"smelt{i}", f"m{i}" if integrated and i == 0 else f"s{i}", "transform", "ore", "matte")
             for i in range(smelters)]
    rows += [(f"refine{i}", f"r{i}", "transform", "matte", "metal") for i in range(refiners)]
    rows += [(f"crush{i}", f"r{i}", "transform", "metal", "powder") for i in range(rerefine)]
    rows += [(f"again{i}", f"r{(i + 1) % refiners}", "transform", "powder", "metal") for i in range(rerefine)]
    rows += [(f"use{i}", f"f{i}", "use", "metal", None) for i in range(users)]
    if stock:
        rows += [("build", "f0", "stock", "metal", None), ("release", "f1", "stock", None, "metal")]
    frame = pd.DataFrame(rows, columns=["process", "node", "role", "input", "output"])
    frame["recovery"] = np.where(frame["role"] == "transform", rng.uniform(0.3, 1.0, len(frame)), np.nan)
    return frame


def _flows(rng, processes):
    """Random splits of every output; solving for the throughputs balances loops as well."""
    size = len(processes)
    split = np.zeros((size, size))
    for i, row in processes.iterrows():
        if pd.isna(row["output"]):
            continue
        takers = np.flatnonzero((processes["input"] == row["output"]).to_numpy() & (np.arange(size) != i))
        chosen = rng.permutation(takers)[: rng.integers(1, len(takers) + 1)]
        if row["output"] == "metal":  # something must leave the loop metal > powder > metal
            chosen = np.union1d(chosen, [j for j in takers if processes["role"][j] == "use"][:1])
        split[i, chosen] = rng.dirichlet(np.ones(len(chosen)))
    recovery = processes["recovery"].fillna(1.0).to_numpy()
    given = np.where(processes["input"].isna(), rng.uniform(1, 100, size), 0.0)
    intake = np.linalg.solve(np.eye(size) - (split * recovery[:, None]).T, split.T @ given)
    return split * (given + recovery * intake)[:, None], np.where(processes["input"].isna(), given, 0.0) + np.where(
        processes["output"].isna(), intake, recovery * intake * processes["input"].notna())


def _geography(rng, processes, flows, ports):
    edges, shipments = {}, []
    for i, j in zip(*np.nonzero(flows), strict=True):
        a, b = processes["node"][i], processes["node"][j]
        product = processes["output"][i]
        route = []
        if a != b:
            stops = [a, *rng.permutation(ports)[: rng.integers(0, len(ports) + 1)], b]
            for source, target in itertools.pairwise(stops):
                name = f"{source}-{target}-{product}"
                edges[name] = (name, source, target, product, "sea", float(rng.uniform(10, 1000)))
                route.append(name)
        shipments.append((f"{processes['process'][i]}-{processes['process'][j]}", processes["process"][i],
                          processes["process"][j], product, ";".join(route) or None, flows[i, j], "estimated"))
    return (
        pd.DataFrame(list(edges.values()), columns=["edge", "source", "target", "product", "mode", "distance_km"]),
        pd.DataFrame(shipments, columns=["shipment", "origin", "destination", "product", "route", "flow_t", "basis"]),
    )


def random_chain(seed, *, sizes=(4, 3, 5, 4), integrated=False, stock=False, rerefine=0, unknown=False):
    """A random network; every tonne of its demand crosses one mine, one smelter and >= 1 refinery."""
    rng = np.random.default_rng(seed)
    processes = _processes(rng, sizes=sizes, integrated=integrated, stock=stock, rerefine=rerefine)
    flows, activity = _flows(rng, processes)
    ports = ["p0", "p1", "p2"]
    edges, shipments = _geography(rng, processes, flows, ports)
    edges = edges.assign(capacity_t=np.inf, days=edges["distance_km"] / 500, cost_usd_t=edges["distance_km"] / 100)
    kinds = {"m": "mine", "s": "refinery", "r": "refinery", "f": "factory", "p": "port"}
    ids = sorted({*processes["node"], *ports})
    nodes = pd.DataFrame({
        "node": ids, "name": [f"Site {name}" for name in ids], "kind": [kinds[name[0]] for name in ids],
        "country": rng.choice(COUNTRIES, len(ids)), "lon": rng.uniform(-10, 10, len(ids)),
        "lat": rng.uniform(-10, 10, len(ids)), "throughput_t": np.inf, "status": "operating",
    })
    if unknown:
        nodes.loc[nodes["node"] == "r0", ["country", "status"]] = [None, "residual"]
    owners = pd.DataFrame(
        [(name, owner, share) for name in ids if name[0] in "mr"
         for owner, share in zip(rng.choice(COUNTRIES, 2, replace=False), (0.5, 0.3), strict=True)],
        columns=["node", "owner", "share"])
    products = pd.DataFrame({"product": ["ore", "matte", "metal", "powder"], "mineral": "toy",
                             "stage": ["mining", "smelting", "refining", "refining"], "order": [0, 1, 2, 3]})
    processes = processes.assign(mineral="toy", capacity_t=np.inf, activity_t=activity)
    return SupplyNetwork(nodes=nodes, owners=owners, processes=processes, edges=edges, shipments=shipments,
                         products=products, references=pd.DataFrame({"reference": ["toy"], "title": ["Made up"]}))


def all_paths(network, *, smallest=0.0):
    """Every path of demand back to its source: (share of demand, processes from demand, nodes touched).

    Walks the shipments one by one; loops end where a path's share falls under ``smallest``.
    """
    processes, shipments, edges = network.processes, network.shipments, network.edges
    intake = shipments.groupby("destination")["flow_t"].sum()
    sinks = processes.index[processes["output"].isna()].intersection(intake.index)
    into = {key: list(group.itertuples()) for key, group in shipments.groupby("destination")}
    total = intake[sinks].sum()
    stack = [(intake[sink] / total, (sink,), frozenset()) for sink in sinks]
    while stack:
        weight, steps, touched = stack.pop()
        here = steps[-1]
        touched = touched | {processes.loc[here, "node"]}
        if here not in into:
            yield weight, steps, touched
            continue
        for shipment in into[here]:
            part = weight * shipment.flow_t / intake[here]
            if part > smallest:
                route = [] if pd.isna(shipment.route) else shipment.route.split(";")
                along = {end for edge in route for end in edges.loc[edge, ["source", "target"]]}
                stack.append((part, (*steps, shipment.origin), touched | along))
