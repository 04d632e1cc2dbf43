"""Routes against networkx, on the same awkward networks, with sites and edges closed."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from toys import chain, random_network

from supplygraph.engine.expanded import expand
from supplygraph.engine.routing import cheapest

SIZES = {"n_mines": 4, "n_refineries": 4, "n_factories": 4, "n_ports": 6}


def plain(net, product, closed_nodes, closed_edges):
    graph = nx.DiGraph()
    for e in net.edges.itertuples():
        if e.product != product or e.Index in closed_edges or {e.source, e.target} & closed_nodes:
            continue
        at = (e.source, -1 if pd.isna(e.source_berth) else int(e.source_berth))
        to = (e.target, -1 if pd.isna(e.target_berth) else int(e.target_berth))
        cost = 0.0 if pd.isna(e.cost_usd_t) else e.cost_usd_t
        if cost < graph.get_edge_data(at, to, {"weight": np.inf})["weight"]:
            graph.add_edge(at, to, weight=cost)
    return graph


@pytest.mark.parametrize("seed", range(8))
def test_cheapest_routes(seed):
    net = random_network(seed, **SIZES)
    graph = expand(net)
    rng = np.random.default_rng(seed)
    shut_node = rng.random(len(graph.nodes)) < 0.1
    shut_arc = rng.random(len(graph.edges)) < 0.1
    names = set(graph.nodes[shut_node])
    for product, label in enumerate(graph.products):
        origins, destinations, _ = graph.pairs(product)
        if not len(origins) or not len(destinations):
            continue
        found = cheapest(graph, product, graph.gives_at[origins], graph.takes_at[destinations],
                         closed_node=shut_node, closed_arc=shut_arc)  # fmt: skip
        truth = plain(net, label, names, set(graph.edges[shut_arc]))
        km = found.total(graph.km)
        for i, o in enumerate(origins):
            for j, d in enumerate(destinations):
                a, b = (graph.nodes[graph.at[o]], -1), (graph.nodes[graph.at[d]], -1)  # noqa: PD008 - an array
                route = found.route(i, j)
                if a == b and a[0] not in names:
                    assert found.weight[i, j] == 0.0
                    assert not len(route)
                    continue
                if {a[0], b[0]} & names or a not in truth or b not in truth or not nx.has_path(truth, a, b):
                    assert np.isinf(found.weight[i, j])
                    assert np.isnan(km[i, j])
                    continue
                assert found.weight[i, j] == pytest.approx(nx.dijkstra_path_length(truth, a, b))
                # The route is one: connected, open, of this product, and costs what it says.
                assert graph.source[route[0]] == graph.gives_at[o]
                assert graph.target[route[-1]] == graph.takes_at[d]
                assert (graph.target[route[:-1]] == graph.source[route[1:]]).all()
                assert graph.cost[route].sum() == pytest.approx(found.weight[i, j])
                assert graph.km[route].sum() == pytest.approx(km[i, j])
                assert not shut_arc[route].any()


def test_a_berth_is_not_a_turning():
    """Malacca's two berths are separate waters: closing the direct leg leaves no way through the strait."""
    graph = expand(chain())
    product = graph.products.get_loc("cobalt-intermediate")
    start = graph.gives_at[[graph.processes.get_loc("tenke-extract")]]
    end = graph.takes_at[[graph.processes.get_loc("jinchuan-refine")]]
    shut = graph.edges.isin(["ore-malacca-ningbo"])
    route = cheapest(graph, product, start, end, closed_arc=shut).route(0, 0)
    assert graph.edges[route].tolist() == ["ore-tenke-durban", "ore-lombok", "ore-ningbo-jinchuan"]


def test_ties_go_to_the_first_edge_id():
    net = chain()
    edges = net.edges.reset_index()
    twin = edges[edges["edge"] == "ore-lombok"].assign(edge="ore-aaa", distance_km=1.0)
    tables = {name: getattr(net, name).reset_index() for name in ("nodes", "processes", "products", "references",
                                                                  "shipments", "countries")}  # fmt: skip
    same = type(net)(edges=pd.concat([edges, twin], ignore_index=True), **tables)
    graph = expand(same)
    product = graph.products.get_loc("cobalt-intermediate")
    start = graph.gives_at[[graph.processes.get_loc("tenke-extract")]]
    end = graph.takes_at[[graph.processes.get_loc("jinchuan-refine")]]
    route = cheapest(graph, product, start, end, closed_node=graph.nodes == "malacca").route(0, 0)
    assert "ore-aaa" in set(graph.edges[route])


@pytest.mark.parametrize("seed", range(4))
def test_the_index_finds_every_arc_once(seed):
    graph = expand(random_network(seed, **SIZES))
    for (ptr, arcs), ends in ((graph.out_arcs, graph.source), (graph.in_arcs, graph.target)):
        assert sorted(arcs) == list(range(len(graph.edges)))
        for vertex in range(len(graph.vertex_node)):
            assert (ends[arcs[ptr[vertex] : ptr[vertex + 1]]] == vertex).all()
    # Every product owns a block of vertices, so no edge leads from one product to another.
    assert (graph.vertex_product[graph.source] == graph.vertex_product[graph.target]).all()
