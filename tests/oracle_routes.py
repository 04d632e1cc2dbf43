"""All chains of a small network, by plain enumeration on the tables: what the ranked routes are checked against."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import networkx as nx
import pandas as pd


class Way(NamedTuple):
    """Processes, the places visited per leg, and the least cost, km and days over parallel edges."""

    processes: tuple[str, ...]
    legs: tuple[tuple[tuple[str, int], ...], ...]
    value: float


def _forms(cell):
    return set(cell.split(";")) if isinstance(cell, str) and cell else set()


def can_feed(net, a, b):
    """Whether process a may feed process b: same product, a shared form or one not known, or a shipment today."""
    processes, ships = net.processes, net.shipments
    if a == b or pd.isna(processes.loc[b, "input"]) or processes.loc[a, "output"] != processes.loc[b, "input"]:
        return False
    if ((ships["origin"] == a) & (ships["destination"] == b) & (ships["flow_t"] > 0)).any():
        return True
    makes, accepts = _forms(processes.loc[a, "makes"]), _forms(processes.loc[b, "accepts"])
    return not makes or not accepts or bool(makes & accepts)


def places(net, product, column, closed_nodes=(), closed_edges=()):
    """Places (site, berth) of one product as a simple graph with the lightest open edge of each bundle."""
    nodes, graph = net.nodes, nx.DiGraph()
    shut = set(closed_nodes) | set(nodes.index[nodes["throughput_t"] <= 0])
    for e in net.edges.itertuples():
        if e.product != product or e.capacity_t <= 0 or {e.source, e.target} & shut or e.Index in closed_edges:
            continue
        weight = 0.0 if column is None or pd.isna(getattr(e, column)) else getattr(e, column)
        at = (e.source, -1 if pd.isna(e.source_berth) else int(e.source_berth))
        to = (e.target, -1 if pd.isna(e.target_berth) else int(e.target_berth))
        if weight < graph.get_edge_data(at, to, {"weight": float("inf")})["weight"]:
            graph.add_edge(at, to, weight=weight)
    return graph, shut


def ways(net, starts, targets, by="cost_usd_t", *, closed_nodes=(), closed_processes=()):
    """Every chain from any start to any target that repeats no plant and, within a leg, no place."""
    column = {"cost_usd_t": "cost_usd_t", "km": "distance_km", "days": "days"}[by]
    processes = net.processes
    graphs = {product: places(net, product, column, closed_nodes) for product in net.products.index}
    shut = next(iter(graphs.values()))[1] if graphs else set()
    dead = set(processes.index[(processes["capacity_t"] <= 0) | processes["node"].isin(shut)]) | set(closed_processes)
    fee = processes["cost_usd_t"].fillna(0.0)
    recovery = processes["recovery"].fillna(1.0)
    legs: dict[tuple[str, str], list[tuple[tuple[tuple[str, int], ...], float]]] = {}

    def between(a, b):
        if (a, b) not in legs:
            legs[a, b] = list(_legs(graphs[processes.loc[a, "output"]][0], processes.loc[a, "node"],
                                    processes.loc[b, "node"]))  # fmt: skip
        return legs[a, b]

    found = []

    def grow(done, passed, value):
        for b in processes.index:
            if b in done or b in dead or not can_feed(net, done[-1], b):
                continue
            is_turn = processes.loc[b, "role"] == "transform"
            if b not in targets and (not is_turn or b in starts):
                continue
            for leg, weight in between(done[-1], b):
                now = value + weight
                if b in targets:
                    found.append(Way((*done, b), (*passed, leg), now))
                if is_turn and b not in starts:
                    turned = now / recovery[b] + fee[b] if by == "cost_usd_t" else now
                    grow((*done, b), (*passed, leg), turned)

    for a in starts:
        if a not in dead:
            grow((a,), (), float(fee[a]) if by == "cost_usd_t" else 0.0)
    return sorted(found, key=lambda way: way.value)


def _legs(graph, source, target):
    a, b = (source, -1), (target, -1)
    if a == b:
        yield (a,), 0.0
        return
    if a not in graph or b not in graph:
        return
    for path in nx.all_simple_paths(graph, a, b):
        yield tuple(path), sum(graph.edges[step]["weight"] for step in itertools.pairwise(path))


def marks(net, way, differ):
    """What a way depends on, read off its places: the same notions as the public option, written anew."""
    from supplygraph.scenario.stages import process_stages

    nodes, processes = net.nodes, net.processes
    stage, plants = process_stages(net), set(processes["node"])
    found = set()
    for process in way.processes:
        if pd.isna(processes.loc[process, "output"]):
            continue
        node = processes.loc[process, "node"]
        country = nodes.loc[node, "country"]
        if {"country", "maker"} & set(differ):
            found.add(("site", node) if pd.isna(country) else ("made", stage[process], country))
    passed = {node for leg in way.legs for node, _ in leg} | {processes.loc[p, "node"] for p in way.processes}
    for node in passed:
        strait, country = nodes.loc[node, "kind"] == "passage", nodes.loc[node, "country"]
        if "site" in differ or (strait and "strait" in differ):
            found.add(("site", node))
        if not strait and pd.isna(country) and ("country" in differ or ("maker" in differ and node in plants)):
            found.add(("site", node))
        elif "country" in differ and not strait and node not in plants:
            found.add(("through", country))
    if "step" in differ:
        for origin, leg in zip(way.processes, way.legs, strict=False):
            product = processes.loc[origin, "output"]
            found |= {("step", product, *step) for step in itertools.pairwise(leg)} | {("plant", origin)}
    return frozenset(found)
