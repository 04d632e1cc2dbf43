"""Slow, independent answers to "how much demand can still be met?", straight from the tables."""

import networkx as nx
import numpy as np
import pandas as pd
from scipy.optimize import linprog

INF = float("inf")


def _list(cell):
    return set() if pd.isna(cell) else set(str(cell).split(";"))


def _closed(network, nodes, edges):
    """Processes and edges that are left."""
    processes = network.processes[~network.processes["node"].isin(nodes)]
    left = network.edges
    left = left[~(left["source"].isin(nodes) | left["target"].isin(nodes) | left.index.isin(edges))]
    return processes, left


def arc_program(network, *, nodes=(), edges=(), factor=None, uses=None, links_only=False):
    """Most demand served, by a linear program over (origin process, edge) and (origin, destination).

    Closing nodes removes their processes and edges; ``factor`` scales what a process makes today; ``uses`` are the
    only ones that ask for anything; with ``links_only`` only pairs that ship today may ship.
    """
    processes, left = _closed(network, set(nodes), set(edges))
    factor = {} if factor is None else factor
    makers = processes[processes["output"].notna()]
    takers = processes[processes["input"].notna() & (processes["role"] == "use")]
    takers = takers if uses is None else takers[takers.index.isin(list(uses))]
    takers = pd.concat([takers, processes[processes["role"] == "transform"]])
    variables = {}

    def variable(*key):
        return variables.setdefault(key, len(variables))

    # Rows by key: at each (origin, place) what is sent there, less what leaves, plus what enters, is zero.
    equal, most = {}, {}
    bound = {}
    for origin, maker in makers.iterrows():
        product = maker["output"]
        links = left[left["product"] == product]
        for edge, row in links.iterrows():
            x = variable("edge", origin, edge)
            tail = (origin, row["source"], row["source_berth"] if pd.notna(row["source_berth"]) else None)
            head = (origin, row["target"], row["target_berth"] if pd.notna(row["target_berth"]) else None)
            equal.setdefault(tail, {})[x] = -1.0
            equal.setdefault(head, {})[x] = 1.0
            most.setdefault(("edge", edge), {})[x] = 1.0
            bound["edge", edge] = row["capacity_t"]
            if row["source"] != row["target"]:
                most.setdefault(("node", row["target"]), {})[x] = 1.0
        for destination, taker in takers[takers["input"] == product].iterrows():
            made, eaten = _list(maker["makes"]), _list(taker["accepts"])
            ships = ((network.shipments["origin"] == origin) & (network.shipments["destination"] == destination)).any()
            barred = (made and eaten and not made & eaten) or links_only
            if (barred and not ships) or origin == destination:
                continue
            y = variable("pair", origin, destination)
            here = (origin, maker["node"], None)
            there = (origin, taker["node"], None)
            if here != there:
                equal.setdefault(here, {})[y] = 1.0
                equal.setdefault(there, {})[y] = -1.0
            most.setdefault(("node", maker["node"]), {})[y] = 1.0
            most.setdefault(("out", origin), {})[y] = 1.0
            most.setdefault(("in", destination), {})[y] = 1.0
    return _solve(network, processes, (variables, equal, most, bound), factor)


def _solve(network, processes, program, factor):
    variables, equal, most, bound = program
    flow = network.shipments.groupby("origin")["flow_t"].sum()
    for process, row in processes.iterrows():
        today = row["activity_t"] if pd.notna(row["activity_t"]) else flow.get(process, np.nan)
        limit = row["capacity_t"]
        if row["role"] == "use":
            bound["in", process] = today if pd.notna(today) else limit
            continue
        if pd.notna(today):
            limit = today if row["role"] == "stock" else max(limit, today)
        if process in factor:
            limit = factor[process] * (today if pd.notna(today) else limit)
        bound["out", process] = limit
        if row["role"] == "transform":
            recovery = row["recovery"] if pd.notna(row["recovery"]) else 1.0
            made = most.get(("out", process), {})
            eaten = most.pop(("in", process), {})
            most["balance", process] = {**dict(made), **{x: -recovery * c for x, c in eaten.items()}}
            bound["balance", process] = 0.0
    for node, row in network.nodes.iterrows():
        through = sum_through(network, node)
        bound["node", node] = max(row["throughput_t"], through)
    gain = np.zeros(len(variables))
    uses = set(processes.index[processes["role"] == "use"])
    for key, x in variables.items():
        if key[0] == "pair" and key[2] in uses:
            gain[x] = -1.0
    if not len(variables):
        return 0.0
    rows = [(row, bound[key]) for key, row in most.items() if np.isfinite(bound[key])]
    found = linprog(
        gain,
        A_ub=_matrix([row for row, _ in rows], len(variables)), b_ub=[limit for _, limit in rows],
        A_eq=_matrix(list(equal.values()), len(variables)), b_eq=np.zeros(len(equal)),
        bounds=(0, None), method="highs",
    )
    assert found.status == 0, found.message
    return -found.fun


def sum_through(network, node):
    """Tonnes of today's shipments that start at, pass or end at a node, once per visit."""
    total = 0.0
    home = network.processes["node"]
    for row in network.shipments.itertuples():
        visits = int(home[row.origin] == node)
        for edge in [] if pd.isna(row.route) else row.route.split(";"):
            ends = network.edges.loc[edge]
            visits += int(ends["target"] == node and ends["source"] != node)
        total += visits * row.flow_t
    return total


def _matrix(rows, width):
    if not rows:
        return None
    matrix = np.zeros((len(rows), width))
    for number, row in enumerate(rows):
        for x, value in row.items():
            matrix[number, x] = value
    return matrix


def max_flow(network, *, nodes=(), edges=()):
    """Most demand served on a network with one product and no forms, by networkx."""
    processes, left = _closed(network, set(nodes), set(edges))
    graph = nx.DiGraph()
    graph.add_nodes_from(["source", "sink"])

    def add(a, b, capacity):
        known = graph.get_edge_data(a, b, {"capacity": 0.0})["capacity"]
        graph.add_edge(a, b, capacity=known + min(capacity, 1e9))

    for node, row in network.nodes.iterrows():
        add((node, "in"), (node, "out"), row["throughput_t"])
    for row in left.itertuples():
        add((row.source, "out"), (row.target, "in"), row.capacity_t)
    for row in processes.itertuples():
        if row.role == "use":
            add((row.node, "out"), "sink", row.capacity_t if pd.isna(row.activity_t) else row.activity_t)
        else:
            add("source", (row.node, "in"), row.capacity_t)
    return nx.maximum_flow_value(graph, "source", "sink")
