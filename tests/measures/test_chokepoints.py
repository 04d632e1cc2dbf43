"""Single failures against independent programs, item by item."""

import functools
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from oracles import arc_program, max_flow
from toys import chain, chain_tables, random_network

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures.chokepoints import KINDS, chokepoints
from supplygraph.measures.study import Study
from supplygraph.network.network import SupplyNetwork
from supplygraph.scenario.alignment import forge

#: Draws with parallel edges, zero and infinite capacities, cycles between ports, shared limits of ports and
#: straits, several products at one site, forms, stocks and recoveries below one.
SEEDS = range(4)
CASES = [(seed, by) for seed in SEEDS for by in ("node", "country", "owner", "passage")] + [(0, "edge"), (1, "edge")]


@functools.cache
def _drawn(seed, by):
    size = 2 if by == "edge" else 3
    net = random_network(seed, n_mines=size, n_refineries=size, n_factories=size, n_ports=size)
    return net, chokepoints(net, by=by)


def _closing(net, by, item):
    if by == "edge":
        return {"edges": [item]}
    if by == "country":
        return {"nodes": net.nodes.index[net.nodes["country"] == item]}
    if by == "owner":
        share = net.owners[net.owners["owner"] == item].groupby("node")["share"].sum()
        lost = net.processes["node"].map(share).dropna().clip(upper=1.0)
        return {"factor": (1 - lost).to_dict()}
    return {"nodes": [item]}


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "by"), CASES)
def test_loss_equals_the_arc_program(seed, by):
    net, told = _drawn(seed, by)
    whole = arc_program(net)
    for item, row in told.table.iterrows():
        left = arc_program(net, **_closing(net, by, item))
        assert math.isclose(row["loss_t"], whole - left, abs_tol=1e-5), (item, row["method"])


@pytest.mark.parametrize(("seed", "by"), CASES)
def test_bounds_and_sums(seed, by):
    _, told = _drawn(seed, by)
    table = told.table
    assert (table["loss_t"] >= 0).all()
    assert (table["loss_t"] <= table["throughput_t"] + 1e-5).all()
    assert (table["zone_loss_t"] <= table["loss_t"] + 1e-5).all()
    lost = told.losses.groupby("item")["lost_t"].sum().reindex(table.index).fillna(0.0)
    np.testing.assert_allclose(lost, table["loss_t"], atol=1e-4)
    assert (told.losses["lost_t"] <= told.losses["demand_t"] + 1e-6).all()
    members = forge("2026-07-01").members("linked")
    inside = told.losses[told.losses["country"].isin(members)].groupby("item")["lost_t"].sum()
    np.testing.assert_allclose(inside.reindex(table.index).fillna(0.0), table["zone_loss_t"], atol=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_needs_no_program_is_what_the_program_says(seed, monkeypatch):
    net, told = _drawn(seed, "node")
    quick = told.table
    change = Study._change
    asked = []

    def solved_change(study, item, through, *, ends):
        asked.append(through <= 0 or ends)
        return change(study, item, 1.0, ends=False)

    monkeypatch.setattr(Study, "_change", solved_change)
    solved = chokepoints(net).table.reindex(quick.index)
    assert any(asked)
    np.testing.assert_allclose(quick["zone_loss_t"], solved["zone_loss_t"], atol=1e-4)
    unused = quick["throughput_t"] <= 0
    for column in ("days", "km", "cost_usd_t"):
        np.testing.assert_allclose(quick.loc[unused, column], solved.loc[unused, column], atol=1e-4, err_msg=column)


def _one_product(seed):
    """Mines, ports and factories of one product with limits everywhere; its baseline is a maximum flow."""
    import networkx as nx

    rng = np.random.default_rng(seed)
    names = [f"{kind}{i}" for kind, count in (("mine", 3), ("port", 5), ("factory", 3)) for i in range(count)]
    nodes = pd.DataFrame({
        "node": names, "name": names, "kind": [name[:-1] for name in names], "country": "FIN", "lon": 25.0,
        "lat": np.linspace(61, 66, len(names)), "throughput_t": np.inf, "status": "operating"})
    nodes.loc[nodes["kind"] == "port", "throughput_t"] = rng.integers(5, 60, 5).astype(float)
    rows = []
    for a, b in itertools.permutations(names, 2):
        if a[:4] == "fact" or b[:4] == "mine" or rng.random() > 0.45:
            continue
        for copy in range(1 + (rng.random() < 0.2)):
            capacity = float(rng.choice([0, rng.integers(1, 25), np.inf]))
            rows.append((f"{a}-{b}-{copy}", a, b, "ore", "road", 1.0, 1.0, 1.0, capacity))
    edges = pd.DataFrame(rows, columns=["edge", "source", "target", "product", "mode", "distance_km", "days",
                                        "cost_usd_t", "capacity_t"])
    supply = {f"mine{i}": float(rng.integers(5, 50)) for i in range(3)}
    demand = {f"factory{i}": float(rng.integers(5, 40)) for i in range(3)}
    graph = nx.DiGraph()
    for row in edges.itertuples():
        known = graph.get_edge_data((row.source, 1), (row.target, 0), {"capacity": 0.0})["capacity"]
        graph.add_edge((row.source, 1), (row.target, 0), capacity=known + min(row.capacity_t, 1e6))
    for row in nodes.itertuples():
        graph.add_edge((row.node, 0), (row.node, 1), capacity=min(row.throughput_t, 1e6))
    for mine, tonnes in supply.items():
        graph.add_edge("s", (mine, 0), capacity=tonnes)
    for factory, tonnes in demand.items():
        graph.add_edge((factory, 1), "t", capacity=tonnes)
    _, flow = nx.maximum_flow(graph, "s", "t")
    shipments = _paths(flow, edges)
    met = {factory: flow[factory, 1]["t"] for factory in demand}
    processes = pd.DataFrame(
        [(mine, mine, "extract", None, "ore", tonnes, flow["s"][mine, 0]) for mine, tonnes in supply.items()]
        + [(factory, factory, "use", "ore", None, tonnes, met[factory]) for factory, tonnes in demand.items()],
        columns=["process", "node", "role", "input", "output", "capacity_t", "activity_t"]).assign(mineral="toy")
    products = pd.DataFrame({"product": ["ore"], "mineral": "toy", "stage": "mining", "order": 0})
    return SupplyNetwork(nodes=nodes, processes=processes, edges=edges, products=products, shipments=shipments,
                         references=pd.DataFrame({"reference": ["toy"], "title": ["Made up"]}))


def _paths(flow, edges):
    """Split a flow into shipments over routes."""
    left = {(a[0], b[0]): tonnes for a, heads in flow.items() if isinstance(a, tuple) and a[1] == 1
            for b, tonnes in heads.items() if b != "t"}
    into = {factory[0]: heads["t"] for factory, heads in flow.items() if isinstance(factory, tuple) and "t" in heads}
    out = {mine[0]: tonnes for mine, tonnes in flow["s"].items()}
    room = {row.Index: row.capacity_t for row in edges.set_index("edge").itertuples()}
    rows = []
    while True:
        start = next((mine for mine, tonnes in out.items() if tonnes > 1e-9), None)
        if start is None:
            break
        path = [start]
        while into.get(path[-1], 0.0) <= 1e-9:
            path.append(next(b for (a, b), tonnes in left.items() if a == path[-1] and tonnes > 1e-9))
            if path[-1] in path[:-1]:  # a cycle carries nothing anywhere
                loop = path[path.index(path[-1]):]
                least = min(left[pair] for pair in itertools.pairwise(loop))
                for pair in itertools.pairwise(loop):
                    left[pair] -= least
                path = path[: path.index(path[-1]) + 1]
        legs = list(itertools.pairwise(path))
        chosen = [next(e.edge for e in edges.itertuples() if (e.source, e.target) == leg and room[e.edge] > 1e-9)
                  for leg in legs]
        tonnes = min([out[start], into[path[-1]], *(left[leg] for leg in legs), *(room[edge] for edge in chosen)])
        for leg, edge in zip(legs, chosen, strict=True):
            left[leg] -= tonnes
            room[edge] -= tonnes
        out[start] -= tonnes
        into[path[-1]] -= tonnes
        rows.append((f"s{len(rows):03d}", start, path[-1], "ore", ";".join(chosen), tonnes, "estimated"))
    return pd.DataFrame(rows, columns=["shipment", "origin", "destination", "product", "route", "flow_t", "basis"])


@pytest.mark.parametrize(("seed", "by"), [(0, "node"), (1, "node"), (2, "node"), (3, "node"), (4, "edge")])
def test_loss_equals_a_maximum_flow(seed, by):
    net = _one_product(seed)
    told = chokepoints(net, by=by).table
    whole = max_flow(net)
    for item, row in told.iterrows():
        left = max_flow(net, **{f"{by}s": [item]})
        assert math.isclose(row["loss_t"], whole - left, abs_tol=1e-5), (item, row["method"])
    assert (told["loss_t"] <= told["throughput_t"] + 1e-5).all()


def _one_way_chain():
    """The chain without the Kokkola-Ningde link, so that every detour can be reckoned by hand."""
    tables = chain_tables()
    shipments = tables["shipments"]
    shipments = shipments[shipments["shipment"] != "s7"]
    tables["shipments"] = shipments.assign(
        flow_t=shipments["shipment"].map({"s4": 63.0, "s5": 9.0, "s6": 27.0}).fillna(shipments["flow_t"]))
    return SupplyNetwork(**tables)


def test_a_closed_strait_costs_the_detour():
    table = chokepoints(_one_way_chain(), by="passage").table
    # Malacca: 80 t of ore by Lombok (+3 days, +1500 km, +7 USD), 9 t of metal round the Cape (+11, +6500, +25).
    assert math.isclose(table.loc["malacca", "days"], (80 * 3 + 9 * 11) / 99, rel_tol=1e-6)
    assert math.isclose(table.loc["malacca", "km"], (80 * 1500 + 9 * 6500) / 99, rel_tol=1e-6)
    assert math.isclose(table.loc["malacca", "cost_usd_t"], (80 * 7 + 9 * 25) / 99, rel_tol=1e-6)
    assert math.isclose(table.loc["suez", "days"], 9 * 11 / 99, rel_tol=1e-6)
    assert (table["loss_t"] == 0).all()
    assert list(table.index) == ["malacca", "suez"]  # by days


def test_a_lost_factory_changes_nobody_elses_freight():
    table = chokepoints(chain()).table
    assert math.isclose(table.loc["erfurt", "loss_t"], 36.0)
    assert (table.loc["erfurt", ["days", "km", "cost_usd_t"]].astype(float) == 0).all()


def test_every_supplier_cuts_its_customers_alike():
    told = chokepoints(chain(), by="node")
    lost = told.losses[told.losses["item"] == "tenke"].set_index("node")["lost_t"]
    assert math.isclose(lost.sum(), 88.2, rel_tol=1e-6)
    assert told.table.loc["tenke", "zone_loss_t"] == pytest.approx(lost["erfurt"])


def test_the_zone_is_the_callers():
    net = chain()
    mine = forge("2026-07-01", overrides={"CHN": "core", "DEU": "unaligned"})
    theirs = chokepoints(net, alignment=mine, zone="core").table
    usual = chokepoints(net).table.reindex(theirs.index)
    np.testing.assert_allclose(theirs["zone_loss_t"] + usual["zone_loss_t"], usual["loss_t"], atol=1e-4)


def test_unnamed_rests_come_last():
    tables = chain_tables()
    nodes = tables["nodes"]
    tables["nodes"] = nodes.assign(status=nodes["status"].mask(nodes["node"] == "tenke", "residual"))
    told = chokepoints(SupplyNetwork(**tables)).table
    assert told.index[-1] == "tenke"
    assert list(told["residual"]) == [False] * (len(told) - 1) + [True]


def test_rows_and_words():
    net = chain()
    told = chokepoints(net, top=3)
    assert len(told.table) == 3
    assert told.table["loss_t"].is_monotonic_decreasing
    assert told.params["rationing"] == "proportional"
    assert set(told.losses["item"]) <= set(told.table.index)
    assert "Durban" in told.explain()
    assert "Ningde (CHN) loses" in told.explain("tenke")
    again = chokepoints(net, top=3, progress=True)
    pd.testing.assert_frame_equal(told.table, again.table)
    for by, name in zip(KINDS, ("node", "edge", "country", "owner", "node"), strict=True):
        assert chokepoints(net, by=by).table.index.name == name


def test_wrong_options():
    net = chain()
    with pytest.raises(UnknownNameError, match="passage"):
        chokepoints(net, by="passages")
    with pytest.raises(UnknownNameError, match="tier"):
        chokepoints(net, zone="friends")
    with pytest.raises(UnknownNameError, match="item"):
        chokepoints(net).explain("kokola")
    with pytest.raises(DataError, match="nothing to trace"):
        chokepoints(random_network(0, shipments=False))


@pytest.mark.parametrize("by", ["node", "country"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_top_gives_the_same_rows_as_the_whole_table(seed, by):
    net = random_network(seed)
    whole = chokepoints(net, by=by).table
    pd.testing.assert_frame_equal(chokepoints(net, by=by, top=3).table, whole.head(3))
