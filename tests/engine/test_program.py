"""The program against max flow, an independent program, and the laws of delivery."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_program import most_served
from toys import chain, random_network, random_tables

from supplygraph.engine.limits import Ban
from supplygraph.engine.program import Program, max_served
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.network.network import SupplyNetwork

SIZES = {"n_mines": 4, "n_refineries": 4, "n_factories": 4, "n_ports": 5}


def unlimited(seed):
    tables = random_tables(seed, **SIZES)
    tables["edges"]["capacity_t"] = np.inf
    tables["nodes"]["throughput_t"] = np.inf
    return SupplyNetwork(**tables)


def one_product(seed):
    """Mines straight to factories over ports, one product, no forms: a plain flow network."""
    tables = random_tables(seed, n_mines=4, n_refineries=1, n_factories=4, n_ports=5, shipments=False)
    processes = tables["processes"]
    keep = processes["role"].isin(["extract", "use"]) & (processes["mineral"] == "alpha")
    processes = processes[keep].drop_duplicates("node").copy()
    processes["makes"] = processes["accepts"] = None
    processes.loc[processes["role"] == "use", "input"] = "alpha-mining"
    edges = tables["edges"][tables["edges"]["product"] == "alpha-mining"].copy()
    more = tables["edges"][tables["edges"]["product"] == "alpha-refining"].copy()
    more["edge"] += "-x"
    edges = pd.concat([edges, more.assign(product="alpha-mining")], ignore_index=True)
    return SupplyNetwork(**(tables | {"processes": processes, "edges": edges}))


def max_flow(net, closed=()):
    """networkx on the network with split sites; every berth of a strait is a vertex inside it."""
    import networkx as nx

    graph = nx.DiGraph()
    inf = 10**9

    def arc(a, b, capacity):
        before = graph.get_edge_data(a, b, {"capacity": 0})["capacity"]
        graph.add_edge(a, b, capacity=min(before + min(capacity, inf), inf))

    for number, e in enumerate(net.edges.itertuples()):
        if {e.source, e.target} & set(closed):
            continue
        at = (e.source, -1 if pd.isna(e.source_berth) else int(e.source_berth))
        to = (e.target, -1 if pd.isna(e.target_berth) else int(e.target_berth))
        arc((*at, "out"), ("edge", number), e.capacity_t)
        arc(("edge", number), (*to, "in"), e.capacity_t)
        graph.add_edge((*to, "in"), (*to, "out"), capacity=min(net.nodes["throughput_t"][e.target], inf))
    for p in net.processes.itertuples():
        if p.node in closed:
            continue
        if p.role == "extract":
            arc("s", (p.node, -1, "out"), p.capacity_t)
        else:
            arc((p.node, -1, "out"), "t", p.capacity_t)
            arc((p.node, -1, "in"), (p.node, -1, "out"), inf)
    if "s" not in graph or "t" not in graph:
        return 0
    return nx.maximum_flow_value(graph, "s", "t", flow_func=nx.algorithms.flow.edmonds_karp)


@pytest.mark.parametrize("seed", range(8))
def test_max_flow_on_one_product(seed):
    net = one_product(seed)
    tables = {name: getattr(net, name).reset_index() for name in ("nodes", "edges")}
    # A strait's limit couples its berths, which a plain flow network cannot hold.
    tables["nodes"].loc[tables["nodes"]["kind"] == "passage", "throughput_t"] = np.inf
    net = SupplyNetwork(
        nodes=tables["nodes"], edges=tables["edges"], processes=net.processes.reset_index(),
        products=net.products.reset_index(), references=net.references.reset_index(),
        countries=net.countries.reset_index(),
    )  # fmt: skip
    program = Program(net)
    for closed in [(), *[(node,) for node in net.nodes.index]]:
        assert max_served(program, closed_nodes=closed).total_t == pytest.approx(max_flow(net, closed), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [unlimited, lambda seed: random_network(seed, **SIZES)], ids=["hubs", "routes"])
def test_an_independent_program_agrees(make, seed):
    net = make(seed)
    program = Program(net)
    for closed in [(), *[(node,) for node in net.nodes.index[::3]]]:
        served = max_served(program, closed_nodes=closed)
        assert served.total_t == pytest.approx(most_served(net, closed=closed), abs=1e-6 * max(served.demand_t, 1))
        shared = max_served(program, closed_nodes=closed, rationing="proportional").by_process
        assert shared.sum() == pytest.approx(served.total_t, abs=1e-6 * max(served.demand_t, 1))


@pytest.mark.parametrize("seed", range(4))
def test_factors_agree_with_an_independent_program(seed):
    net = unlimited(seed)
    rng = np.random.default_rng(seed)
    factor = {p: float(rng.choice([0, 0.3, 0.5, 1])) for p in net.processes.index}
    assert max_served(net, factors=factor).total_t == pytest.approx(most_served(net, factor=factor), abs=1e-6)


def test_export_limits_agree_with_closed_pairs_and_bind():
    net = unlimited(3)
    program = Program(net)
    graph = program.graph
    ships = net.shipments[net.shipments["product"] == "alpha-refining"]
    node, country = net.processes["node"], net.nodes["country"]
    abroad = node[ships["origin"]].map(country).to_numpy() != node[ships["destination"]].map(country).to_numpy()
    origin = ships["origin"][abroad].iloc[0]
    home = country[node[origin]]
    product = graph.products.get_loc("alpha-refining")
    code = graph.countries.get_loc(home)
    banned = [
        (o, d) for o in net.processes.index for d in net.processes.index
        if net.processes["output"][o] == "alpha-refining" and country[node[o]] == home and country[node[d]] != home
    ]  # fmt: skip
    total = [
        program.max_served(scenario=program.scenario(bans=(Ban(code, product, -1, keep),))).total_t
        for keep in (0.0, 0.25, 0.5, 1.0)
    ]
    assert total[0] == pytest.approx(most_served(net, banned=banned), abs=1e-6)
    assert total == sorted(total)
    assert total[3] == pytest.approx(max_served(program).total_t, abs=1e-6)


def test_order_of_questions_never_matters():
    net = unlimited(5)
    questions = [{"closed_nodes": [node]} for node in net.nodes.index]
    forward, backward = Program(net), Program(net)
    there = [forward.max_served(**q).total_t for q in questions]
    back = [backward.max_served(**q).total_t for q in reversed(questions)][::-1]
    assert there == pytest.approx(back, abs=1e-9)


@given(st.integers(0, 40), st.data())
@settings(max_examples=12, deadline=None)
def test_less_capacity_never_serves_more(seed, data):
    net = random_network(seed, **SIZES)
    program = Program(net)
    site = data.draw(st.sampled_from(list(net.processes.index)))
    levels = [program.max_served(factors={site: keep}).total_t for keep in (0.0, 0.4, 0.8, 1.0, 1.5)]
    assert np.all(np.diff(levels) >= -1e-6 * max(program.max_served().demand_t, 1.0))


@given(st.integers(0, 40), st.sampled_from([1e-3, 7.0, 1e5]))
@settings(max_examples=10, deadline=None)
def test_scaling_tonnes_scales_what_is_served(seed, factor):
    tables = random_tables(seed, **SIZES)
    before = Program(SupplyNetwork(**tables)).max_served(closed_nodes=["refinery0"], rationing="proportional")
    for table, columns in {"processes": ["capacity_t", "activity_t"], "edges": ["capacity_t"],
                           "nodes": ["throughput_t"], "shipments": ["flow_t", "flow_low_t", "flow_high_t"]}.items():
        tables[table][columns] *= factor
    after = Program(SupplyNetwork(**tables)).max_served(closed_nodes=["refinery0"], rationing="proportional")
    assert after.total_t == pytest.approx(before.total_t * factor, rel=1e-7, abs=1e-9 * factor)
    scale = max(before.demand_t, 1.0)
    assert after.by_process.to_numpy() / factor == pytest.approx(before.by_process.to_numpy(), abs=1e-5 * scale)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("make", [unlimited, lambda seed: random_network(seed, **SIZES)], ids=["hubs", "routes"])
def test_the_cut_adds_up(make, seed):
    """What is asked for behind the cut, minus what can come through it, is what is unmet."""
    net = make(seed)
    program = Program(net)
    for closed in net.nodes.index[:8]:
        served = program.max_served(closed_nodes=[closed])
        cut = served.certificate.table
        asked = cut.loc[cut["kind"] == "demand", "through_t"].sum()
        through = cut.loc[cut["kind"] != "demand", "through_t"].sum()
        assert asked - through == pytest.approx(served.unmet_t, abs=1e-6 * max(served.demand_t, 1))
        assert (cut["price"] > -1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_cut_is_tight_where_it_says(seed):
    """One tonne more at a member of the cut serves at most its price more; nothing else helps alone."""
    net = unlimited(seed)
    program = Program(net)
    served = program.max_served(closed_nodes=["refinery0"])
    cut = served.certificate.table
    prices = cut[cut["kind"] == "plant"].set_index("item")["price"]
    demand = program.graph.demand.sum()
    for process, row in net.processes.iterrows():
        if pd.isna(row["output"]) or row["node"] == "refinery0" or row["role"] == "stock":
            continue
        capacity = max(row["capacity_t"], row["activity_t"])
        if not 0 < capacity < np.inf:
            continue
        more = program.max_served(closed_nodes=["refinery0"], factors={process: 1.1}).total_t - served.total_t
        assert -1e-6 <= more <= prices.get(process, 0.0) * 0.1 * capacity + 1e-6 * demand


def test_certificate_in_words():
    served = max_served(chain(), closed_nodes=["kokkola"])
    words = served.certificate.words()
    assert served.unmet_t == pytest.approx(9.0)
    assert "9 t cannot be served" in words
    assert "jinchuan-refine (90 t)" in words
    assert "kokkola" in words


def test_equal_plants_lose_equally():
    """Two equal plants fed by one refinery share its halving, whatever the solver would pick."""
    tables = twins()
    shared = max_served(SupplyNetwork(**tables), factors={"refine": 0.5}, rationing="proportional").by_process
    assert shared.to_dict() == pytest.approx({"use-a": 20.0, "use-b": 20.0, "use-c": 10.0}, abs=1e-6)


def twins():
    nodes = [("m", "mine"), ("r", "refinery"), ("a", "factory"), ("b", "factory"), ("c", "factory")]
    common = {"reference": "toy", "confidence": "high"}
    processes = [("mine", "m", "extract", None, "ore", 100), ("refine", "r", "transform", "ore", "met", 100),
                 ("use-a", "a", "use", "met", None, 40), ("use-b", "b", "use", "met", None, 40),
                 ("use-c", "c", "use", "met", None, 20)]  # fmt: skip
    ends = [("m", "r", "ore"), ("r", "a", "met"), ("r", "b", "met"), ("r", "c", "met")]
    ships = [("mine", "refine", "ore", 100, "e0"), ("refine", "use-a", "met", 40, "e1"),
             ("refine", "use-b", "met", 40, "e2"), ("refine", "use-c", "met", 20, "e3")]  # fmt: skip
    return {
        "nodes": pd.DataFrame([{"node": n, "name": n, "kind": k, "country": "CHN", "lon": 100.0, "lat": 30.0,
                                "throughput_t": np.inf, "status": "operating", **common} for n, k in nodes]),
        "processes": pd.DataFrame([{"process": p, "node": n, "mineral": "x", "role": r, "input": i, "output": o,
                                    "capacity_t": float(c), "activity_t": float(c), "recovery": None, "year": 2024,
                                    **common} for p, n, r, i, o, c in processes]),
        "edges": pd.DataFrame([{"edge": f"e{k}", "source": s, "target": t, "product": p, "mode": "road",
                                "distance_km": 100.0 * (k + 1), "days": 1.0, "cost_usd_t": 10.0 * (k + 1),
                                "capacity_t": np.inf, "reference": "toy"} for k, (s, t, p) in enumerate(ends)]),
        "shipments": pd.DataFrame([{"shipment": f"s{k}", "origin": o, "destination": d, "product": p,
                                    "flow_t": float(f), "route": e, "basis": "reported", "reference": "toy"}
                                   for k, (o, d, p, f, e) in enumerate(ships)]),
        "products": pd.DataFrame([{"product": "ore", "mineral": "x", "stage": "mining", "order": 0, "reference": "toy"},
                                  {"product": "met", "mineral": "x", "stage": "refining", "order": 1,
                                   "reference": "toy"}]),
        "references": pd.DataFrame([{"reference": "toy", "title": "Invented"}]),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"closed_nodes": ["kokola"]}, UnknownNameError, "kokkola"),
        ({"closed_edges": ["met-cap"]}, UnknownNameError, "met-cape"),
        ({"closed_processes": ["x"]}, UnknownNameError, "process"),
        ({"factors": {"kokkola-refine": -1}}, DataError, "at least 0"),
        ({"factors": {"kokkola-refine": float("nan")}}, DataError, "at least 0"),
        ({"factors": {"nothing": 0.5}}, UnknownNameError, "nothing"),
        ({"demand": {"kokkola-refine": 3}}, DataError, "not a use"),
        ({"demand": {"erfurt-use": float("inf")}}, DataError, "finite"),
        ({"rationing": "fair"}, UnknownNameError, "proportional"),
    ],
)
def test_bad_questions_say_what_is_wrong(options, error, says):
    with pytest.raises(error, match=says):
        max_served(chain(), **options)


def test_ramp_must_be_a_number():
    with pytest.raises(DataError, match="ramp"):
        Program(chain(), ramp=-0.1)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_process_in_which_highs_has_run_before_is_no_matter(threads):
    """HiGHS keeps one pool of threads per process and refuses another number; ours asks for none."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); import highspy, toys, supplygraph as sg\n"
        f"own = highspy.Highs(); own.setOptionValue('output_flag', False); own.setOptionValue('threads', {threads})\n"
        "x = own.addVariable(lb=1.0); own.minimize(x)\n"
        "print(round(sg.reroute(toys.chain(), sg.Shock.close(node='kokkola')).unmet_t, 3))\n"
        "own.maximize(0 * x); print(own.getModelStatus() == highspy.HighsModelStatus.kOptimal)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split()[-2:] == ["12.6", "True"]
