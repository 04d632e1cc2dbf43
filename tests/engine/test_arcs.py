"""The program over arcs against published optima, network simplex, all routes enumerated, and the laws."""

import bz2
import importlib.resources
import pickle
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_program import limit_of, most_served, possible
from scipy.optimize import linprog
from scipy.sparse import coo_array
from toys import chain, random_network, random_tables

from supplygraph.engine.arcs import DELIVER, MOVE, SEND, arc_program, flow_bounds
from supplygraph.engine.decompose import shipments
from supplygraph.engine.expanded import EXTRACT, USE, Expanded, expand
from supplygraph.engine.limits import Ban, Quota, limits
from supplygraph.engine.linear import solve
from supplygraph.engine.program import Program, max_served
from supplygraph.errors import DataError
from supplygraph.network.network import SupplyNetwork

PRICE = 1e5  # above any freight: first serve, then save


def from_demands(graph, demand="demand", capacity="capacity", weight="weight"):
    """An expanded network of one product: supply nodes extract, demand nodes use."""
    names = sorted(graph.nodes, key=str)
    place = {name: i for i, name in enumerate(names)}
    ends = [(u, v, d) for u, v, d in graph.edges(data=True)]
    needs = [(place[n], d.get(demand, 0)) for n, d in graph.nodes(data=True) if d.get(demand, 0)]
    at = np.array([n for n, _ in needs], dtype=np.int64)
    amount = np.array([float(a) for _, a in needs])
    uses = amount > 0
    no_forms = np.zeros((len(at), 1), dtype=np.bool_)
    nothing, zeros = np.zeros(0, dtype=np.int64), np.zeros(len(ends))
    ids = pd.Index([f"{i:06d}" for i in range(max(len(names), len(ends), len(at)))])
    return Expanded(
        nodes=ids[: len(names)], products=pd.Index(["p"]), processes=ids[: len(at)], edges=ids[: len(ends)],
        countries=pd.Index([], dtype="str"), shipments=pd.Index([], dtype="str"),
        country=np.full(len(names), -1), throughput=np.full(len(names), np.inf),
        vertex_product=np.zeros(len(names), dtype=np.int64), vertex_node=np.arange(len(names)),
        vertex_berth=np.full(len(names), -1), block=np.array([0, len(names)]),
        source=np.array([place[u] for u, _, _ in ends]), target=np.array([place[v] for _, v, _ in ends]),
        cost=np.array([float(d.get(weight, 0)) for *_, d in ends]), km=zeros, days=zeros,
        capacity=np.array([float(d.get(capacity, np.inf)) for *_, d in ends]), at=at,
        role=np.where(uses, USE, EXTRACT), takes=np.where(uses, 0, -1), gives=np.where(uses, -1, 0),
        limit=np.abs(amount), recovery=np.ones(len(at)), activity=np.full(len(at), np.nan), fee=np.zeros(len(at)),
        takes_at=np.where(uses, at, -1), gives_at=np.where(uses, -1, at), makes=no_forms, accepts=no_forms,
        ship_origin=nothing, ship_destination=nothing, ship_product=nothing, ship_flow=np.zeros(0),
        ship_ptr=np.zeros(1, dtype=np.int64), ship_edge=nothing,
    )  # fmt: skip


def least_cost(graph):
    """The optimum by arcs, everything served; negative weights are first made non-negative by potentials."""
    if any(d.get("weight", 0) < 0 for *_, d in graph.edges(data=True)):
        with_root = graph.copy()
        with_root.add_edges_from(("root", n, {"weight": 0}) for n in graph.nodes)
        level = nx.single_source_bellman_ford_path_length(with_root, "root")
        graph = graph.copy()
        for u, v, d in graph.edges(data=True):
            d["weight"] = d.get("weight", 0) + level[u] - level[v]
        shift = sum(d.get("demand", 0) * level[n] for n, d in graph.nodes(data=True))
    else:
        shift = 0
    expanded = from_demands(graph)
    program = arc_program(expanded, price=1e3 * (1.0 + expanded.cost.sum()))
    found = solve(program.linear)
    assert found.optimal
    assert program.unmet(found.x).max() < 1e-9
    check_decomposition(program, found.x)
    return float(program.linear.value(found.x)) + shift


def digraph(demands, edges):
    graph = nx.DiGraph()
    for node, demand in demands.items():
        graph.add_node(node, demand=demand)
    for u, v, weight, *capacity in edges:
        graph.add_edge(u, v, weight=weight, **({"capacity": capacity[0]} if capacity else {}))
    return graph


#: Instances with a known optimum from networkx's tests (there with their sources); flows of a known value
#: stand as demands.
PUBLISHED = {
    "simple": (24, {"a": -5, "d": 5}, [("a", "b", 3, 4), ("a", "c", 6, 10), ("b", "d", 1, 9), ("c", "d", 2, 5)]),
    "bradley-hax-magnanti": (150, {1: -20, 4: 5, 5: 15}, [
        (1, 2, 4, 15), (1, 3, 4, 8), (2, 3, 2), (2, 4, 2, 4), (2, 5, 6, 10), (3, 4, 1, 15), (3, 5, 3, 5), (4, 5, 2),
        (5, 3, 1, 4)]),
    "transshipment": (41, {"a": 1, "b": -2, "c": -2, "d": 3, "e": -4, "f": -4, "g": 3, "h": 2, "r": 3}, [
        ("a", "c", 3), ("r", "a", 2), ("b", "a", 9), ("r", "c", 0), ("b", "r", -6), ("c", "d", 5), ("e", "r", 4),
        ("e", "f", 3), ("h", "b", 4), ("f", "d", 7), ("f", "h", 12), ("g", "d", 12), ("f", "g", -1),
        ("h", "g", -10)]),
    "max-flow-min-cost": (90, {"s": -5, "t": 5}, [
        ("s", "a", 0, 6), ("s", "c", 10, 10), ("a", "b", 6), ("b", "d", 7, 8), ("c", "d", 10), ("d", "t", 5, 5)]),
    "princeton-slide-11": (193, {"s": -32, "t": 32}, [
        ("s", 1, 0, 12), ("s", 2, 0, 6), ("s", 3, 0, 14), (1, 2, 4, 11), (2, 3, 6, 9), (1, 4, 5, 5), (1, 5, 12, 2),
        (2, 5, 4, 4), (2, 6, 6, 2), (3, 6, 3, 31), (4, 5, 4, 18), (5, 6, 5, 9), (4, "t", 0, 3), (5, "t", 0, 7),
        (6, "t", 0, 22)]),
    "or-tools-1": (150, {0: -20, 3: 5, 4: 15}, [
        (0, 1, 4, 15), (0, 2, 4, 8), (1, 2, 2, 20), (1, 3, 2, 4), (1, 4, 6, 10), (2, 3, 1, 15), (2, 4, 3, 4),
        (3, 4, 2, 20), (4, 2, 3, 5)]),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_optima(name):
    optimum, demands, edges = PUBLISHED[name]
    assert least_cost(digraph(demands, edges)) == pytest.approx(optimum, abs=1e-6)


def test_netgen_instance_with_known_optimum():
    file = importlib.resources.files("networkx.algorithms.flow.tests") / "netgen-2.gpickle.bz2"
    with bz2.BZ2File(file, "rb") as stream:
        graph = pickle.load(stream)  # noqa: S301 - shipped with networkx
    assert least_cost(graph) == pytest.approx(6749969302, rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_network_simplex_agrees(seed):
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(14, 0.3, seed=seed, directed=True)
    for *_, d in graph.edges(data=True):
        d["weight"], d["capacity"] = int(rng.integers(0, 30)), int(rng.integers(0, 12))
    supply = rng.integers(-6, 7, 14)
    supply[-1] -= supply.sum()
    for node, amount in enumerate(supply):
        graph.nodes[node]["demand"] = int(amount)
    graph.add_edges_from((a, b, {"weight": 1000}) for a in range(14) for b in range(14) if not graph.has_edge(a, b))
    assert least_cost(graph) == pytest.approx(nx.network_simplex(graph)[0], abs=1e-6)


def routes(net, product):
    """All simple routes between vertices of a product: start -> end -> lists of edges."""
    edges = [e for e in net.edges.itertuples() if e.product == product]
    out = {}
    for e in edges:
        at = (e.source, -1 if pd.isna(e.source_berth) else int(e.source_berth))
        to = (e.target, -1 if pd.isna(e.target_berth) else int(e.target_berth))
        out.setdefault(at, []).append((to, e))

    def walk(at, seen, path):
        yield at, path
        for to, e in out.get(at, []):
            if to not in seen:
                yield from walk(to, seen | {to}, [*path, e])

    return lambda node: walk((node, -1), {(node, -1)}, [])


def by_routes(net, price):
    """The optimum with every simple route of every possible pair as a column (no baseline), solved by scipy."""
    p, entries, cost = net.processes, [], []
    for o, d in sorted(possible(net)):
        a, b = p.loc[o], p.loc[d]
        for (node, berth), path in routes(net, a["output"])(a["node"]):
            if node != b["node"] or berth != -1:
                continue
            uses = [("send", o, 1.0), ("site", a["node"], 1.0)]
            uses += [("edge", e.Index, 1.0) for e in path]
            uses += [("site", e.target, 1.0) for e in path if e.target != e.source]
            if a["role"] == "transform":
                uses.append(("work", o, 1.0))
            if b["role"] == "transform":
                uses.append(("work", d, -1.0 if pd.isna(b["recovery"]) else -b["recovery"]))
            else:
                uses.append(("take", d, 1.0))
            entries.append(uses)
            fee = 0.0 if pd.isna(a["cost_usd_t"]) else a["cost_usd_t"]
            cost.append(fee + sum(0.0 if pd.isna(e.cost_usd_t) else e.cost_usd_t for e in path))
    for d in p.index[p["role"] == "use"]:
        entries.append([("take", d, 1.0)])
        cost.append(price)
    keys = sorted({(k, n) for uses in entries for k, n, _ in uses})
    number = {key: i for i, key in enumerate(keys)}
    r, c, v = zip(*[(number[k, n], j, x) for j, uses in enumerate(entries) for k, n, x in uses], strict=True)
    matrix = coo_array((v, (r, c)), shape=(len(keys), len(entries))).tocsr()
    high, equal = np.zeros(len(keys)), np.zeros(len(keys), dtype=np.bool_)
    for (k, n), i in number.items():
        if k in {"send", "take"}:
            high[i] = limit_of(p.loc[n])
            if p["role"][n] == "use":
                high[i] = p["capacity_t"][n] if pd.isna(p["activity_t"][n]) else p["activity_t"][n]
            equal[i] = p["role"][n] == "use"
        elif k == "work":
            equal[i] = True
        else:
            high[i] = net.nodes["throughput_t"][n] if k == "site" else net.edges["capacity_t"][n]
    cap = ~equal & np.isfinite(high)
    answer = linprog(cost, A_ub=matrix[cap], b_ub=high[cap], A_eq=matrix[equal], b_eq=high[equal], method="highs")
    assert answer.status == 0, answer.message
    return answer.fun


@pytest.mark.parametrize("seed", range(10))
def test_all_routes_enumerated_agree_on_cost(seed):
    net = random_network(seed, n_mines=3, n_refineries=2, n_factories=3, n_ports=3, shipments=False)
    program = arc_program(expand(net), price=PRICE)
    found = solve(program.linear)
    assert program.linear.value(found.x) == pytest.approx(by_routes(net, PRICE), rel=1e-9)
    assert program.linear.bound(found.dual) == pytest.approx(program.linear.value(found.x), rel=1e-9)
    check_decomposition(program, found.x)


@pytest.mark.parametrize("seed", range(6))
def test_the_program_over_routes_agrees_on_what_is_served(seed):
    net = random_network(seed, n_mines=4, n_refineries=4, n_factories=4, n_ports=5)
    routes_program = Program(net)
    for closed in [(), *[(node,) for node in net.nodes.index[::4]]]:
        scenario = routes_program.scenario(closed_nodes=closed)
        program = arc_program(routes_program.graph, scenario)
        found = solve(program.linear)
        served = max_served(routes_program, closed_nodes=closed)
        assert served.demand_t - program.linear.value(found.x) == pytest.approx(served.total_t, abs=1e-6)
        assert served.total_t == pytest.approx(most_served(net, closed=closed), abs=1e-6)
        check_decomposition(program, found.x)


@pytest.mark.parametrize("seed", [1, 3])
def test_factors_and_demand_mean_the_same_as_over_routes(seed):
    net = random_network(seed, n_mines=4, n_refineries=4, n_factories=4, n_ports=5)
    routes_program = Program(net, ramp=0.2)
    rng = np.random.default_rng(seed)
    factors = {p: float(rng.choice([0, 0.3, 0.5, 1, 1.5])) for p in net.processes.index}
    scenario = routes_program.scenario(factors=factors)
    program = arc_program(routes_program.graph, scenario, ramp=0.2)
    served = max_served(routes_program, factors=factors)
    assert served.demand_t - program.linear.value(solve(program.linear).x) == pytest.approx(served.total_t, abs=1e-6)


def test_export_limits_split_commodities_and_bind():
    tables = random_tables(3, n_mines=4, n_refineries=4, n_factories=4, n_ports=5)
    tables["edges"]["capacity_t"] = np.inf
    tables["nodes"]["throughput_t"] = np.inf
    graph = expand(SupplyNetwork(**tables))
    land = graph.country[graph.at]
    away = land[graph.ship_origin] != land[graph.ship_destination]
    ship = np.flatnonzero(away & (graph.role[graph.ship_destination] == USE))[0]
    home, product = land[graph.ship_origin[ship]], graph.ship_product[ship]
    routes_program, totals = Program(graph), []
    for keep in (0.0, 0.25, 0.5, 1.0):
        scenario = routes_program.scenario(bans=(Ban(int(home), int(product), -1, keep),))
        program = arc_program(graph, scenario)
        x = solve(program.linear).x
        totals.append(float(program.left.demand.sum()) - program.linear.value(x))
        assert totals[-1] == pytest.approx(routes_program.max_served(scenario=scenario).total_t, abs=1e-6)
        sent = shipments(program, x)
        every = Quota(int(home), int(product), -1, 0.0)
        today = graph.ship_flow[every.covers(graph, graph.ship_origin, graph.ship_destination)].sum()
        assert sent.flow[every.covers(graph, sent.origin, sent.destination)].sum() <= keep * today + 1e-6
    assert totals == sorted(totals)
    assert totals[0] < totals[-1]


def check_decomposition(program, x):
    """Shipments add up to the flows, use real routes, keep every balance and go only where they may."""
    graph, sent = program.graph, shipments(program, x)
    tolerance = 1e-7 * max(x.max(initial=0.0), 1.0)
    on = {kind: program.kind == kind for kind in (SEND, MOVE, DELIVER)}
    size = len(graph.processes)
    moved = np.bincount(sent.arcs, np.repeat(sent.flow, np.diff(sent.ptr)), len(graph.source)) + sent.circling
    assert moved == pytest.approx(np.bincount(program.item[on[MOVE]], x[on[MOVE]], len(graph.source)), abs=tolerance)
    for kind, ends in ((SEND, sent.origin), (DELIVER, sent.destination)):
        total = np.bincount(program.item[on[kind]], x[on[kind]], size)
        assert np.bincount(ends, sent.flow, size) == pytest.approx(total, abs=tolerance)
    assert (sent.flow > 0).all()
    assert sent.dust_t <= tolerance
    pairs = {p: graph.pairs(p) for p in range(len(graph.products))}
    for s in range(len(sent.flow)):
        arcs = sent.arcs[sent.ptr[s] : sent.ptr[s + 1]]
        ends = [graph.gives_at[sent.origin[s]], *graph.target[arcs]]
        assert [*graph.source[arcs], graph.takes_at[sent.destination[s]]] == ends
        assert len(set(ends)) == len(ends)
        origins, destinations, open_pairs = pairs[sent.product[s]]
        assert open_pairs[np.searchsorted(origins, sent.origin[s]), np.searchsorted(destinations, sent.destination[s])]


def test_circles_are_taken_out():
    graph = digraph({"a": -3, "c": 3}, [("a", "b", 1), ("b", "c", 1), ("c", "b", 0), ("b", "a", 0)])
    program = arc_program(from_demands(graph), price=100.0)
    x = solve(program.linear).x
    moves = np.flatnonzero(program.kind == MOVE)
    x[moves] += 1.5  # both pairs of opposite arcs become circles
    sent = shipments(program, x)
    assert sent.flow.sum() == pytest.approx(3.0)
    assert sent.circling == pytest.approx(np.full(4, 1.5))


@given(st.integers(0, 60), st.floats(0.1, 50))
@settings(max_examples=15, deadline=None)
def test_scaling_tonnes_scales_the_answer(seed, factor):
    graph = expand(random_network(seed, shipments=False))
    one = arc_program(graph, price=PRICE)
    other = arc_program(
        replace(graph, limit=graph.limit * factor, capacity=graph.capacity * factor,
                throughput=graph.throughput * factor),
        price=PRICE,
    )  # fmt: skip
    a, b = (p.linear.value(solve(p.linear).x) for p in (one, other))
    assert b == pytest.approx(a * factor, rel=1e-7, abs=1e-6)


def test_bounds_on_flow_follow_the_chain():
    graph = expand(chain())
    left = limits(graph, Program(graph).scenario(), ramp=None)
    ore, metal = flow_bounds(graph, left)
    assert ore == pytest.approx(132.0)  # the mines; the refineries could take (90 + 40) / 0.9
    assert metal == pytest.approx(99.0)


def test_what_nothing_limits_is_refused():
    graph = expand(chain())
    nothing = np.zeros(0, dtype=np.int64)
    endless = replace(graph, limit=np.full(len(graph.limit), np.inf), activity=np.full(len(graph.limit), np.nan),
                      ship_flow=np.zeros(0), ship_origin=nothing, ship_destination=nothing, ship_product=nothing,
                      ship_ptr=np.zeros(1, dtype=np.int64), ship_edge=nothing)  # fmt: skip
    with pytest.raises(DataError, match="no limit on the flow"):
        arc_program(endless)
    for price in (-1.0, np.nan, np.inf):
        with pytest.raises(DataError, match="price"):
            arc_program(graph, price=price)
