"""What `chokepoints` adds to the loss: structure, cuts, whose demand, shocks, the short term; each by definition."""

import functools
import itertools
import math
import signal

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from oracles import arc_program
from toys import chain, random_network, random_tables

import supplygraph as sg
from supplygraph.engine.program import Program
from supplygraph.errors import DataError, LimitError, UnknownNameError
from supplygraph.measures import capacity
from supplygraph.measures.capacity import BOUND, FLOW, PROGRAM
from supplygraph.measures.chokepoints import LENSES, chokepoints
from supplygraph.measures.items import Items
from supplygraph.network.network import SupplyNetwork

QUICK = ("structure", "cuts", "capacity")
SEEDS = range(5)


@functools.cache
def drawn(seed):
    return random_network(seed, n_mines=3, n_refineries=3, n_factories=3, n_ports=3)


def closing(net, by, item):
    if by == "edge":
        return {"edges": [item]}
    if by == "country":
        return {"nodes": net.nodes.index[net.nodes["country"] == item]}
    return {"nodes": [item]}


def forms(cell):
    return set() if pd.isna(cell) else set(cell.split(";"))


def reached(net, nodes=(), edges=()):
    """Use processes that some route from a mine or a stock reaches, by breadth, straight from the tables."""
    left = net.edges[(net.edges["capacity_t"] > 0) & ~net.edges.index.isin(list(edges))]
    left = left[~(left["source"].isin(nodes) | left["target"].isin(nodes))]
    graphs = {}
    for edge in left.itertuples():
        berths = (None if pd.isna(berth) else berth for berth in (edge.source_berth, edge.target_berth))
        tail, head = zip((edge.source, edge.target), berths, strict=True)
        graphs.setdefault(edge.product, nx.DiGraph()).add_edge(tail, head)
    shut = {node for node, limit in net.nodes["throughput_t"].items() if limit <= 0}
    for graph in graphs.values():
        graph.remove_nodes_from([place for place in graph if place[0] in shut])
    own = net.processes[~net.processes["node"].isin([*nodes, *shut])]
    flow = net.shipments.groupby("origin")["flow_t"].sum()
    ships = {(row.origin, row.destination) for row in net.shipments.itertuples() if row.flow_t > 0}
    alive = {p for p, row in own.iterrows() if pd.isna(row["input"])}
    while True:
        found = set()
        for p in alive:
            row = own.loc[p]
            now = row["activity_t"] if pd.notna(row["activity_t"]) else flow.get(p, 0.0)
            limit = now if row["role"] == "stock" else max(row["capacity_t"], now)
            if pd.isna(row["output"]) or limit <= 0:
                continue
            graph = graphs.get(row["output"], nx.DiGraph())
            here = (row["node"], None)
            reach = {here} | (nx.descendants(graph, here) if here in graph else set())
            for q, other in own[own["input"] == row["output"]].iterrows():
                fits = not forms(row["makes"]) or not forms(other["accepts"]) or (
                    forms(row["makes"]) & forms(other["accepts"]))
                stock = row["role"] == "stock" and other["role"] == "stock"
                if q != p and ((fits and not stock) or (p, q) in ships) and (other["node"], None) in reach:
                    found.add(q)
        if found <= alive:
            return {p for p in alive if own.loc[p, "role"] == "use"}
        alive |= found


@pytest.mark.parametrize(("seed", "by"), [
    *((s, by) for s in SEEDS for by in ("node", "country", "passage")), (0, "edge")])
def test_dominates_is_what_no_route_reaches_without_the_item(seed, by):
    net = drawn(seed)
    told = chokepoints(net, by=by, lenses=("structure",))
    demand = net.processes["activity_t"].where(net.processes["role"] == "use", 0.0)
    whole = {p for p in reached(net) if demand[p] > 0}
    for item, row in told.table.iterrows():
        shut = closing(net, by, item)
        lost = whole - reached(net, **shut)
        lost = {p for p in lost if net.processes.loc[p, "node"] not in set(shut.get("nodes", ()))}
        assert row["dominates"] == len({net.processes.loc[p, "node"] for p in lost}), item
        assert row["dominates_t"] == pytest.approx(sum(demand[p] for p in lost)), item
        listed = told.dominated[told.dominated["item"] == item]
        assert set(listed["node"]) == {net.processes.loc[p, "node"] for p in lost}


def plain(seed):
    """One recovery and no limits of ports, so that a maximum flow is exact; the baseline is a plan, not a record."""
    tables = random_tables(seed, n_mines=3, n_refineries=3, n_factories=3, n_ports=3, shipments=False)
    processes = tables["processes"]
    processes["recovery"] = processes["recovery"].mask(processes["input"].notna(), 0.5)
    tables["nodes"]["throughput_t"] = np.inf
    tables["edges"]["capacity_t"] = np.inf
    return SupplyNetwork(**tables)


@pytest.mark.parametrize("seed", SEEDS)
def test_minimum_cuts_hold_by_capacity(seed):
    net = plain(seed)
    told = chokepoints(net, lenses=("cuts",))
    program = Program(net)
    assert told.cuts["exact"].all()
    for (node, product), cut in told.cuts.groupby(["node", "product"]):
        held = cut["cut_t"].iloc[0]
        use = net.processes.index[(net.processes["node"] == node) & (net.processes["input"] == product)
                                  & (net.processes["role"] == "use")]
        assert cut["limit_t"].sum() == pytest.approx(held)
        most = program.max_served(demand={use[0]: 1e5}).total_t
        assert most == pytest.approx(held, abs=1e-5)
        # Without its members nothing arrives at all.
        shut = {kind: list(rows["item"]) for kind, rows in cut.dropna(subset=["item"]).groupby("kind")}
        left = program.max_served(
            demand={use[0]: 1e5}, closed_processes=shut.get("plant", []), closed_nodes=shut.get("site", []),
            closed_edges=shut.get("edge", []))
        assert left.total_t == pytest.approx(0.0, abs=1e-6)


def test_in_min_cut_counts_factories():
    told = chokepoints(chain(), lenses=("cuts",))
    # The mines' 120 + 12 t become 118.8 t of metal, less than the refineries could make: they hold both factories.
    assert told.table.loc[["tenke", "talvivaara", "jinchuan", "malacca"], "in_min_cut"].tolist() == [2, 2, 0, 0]
    cut = told.cuts[told.cuts["node"] == "erfurt"].set_index("item")
    assert cut["limit_t"].round(6).to_dict() == {"tenke-extract": 108.0, "talvivaara-extract": 10.8}
    assert cut["cut_t"].tolist() == pytest.approx([118.8, 118.8])


@pytest.mark.parametrize("seed", SEEDS)
def test_engines_agree_and_say_who_spoke(seed):
    net = plain(seed)
    for by in ("node", "country", "passage", "edge"):
        flow, program = (
            chokepoints(net, by=by, lenses=("capacity",), engine=engine).table for engine in ("flow", "program"))
        assert (flow["method"] == FLOW).all()
        assert (program["method"] == PROGRAM).all()
        np.testing.assert_allclose(flow["loss_t"], program["loss_t"].reindex(flow.index), atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shared_limit_makes_the_flow_a_bound(seed):
    net = drawn(seed)
    exact = chokepoints(net, lenses=("capacity",)).table
    bound = chokepoints(net, lenses=("capacity",), engine="flow").table.reindex(exact.index)
    assert (exact["method"] == PROGRAM).all()
    assert bound["method"].str.startswith(BOUND).all()
    known = bound["loss_t"].notna()
    assert (bound["loss_t"] <= exact["loss_t"] + 1e-6)[known].all()
    assert bound["loss_t"].isna().all() or known.all()


def test_a_bound_needs_to_know_what_was_delivered_before():
    known = [chokepoints(drawn(seed), lenses=("capacity",), engine="flow").table["loss_t"].notna().all()
             for seed in SEEDS]
    assert any(known)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_existing_links_and_ramps_against_the_arc_program(seed):
    net = drawn(seed)
    told = chokepoints(net, lenses=("capacity",), ramp=0.25).table
    whole = arc_program(net)
    flow = net.shipments.groupby("origin")["flow_t"].sum()
    processes = net.processes.copy()
    now = processes["activity_t"].fillna(processes.index.to_series().map(flow)).fillna(0.0)
    ramped = processes["role"].isin(["extract", "transform"])
    limit = np.minimum(np.maximum(processes["capacity_t"], now), 1.25 * now)
    processes["capacity_t"] = processes["capacity_t"].where(~ramped, limit)
    slow = SupplyNetwork(**{
        name: getattr(net, name).reset_index(drop=name == "owners") if name != "processes" else processes.reset_index()
        for name in ("nodes", "edges", "products", "references", "countries", "shipments", "processes")})
    for item, row in told.iterrows():
        shut = closing(net, "node", item)
        assert row["loss_existing_t"] == pytest.approx(whole - arc_program(net, links_only=True, **shut), abs=1e-5)
        assert row["loss_short_t"] == pytest.approx(arc_program(slow) - arc_program(slow, **shut), abs=1e-5)
    assert (told["loss_t"] <= told["loss_existing_t"] + 1e-6).all()
    assert (told["loss_t"] <= told["loss_short_t"] + 1e-6).all()
    assert (told["loss_short_t"] <= told["throughput_t"] + 1e-6).all()
    assert (told["loss_existing_t"] <= told["throughput_t"] + 1e-6).all()


@pytest.mark.parametrize("seed", range(3))
def test_whose_demand_counts(seed):
    net = drawn(seed)
    factory = next(node for node in net.nodes.index[net.nodes["kind"] == "factory"])
    mine = net.processes.index[(net.processes["node"] == factory) & (net.processes["role"] == "use")]
    told = chokepoints(net, demand=factory)
    whole = arc_program(net, uses=mine)
    assert told.delivered_t == pytest.approx(whole, abs=1e-6)
    for item, row in told.table.iterrows():
        left = arc_program(net, uses=mine, **closing(net, "node", item))
        assert row["loss_t"] == pytest.approx(whole - left, abs=1e-5), item
    table = told.table
    # First in line a factory loses no more than when everybody is cut alike, and no more than what comes by for it.
    assert (table["loss_t"] <= table["zone_loss_t"] + 1e-4).all()
    assert (table["loss_t"] <= table["throughput_t"] + 1e-5).all()
    assert set(told.losses["node"]) <= {factory}
    everybody = chokepoints(net).losses
    theirs = everybody[everybody["node"] == factory].set_index("item")["lost_t"]
    np.testing.assert_allclose(table["zone_loss_t"], theirs.reindex(table.index).fillna(0.0), atol=1e-3)


def test_demand_of_a_country_and_of_the_zone():
    net = chain()
    erfurt, germany, zone = (chokepoints(net, demand=name).table for name in ("erfurt", "DEU", "zone"))
    pd.testing.assert_frame_equal(erfurt, germany)
    pd.testing.assert_frame_equal(erfurt, zone)
    assert erfurt.loc["kokkola", "loss_t"] == 0.0  # Jinchuan could serve all of Erfurt, if Ningde stood back
    assert erfurt.loc["kokkola", "zone_loss_t"] == pytest.approx(6.0, abs=0.01)
    # Of Jinchuan's 72 t, 12 t are for Erfurt.
    assert erfurt.loc["jinchuan", "throughput_t"] == pytest.approx(12.0)
    with pytest.raises(UnknownNameError, match="erfurt"):
        chokepoints(net, demand="erfurd")


@pytest.mark.parametrize(("seed", "by"), [(0, "node"), (1, "node"), (2, "country")])
def test_on_top_of_a_shock(seed, by):
    net = drawn(seed)
    shut = next(node for node in net.nodes.index[net.nodes["kind"] == "refinery"][::-1])
    told = chokepoints(net, by=by, shock=sg.Shock.close(node=shut))
    whole = arc_program(net, nodes=[shut])
    assert told.delivered_t == pytest.approx(whole, abs=1e-5)
    for item, row in told.table.iterrows():
        left = arc_program(net, nodes=[shut, *closing(net, by, item)["nodes"]])
        assert row["loss_t"] == pytest.approx(whole - left, abs=1e-5), item
    assert (told.table["loss_t"] >= 0).all()
    assert (told.table["loss_t"] <= told.table["throughput_t"] + 1e-4 * max(whole, 1)).all()
    if by == "node":
        assert told.table.loc[shut, ["loss_t", "throughput_t"]].tolist() == [0.0, 0.0]
    assert shut in told.params["shock"]


def test_betweenness_by_hand():
    table = chokepoints(chain(), lenses=("structure",)).table["betweenness"]
    expected = {
        "tenke": 0, "talvivaara": 0, "ningde": 0, "erfurt": 0, "jinchuan": 72, "kokkola": 27,
        "durban": 72 + 18, "ningbo": 72 + 3, "malacca": 72 + 3, "suez": 12 + 3, "rotterdam": 12 + 27,
    }  # fmt: skip
    assert {node: round(value, 9) for node, value in table.items()} == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_betweenness_never_exceeds_throughput(seed):
    for by in ("node", "country", "edge", "owner"):
        table = chokepoints(drawn(seed), by=by, lenses=("structure",)).table
        assert (table["betweenness"] >= 0).all()
        assert (table["betweenness"] <= table["throughput_t"] + 1e-9).all()


@pytest.mark.parametrize("seed", range(6))
def test_price_times_limit_never_exceeds_the_loss(seed):
    net = drawn(seed)
    program = Program(net)
    uses = net.processes.index[net.processes["role"] == "use"]
    wanted = dict.fromkeys(uses, 500.0)  # far more than there is, so that limits have a price
    served = program.max_served(demand=wanted)
    assert served.unmet_t > 0
    table = served.certificate.table
    gates = table[table["kind"].isin(["plant", "site", "edge"]) & (table["through_t"] > 1e-9)]
    assert len(gates)
    for gate in gates.itertuples():
        name = {"plant": "closed_processes", "site": "closed_nodes", "edge": "closed_edges"}[gate.kind]
        loss = served.total_t - program.max_served(demand=wanted, **{name: [gate.item]}).total_t
        assert gate.through_t <= loss + 1e-5, gate


@pytest.mark.parametrize("by", ["node", "country", "owner"])
def test_top_rows_are_the_first_of_all(by):
    net = drawn(1)
    whole = chokepoints(net, by=by)
    for top in (1, 4, 50):
        part = chokepoints(net, by=by, top=top)
        pd.testing.assert_frame_equal(part.table, whole.table.head(top))
        assert set(part.losses["item"]) <= set(part.table.index)


def test_lenses_leave_columns_missing_and_never_zero():
    table = chokepoints(chain(), lenses="structure").table
    assert table[["loss_t", "days", "zone_loss_t", "in_min_cut", "loss_short_t"]].isna().all().all()
    assert (table["method"] == "not asked for").all()
    assert "was not asked for" in chokepoints(chain(), lenses="structure").explain()
    with pytest.raises(UnknownNameError, match="capacity"):
        chokepoints(chain(), lenses=("capasity",))
    with pytest.raises(UnknownNameError, match="program"):
        chokepoints(chain(), engine="programme")
    with pytest.raises(DataError, match="ramp"):
        chokepoints(chain(), ramp=-1)
    with pytest.raises(DataError, match="Shock"):
        chokepoints(chain(), shock="China")
    assert chokepoints(chain(), ramp=None, lenses="capacity").table["loss_short_t"].isna().all()


def test_too_many_pairs_for_programs(monkeypatch):
    monkeypatch.setattr(capacity, "_PAIRS", 3)
    table = chokepoints(chain(), lenses=QUICK).table
    assert (table["method"] == FLOW).all()
    assert table["loss_existing_t"].isna().all()
    assert table.loc["kokkola", "loss_t"] == pytest.approx(9.0)
    with pytest.raises(LimitError, match="lenses="):
        chokepoints(chain(), lenses=LENSES)


def test_without_shipments_there_is_still_a_loss():
    net = plain(0)
    assert net.shipments.empty
    table = chokepoints(net, lenses=QUICK).table
    assert table["throughput_t"].isna().all()
    assert table["loss_t"].notna().all()
    with pytest.raises(DataError, match="nothing to trace"):
        chokepoints(net)


def test_minerals_are_looked_at_one_by_one():
    net = drawn(0)
    alone = chokepoints(net.select(mineral="alpha"), lenses=QUICK).table
    pd.testing.assert_frame_equal(chokepoints(net, mineral="alpha", lenses=QUICK).table, alone)


def test_stops_and_gains_tell_what_happens():
    told = chokepoints(chain())
    assert told.stops("jinchuan")["flow_t"].tolist() == [80.0, 60.0, 12.0]
    gains = told.gains[told.gains["item"] == "kokkola"].set_index("node")["more_t"]
    assert gains["jinchuan"] == pytest.approx(18.0, abs=1e-3)
    assert math.isclose(told.delivered_t, 99.0)
    with pytest.raises(UnknownNameError, match="kokkola"):
        told.stops("kokola")


def test_the_map_of_items_covers_their_arcs():
    net = chain()
    program = Program(net)
    flow = capacity.Capacity(net, program.graph, program.scenario(), None, "auto").flow()
    for by in ("node", "edge", "country", "passage"):
        items = Items.of(net, by)
        ptr, arcs = items.arcs(flow)
        for number, item in enumerate(items.table.index):
            closed = flow.capacity.astype(float)
            closed[arcs[ptr[number] : ptr[number + 1]]] = 0.0
            graph = igraph.Graph(n=flow.size, edges=np.column_stack([flow.tail, flow.head]), directed=True)
            most = graph.maxflow(0, 1, capacity=closed.tolist()).value * flow.unit
            assert most == pytest.approx(arc_program(net, **closing(net, by, item)), abs=1e-6), item


@pytest.mark.parametrize("after", [0.05, 0.3, 0.9])
def test_an_interrupt_leaves_nothing_broken(after):
    net = sg.load("germanium")
    told = chokepoints(net, by="country")

    def stop(*_):
        raise KeyboardInterrupt

    kept = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        with pytest.raises(KeyboardInterrupt):
            _ = [chokepoints(net) for _ in itertools.repeat(None)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)
    again = chokepoints(net, by="country")
    pd.testing.assert_frame_equal(again.table, told.table)
    pd.testing.assert_frame_equal(again.losses, told.losses)
