"""The flow graph of a network: a maximum flow on it against the linear program."""

import igraph
import numpy as np
import pytest
from toys import chain, random_network, random_tables

from supplygraph.engine.expanded import TRANSFORM
from supplygraph.engine.flowgraph import SINK, SOURCE, FlowGraph, worths
from supplygraph.engine.program import Program
from supplygraph.network.network import SupplyNetwork

#: Seeds of plain networks for which a maximum flow is exact.
EXACT = (0, 2, 3, 4, 5, 6, 7, 8)


def flow_of(program, scenario=None, demand=None):
    setting = program.setting(program.scenario() if scenario is None else scenario, demand=demand)
    return FlowGraph.of(program.graph, setting.left, setting.scenario)


def most(flow, closed=None):
    capacity = flow.capacity.astype(float)
    if closed is not None:
        capacity[closed] = 0.0
    graph = igraph.Graph(n=flow.size, edges=np.column_stack([flow.tail, flow.head]), directed=True)
    return graph.maxflow(SOURCE, SINK, capacity=capacity.tolist()).value * flow.unit


def plain_network(seed):
    """A random network of one recovery per product, whose sites have no limit: mostly exact."""
    tables = random_tables(seed, shipments=False)
    tables["processes"]["recovery"] = tables["processes"]["recovery"].mask(tables["processes"]["input"].notna(), 0.5)
    tables["processes"]["activity_t"] = np.nan
    tables["nodes"]["throughput_t"] = np.inf
    return SupplyNetwork(**tables)


@pytest.mark.parametrize("seed", range(30))
def test_exact_where_it_says_so_and_else_a_bound(seed):
    for net in (plain_network(seed), random_network(seed)):
        program = Program(net)
        flow, served = flow_of(program), program.max_served().total_t
        assert most(flow) >= served - 1e-6
        if flow.exact:
            assert most(flow) == pytest.approx(served, abs=1e-6)


def test_most_plain_networks_are_exact():
    told = [flow_of(Program(plain_network(seed))).why for seed in range(30)]
    assert sum(not why for why in told) >= 10
    assert any("is shared by several" in why for why in told)
    assert any("different shares" in flow_of(Program(random_network(seed))).why for seed in range(5))


@pytest.mark.parametrize("seed", EXACT)
def test_a_failed_item_is_a_set_of_arcs(seed):
    net = plain_network(seed)
    program = Program(net)
    flow = flow_of(program)
    assert flow.exact, flow.why
    for of, ids, name in (
        (flow.node, program.graph.nodes, "closed_nodes"), (flow.edge, program.graph.edges, "closed_edges"),
        (flow.process, program.graph.processes, "closed_processes"),
    ):
        ptr, arcs = flow.items(of, len(ids))
        for number in range(0, len(ids), 3):
            closed = arcs[ptr[number] : ptr[number + 1]]
            served = program.max_served(**{name: [ids[number]]}).total_t
            assert most(flow, closed) == pytest.approx(served, abs=1e-6), (name, ids[number])


def test_worth_follows_the_recoveries():
    program = Program(chain())
    worth, agree = worths(program.graph)
    assert agree
    assert worth.tolist() == [0.9, 1.0]
    graph = program.graph
    graph.recovery[np.flatnonzero(graph.role == TRANSFORM)[0]] = 0.8
    worth, agree = worths(graph)
    assert not agree
    assert worth.tolist() == [0.9, 1.0]


def test_an_export_ban_closes_pairs_and_a_quota_makes_it_a_bound():
    from supplygraph.engine.limits import Ban

    program = Program(chain())
    graph = program.graph
    congo, ore = graph.countries.get_loc("COD"), graph.products.get_loc("cobalt-intermediate")
    scenario = program.scenario(bans=(Ban(congo, ore, -1),))
    ban = flow_of(program, scenario)
    assert ban.exact
    assert most(ban) == pytest.approx(10.8)  # Talvivaara's 12 t
    assert program.max_served(scenario=scenario).total_t == pytest.approx(10.8)
    quota = flow_of(program, program.scenario(bans=(Ban(congo, ore, -1, keep=0.5),)))
    assert quota.why == "export limits couple shipments"
