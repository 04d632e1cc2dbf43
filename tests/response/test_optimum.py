"""Rerouting against other engines: network simplex, an independent program, enumeration by hand, two solvers."""

from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from oracle_program import least_cost, most_served
from toys import chain, chain_tables, random_network, random_tables

import supplygraph as sg
from supplygraph.engine.change import least_change
from supplygraph.engine.paths import Prices
from supplygraph.engine.program import Program, ration
from supplygraph.network.network import SupplyNetwork

SIZES = {"n_mines": 4, "n_refineries": 4, "n_factories": 4, "n_ports": 5}


def one_product(seed):
    """Mines straight to factories over ports: integers only, straits without a limit, demand that can be met."""
    tables = random_tables(seed, n_mines=4, n_refineries=1, n_factories=4, n_ports=5, shipments=False)
    processes = tables["processes"]
    keep = processes["role"].isin(["extract", "use"]) & (processes["mineral"] == "alpha")
    processes = processes[keep].drop_duplicates("node").copy()
    processes["makes"] = processes["accepts"] = processes["activity_t"] = None
    processes = processes.astype({"activity_t": float})
    processes.loc[processes["role"] == "use", "input"] = "alpha-mining"
    edges = tables["edges"][tables["edges"]["product"] == "alpha-mining"].copy()
    more = tables["edges"][tables["edges"]["product"] == "alpha-refining"].copy()
    more["edge"] += "-x"
    edges = pd.concat([edges, more.assign(product="alpha-mining")], ignore_index=True)
    edges["cost_usd_t"] = edges["cost_usd_t"].fillna(0.0).round()
    processes["cost_usd_t"] = processes["cost_usd_t"].fillna(0.0).round()
    tables["nodes"].loc[tables["nodes"]["kind"] == "passage", "throughput_t"] = np.inf
    tables |= {"processes": processes, "edges": edges}
    served = Program(SupplyNetwork(**tables)).max_served(rationing="proportional").by_process
    uses = processes["role"] == "use"
    processes.loc[uses, "capacity_t"] = np.floor(processes.loc[uses, "process"].map(served) + 1e-9)
    return SupplyNetwork(**(tables | {"processes": processes}))


def network_simplex(net):
    """Least cost by networkx: every site is split, parallel edges get a vertex of their own."""
    graph, inf = nx.DiGraph(), 10**9
    for number, e in enumerate(net.edges.itertuples()):
        at = (e.source, -1 if pd.isna(e.source_berth) else int(e.source_berth))
        to = (e.target, -1 if pd.isna(e.target_berth) else int(e.target_berth))
        graph.add_edge((*at, "out"), ("edge", number), capacity=min(e.capacity_t, inf), weight=int(e.cost_usd_t))
        graph.add_edge(("edge", number), (*to, "in"), capacity=min(e.capacity_t, inf), weight=0)
        graph.add_edge((*to, "in"), (*to, "out"), capacity=min(net.nodes["throughput_t"][e.target], inf), weight=0)
    asked = 0
    for p in net.processes.itertuples():
        if p.role == "extract":
            graph.add_edge("s", (p.node, -1, "out"), capacity=min(p.capacity_t, inf), weight=int(p.cost_usd_t))
        else:
            graph.add_edge((p.node, -1, "in"), (p.node, -1, "out"), capacity=inf, weight=0)
            graph.add_edge((p.node, -1, "out"), ("use", p.Index), capacity=p.capacity_t, weight=0)
            graph.add_node(("use", p.Index), demand=int(p.capacity_t))
            asked += int(p.capacity_t)
    graph.add_node("s", demand=-asked)
    return nx.network_simplex(graph)[0]


@pytest.mark.parametrize("seed", range(10))
def test_least_cost_is_that_of_network_simplex(seed):
    net = one_product(seed)
    plan = sg.reroute(net, objective="least_cost", ramp=None)
    assert plan.unmet_t == pytest.approx(0.0, abs=1e-6)
    assert plan.objective_usd == pytest.approx(network_simplex(net), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_least_cost_is_that_of_an_independent_program(seed):
    """Several minerals, recoveries, forms, shared limits; with demand low enough to be met in full."""
    tables = random_tables(seed, **SIZES)
    processes, shut = tables["processes"], ["refinery0"]
    served = Program(SupplyNetwork(**tables)).max_served(rationing="proportional", closed_nodes=shut).by_process
    uses = processes["role"] == "use"
    low = processes.loc[uses, "process"].map(served) * 0.9
    processes.loc[uses, "capacity_t"], processes.loc[uses, "activity_t"] = low, low
    tables["shipments"] = tables["shipments"].iloc[:0]
    for column in ("activity_t", "activity_low_t", "activity_high_t"):
        processes.loc[~uses & (processes["role"] != "stock"), column] = np.nan
    net = SupplyNetwork(**tables)
    plan = sg.reroute(net, sg.Shock.close(node=shut), objective="least_cost", ramp=None)
    total = max(plan.demand_t, 1.0)
    assert plan.unmet_t == pytest.approx(0.0, abs=1e-6 * total)
    assert plan.objective_usd == pytest.approx(least_cost(net, closed=shut), rel=1e-6, abs=1e-3 * total)


def test_least_cost_by_hand():
    """Erfurt (36 t) is nearer to Kokkola, which makes 27 t today and can make 36 of 40 t; Talvivaara can send 12 t."""
    plan = sg.reroute(chain(), objective="least_cost", ramp=None)
    by_pair = plan.table.groupby(["origin", "destination"])["after_t"].sum()
    assert by_pair["kokkola-refine", "erfurt-use"] == pytest.approx(36.0)
    assert by_pair["jinchuan-refine", "ningde-use"] == pytest.approx(63.0)
    assert by_pair.get(("jinchuan-refine", "erfurt-use"), 0.0) == pytest.approx(0.0, abs=1e-6)
    # Tenke to Jinchuan 70 t at 255; Talvivaara 12 t at 10 and Tenke 28 t at 220 to Kokkola; 63 at 60, 36 at 35.
    assert plan.objective_usd == pytest.approx(70 * 255 + 12 * 10 + 28 * 220 + 63 * 60 + 36 * 35)


def vertices(matrix, right, upper, cost):
    """Least cost over all basic solutions of ``matrix x = right``, ``0 <= x <= upper``: plain enumeration."""
    rows, columns = matrix.shape
    best = np.inf
    for basis in combinations(range(columns), rows):
        rest = [c for c in range(columns) if c not in basis]
        square = matrix[:, basis]
        if abs(np.linalg.det(square)) < 1e-9:
            continue
        free = [c for c in rest if np.isfinite(upper[c])]
        for ends in range(2 ** len(free)):
            x = np.zeros(columns)
            x[free] = [upper[c] * (ends >> bit & 1) for bit, c in enumerate(free)]
            x[list(basis)] = np.linalg.solve(square, right - matrix @ x)
            if (x >= -1e-9).all() and (x <= upper + 1e-9).all():
                best = min(best, float(cost @ x))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_brute_force_over_all_vertices(seed):
    """Two minerals share one port: 2 mines, 2 refineries (recovery 1/2), 2 factories, one berth of limited size."""
    rng = np.random.default_rng(seed)
    dear, cheap = rng.integers(20, 60, 2), rng.integers(1, 15, 2)
    need, port = rng.integers(4, 10, 2).astype(float), float(rng.integers(8, 14))
    fee = rng.integers(0, 9, 2)
    nodes, processes, edges, products = [("port", "port", "CHN")], [], [], []
    for k, m in enumerate(("a", "b")):
        nodes += [(f"mine-{m}", "mine", "COD"), (f"plant-{m}", "refinery", "CHN"), (f"works-{m}", "factory", "DEU")]
        products += [(f"{m}-ore", m, "mining", 1), (f"{m}-metal", m, "refining", 2)]
        processes += [
            (f"{m}-mine", f"mine-{m}", m, "extract", None, f"{m}-ore", 100.0, np.nan, np.nan),
            (f"{m}-plant", f"plant-{m}", m, "transform", f"{m}-ore", f"{m}-metal", 100.0, 0.5, fee[k]),
            (f"{m}-works", f"works-{m}", m, "use", f"{m}-metal", None, need[k], np.nan, np.nan),
        ]
        edges += [
            (f"{m}-1", f"mine-{m}", f"plant-{m}", f"{m}-ore", 5.0), (f"{m}-2", f"plant-{m}", "port", f"{m}-metal", 0.0),
            (f"{m}-3", "port", f"works-{m}", f"{m}-metal", float(cheap[k])),
            (f"{m}-4", f"plant-{m}", f"works-{m}", f"{m}-metal", float(dear[k])),
        ]
    base = chain_tables()
    frame = pd.DataFrame
    net = SupplyNetwork(
        nodes=frame(nodes, columns=["node", "kind", "country"]).assign(
            name=lambda t: t["node"], lon=10.0, lat=50.0, status="invented", reference="toy", confidence="high",
            throughput_t=lambda t: np.where(t["node"] == "port", port, np.inf),
        ),
        processes=frame(processes, columns=["process", "node", "mineral", "role", "input", "output", "capacity_t",
                                            "recovery", "cost_usd_t"]).assign(reference="toy", confidence="high"),
        edges=frame(edges, columns=["edge", "source", "target", "product", "cost_usd_t"]).assign(
            mode="road", distance_km=1.0, days=1.0, capacity_t=np.inf, reference="toy"),
        products=frame(products, columns=["product", "mineral", "stage", "order"]).assign(reference="toy"),
        references=base["references"], countries=base["countries"],
    )  # fmt: skip
    plan = sg.reroute(net, objective="least_cost", ramp=None)
    # Columns: tonnes over the port and past it, per mineral, then the room left at the port.
    matrix = np.array([[1.0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [1, 0, 1, 0, 1]])
    ore = 5.0 / 0.5 + fee  # ten USD of ore freight per tonne of metal, and processing
    cost = np.array([ore[0] + cheap[0], ore[0] + dear[0], ore[1] + cheap[1], ore[1] + dear[1], 0.0])
    right = np.array([*need, port])
    assert plan.unmet_t == pytest.approx(0.0, abs=1e-6)
    assert plan.objective_usd == pytest.approx(vertices(matrix, right, np.full(5, np.inf), cost), rel=1e-6)
    shadow = plan.shadow[(plan.shadow["kind"] == "site") & (plan.shadow["item"] == "port")]
    gain = sorted(zip(dear - cheap, need, strict=True), reverse=True)
    if gain[0][1] < port < need.sum() and gain[0][0] > gain[1][0]:  # the next berth goes to what gains less by it
        assert shadow["usd_t"].iloc[0] == pytest.approx(gain[1][0], abs=1e-4)


def flows_by(net, method, shock, groups=None):
    """Shipments after all phases, solved by one method."""
    program = Program(net, ramp=0.2, method=method)
    scenario = program.scenario(closed_nodes=shock)
    setting = program.setting(scenario)
    inside = np.zeros(len(net.processes), dtype=bool)
    model = program.model(setting, groups, links=True)
    _, unmet = ration(model, "proportional", inside)
    route = model if setting.left.couples else program.routes(setting, groups, prices=Prices(relink=300.0))
    change = least_change(route, unmet, setting.left)
    table = route.table
    flow = pd.Series(change.x[table.number] * route.unit)
    keys = [table.origin, table.destination, table.kind, [tuple(s[s >= 0]) for s in table.steps]]
    return flow.groupby(keys).sum(), float(setting.left.demand.sum())


@pytest.mark.parametrize("mineral", ["cobalt", "graphite", "antimony"])
def test_two_solvers_give_the_same_shipments(mineral):
    net = sg.load(mineral)
    big = net.processes[net.processes["role"] == "transform"].nlargest(2, "activity_t")["node"].tolist()
    (one, demand), (two, _) = (flows_by(net, method, big) for method in ("simplex", "ipm"))
    one, two = one.align(two, fill_value=0.0)
    assert (one - two).abs().max() <= 1e-6 * demand


@pytest.mark.parametrize("seed", range(4))
def test_two_solvers_agree_where_routes_are_priced_in(seed):
    net = random_network(seed, **SIZES)
    (one, demand), (two, _) = (flows_by(net, method, ["refinery0"]) for method in ("simplex", "ipm"))
    one, two = one.align(two, fill_value=0.0)
    assert (one - two).abs().max() <= 1e-6 * max(demand, 1.0)


def test_equal_plants_lose_equally():
    """Ningde twice, half each: what one loses the other loses too."""
    tables = chain_tables()
    for name, key in (("nodes", "node"), ("processes", "process")):
        twin = tables[name][tables[name][key].str.startswith("ningde")].copy()
        twin[key] = twin[key].str.replace("ningde", "twin")
        if name == "processes":
            twin["node"] = "twin"
        tables[name] = pd.concat([tables[name], twin], ignore_index=True)
    processes = tables["processes"]
    half = processes["process"].isin(["ningde-use", "twin-use"])
    for column in ("capacity_t", "activity_t"):
        processes.loc[half, column] = 31.5
    edges = tables["edges"]
    more = edges[edges["target"] == "ningde"].copy()
    more["edge"] += "-twin"
    more["target"] = "twin"
    tables["edges"] = pd.concat([edges, more], ignore_index=True)
    ships = tables["shipments"]
    twin = ships[ships["destination"] == "ningde-use"].copy()
    twin["shipment"] += "-twin"
    twin["destination"] = "twin-use"
    twin["route"] = twin["route"].str.replace("met-jinchuan-ningde", "met-jinchuan-ningde-twin").str.replace(
        "met-ningbo-ningde", "met-ningbo-ningde-twin")  # fmt: skip
    ships.loc[ships["destination"] == "ningde-use", "flow_t"] /= 2
    twin["flow_t"] /= 2
    tables["shipments"] = pd.concat([ships, twin], ignore_index=True)
    for shock in (sg.Shock.close(node="jinchuan", keep=0.5), sg.Shock.close(node="kokkola")):
        unmet = sg.reroute(SupplyNetwork(**tables), shock).unmet["unmet_t"]
        assert unmet["ningde"] == pytest.approx(unmet["twin"], abs=1e-6)
        assert unmet.sum() > 1


@pytest.mark.parametrize("mineral", ["cobalt", "graphite"])
def test_no_plant_loses_alone_in_its_country(mineral):
    """Chinese refining is halved: the plants that buy there lose alike, not one 96 % and its neighbour nothing."""
    net = sg.load(mineral)
    plan = sg.reroute(net, sg.Shock.close(country="CHN", stage="refining", keep=0.5))
    uses = net.processes[(net.processes["role"] == "use") & (net.processes["input"] == f"{mineral}-refined")]
    unmet = plan.unmet.loc[plan.unmet.index.isin(uses["node"]) & (plan.unmet["country"] == "CHN")]
    share = unmet["unmet_t"] / unmet["demand_t"]
    assert len(share) >= 6
    assert share.min() > 0.45
    assert share.max() - share.min() < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_the_cut_of_an_unmet_demand_can_be_recomputed(seed):
    """Its sum is what an independent program finds; and more of a gate serves what its price says."""
    net = random_network(seed, **SIZES)
    for closed in ("refinery0", "port1", "mine0"):
        plan = sg.reroute(net, sg.Shock.close(node=closed), ramp=None)
        served = most_served(net, closed=[closed])
        cut = plan.cut
        behind, gates = cut[cut["kind"] == "demand"], cut[cut["kind"] != "demand"]
        scale = max(plan.demand_t, 1.0)
        assert plan.unmet_t == pytest.approx(plan.demand_t - served, abs=1e-6 * scale)
        total = behind["through_t"].sum() - gates["through_t"].sum()
        assert total == pytest.approx(plan.unmet_t, abs=1e-6 * scale)
