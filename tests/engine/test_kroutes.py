"""Ranked chains against plain enumeration, and against networkx and igraph where every step counts."""

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from oracle_routes import places, ways
from toys import chain_tables, random_network, random_tables

from supplygraph.engine.chainfinder import Finder, Marks, Prices
from supplygraph.engine.expanded import expand
from supplygraph.engine.kroutes import Signer, least_cause, ranked
from supplygraph.errors import LimitError
from supplygraph.network.network import SupplyNetwork

SMALL = {"n_mines": 2, "n_refineries": 2, "n_factories": 2, "n_ports": 3}


def finder(graph, starts, product, marks, prices=None):
    prices = prices or Prices(graph.cost, graph.fee, graph.recovery)
    return Finder(graph, prices, np.array(starts), product, marks, open_arc=graph.capacity > 0,
                  open_node=graph.throughput > 0, open_process=graph.limit > 0)  # fmt: skip


def every_step(graph):
    """One mark per bundle of parallel arcs and per process."""
    ends = graph.source * len(graph.vertex_node) + graph.target
    _, first = np.unique(ends, return_index=True)
    none = np.zeros(0, dtype=np.int64)
    made = np.flatnonzero(graph.gives >= 0)
    arcs = [np.array([arc]) for arc in first]
    return Marks(
        (none,) * (len(arcs) + len(made)), (*([none] * len(arcs)), *(np.array([p]) for p in made)),
        (*arcs, *([none] * len(made))),
    )  # fmt: skip


def extracts(graph):
    return np.flatnonzero(graph.role == 0)


@pytest.mark.parametrize("seed", range(12))
def test_every_step_counts_gives_the_plain_k_best_chains(seed):
    net = random_network(seed, **SMALL)
    graph = expand(net)
    product = int(graph.products.get_loc("alpha-refining"))
    marks = every_step(graph)
    starts = extracts(graph)
    search, signer = finder(graph, starts, product, marks), Signer(graph, marks)
    for target in np.flatnonzero((graph.role == 2) & (graph.takes == product)):
        chains = ranked(search, signer, np.array([target]), 6)
        truth = ways(net, list(graph.processes[starts]), [graph.processes[target]])
        assert [chain.value for chain in chains] == pytest.approx([way.value for way in truth[:6]])


@pytest.mark.parametrize("seed", range(6))
def test_one_leg_against_networkx_and_igraph(seed):
    net = random_network(seed, n_mines=3, n_refineries=3, n_factories=3, n_ports=6)
    graph = expand(net)
    product = int(graph.products.get_loc("alpha-mining"))
    origin, target = (graph.processes.get_loc(p) for p in ("mine0-extract-alpha", "refinery0-refine-alpha"))
    marks = every_step(graph)
    plain = Prices(graph.km, np.zeros(len(graph.processes)), np.ones(len(graph.processes)))
    found = [c.value for c in ranked(finder(graph, [origin], product, marks, plain), Signer(graph, marks),
                                     np.array([target]), 8)]  # fmt: skip
    truth, _ = places(net, "alpha-mining", "distance_km")
    ends = [(graph.nodes[graph.at[p]], -1) for p in (origin, target)]  # noqa: PD008 - an array
    paths = nx.shortest_simple_paths(truth, *ends, weight="weight")
    lengths = [nx.path_weight(truth, path, "weight") for path, _ in zip(paths, range(8), strict=False)]
    assert len(found) > (0 if seed == 4 else 1)
    assert found == pytest.approx(lengths)
    other = igraph.Graph.from_networkx(truth)
    names = {name: i for i, name in enumerate(other.vs["_nx_name"])}
    peer = other.get_k_shortest_paths(names[ends[0]], names[ends[1]], k=8, weights="weight", output="epath")
    assert found == pytest.approx([sum(other.es[path]["weight"]) for path in peer])


def looped(seed):
    """A network in which refinery0 turns metal back into ore, and can send it to refinery1."""
    tables = random_tables(seed, **SMALL, shipments=False)
    processes, edges = tables["processes"], tables["edges"]
    refine = processes[processes["process"] == "refinery0-refine-alpha"]
    back = refine.assign(process="back", input="alpha-refining", output="alpha-mining", recovery=0.5, cost_usd_t=3.0)
    other = refine.assign(process="again", node="refinery1", recovery=0.75)
    tables["processes"] = pd.concat([processes, back, other], ignore_index=True)
    link = edges[edges["edge"] == "e0000"].assign(capacity_t=np.inf, source_berth=None, target_berth=None)
    more = [link.assign(edge=f"loop{i}", source=a, target=b, product=product, cost_usd_t=10.0 + i)
            for i, (a, b, product) in enumerate([("refinery0", "refinery1", "alpha-mining"),
                                                 ("refinery1", "refinery0", "alpha-refining")])]  # fmt: skip
    tables["edges"] = pd.concat([edges, *more], ignore_index=True)
    return SupplyNetwork(**tables)


@pytest.mark.parametrize("seed", range(6))
def test_products_that_turn_into_each_other(seed):
    net = looped(seed)
    graph = expand(net)
    ore = int(graph.products.get_loc("alpha-mining"))
    target = graph.processes.get_loc("again")
    marks = every_step(graph)
    for starts in (["refinery0-refine-alpha"], ["mine0-extract-alpha"]):
        search = finder(graph, graph.processes.get_indexer(starts), ore, marks)
        [best] = ranked(search, Signer(graph, marks), np.array([target]), 1)
        assert best.value == pytest.approx(ways(net, starts, ["again"])[0].value)
    way = ranked(finder(graph, [graph.processes.get_loc("refinery0-refine-alpha")], ore, marks), Signer(graph, marks),
                 np.array([target]), 1)[0]  # fmt: skip
    assert graph.processes.get_loc("back") in way.processes


def test_a_loop_that_gains_is_refused():
    tables = random_tables(0, **SMALL, shipments=False)
    processes = tables["processes"]
    at = processes["process"] == "refinery0-refine-alpha"
    processes.loc[at, ["recovery", "cost_usd_t", "capacity_t"]] = [1.0, 0.0, 100.0]
    back = processes[at].assign(process="back", input="alpha-refining", output="alpha-mining", recovery=4.0)
    tables["processes"] = pd.concat([processes, back], ignore_index=True)
    graph = expand(SupplyNetwork(**tables))
    product = int(graph.products.get_loc("alpha-refining"))
    with pytest.raises(LimitError, match="going round would get ever cheaper"):
        finder(graph, extracts(graph), product, Marks((), (), ())).search()


@pytest.mark.parametrize("seed", range(8))
def test_negative_processing_costs(seed):
    tables = random_tables(seed, **SMALL)
    processes = tables["processes"]
    processes["cost_usd_t"] = np.random.default_rng(seed).integers(-400, 50, len(processes)).astype(float)
    net = SupplyNetwork(**tables)
    graph = expand(net)
    product = int(graph.products.get_loc("alpha-refining"))
    starts = extracts(graph)
    found = finder(graph, starts, product, Marks((), (), ())).search()
    for target in np.flatnonzero((graph.role == 2) & (graph.takes == product)):
        truth = ways(net, list(graph.processes[starts]), [graph.processes[target]])
        assert found.value[target] == pytest.approx(truth[0].value if truth else np.inf)


@pytest.mark.parametrize("seed", range(8))
def test_least_cause_cuts_and_spares_nothing(seed):
    net = random_network(seed, **SMALL)
    graph = expand(net)
    product = int(graph.products.get_loc("alpha-refining"))
    none = np.zeros(0, dtype=np.int64)
    nodes = [np.array([n]) for n in range(len(graph.nodes))]
    marks = Marks(tuple(nodes), (none,) * len(nodes), (none,) * len(nodes))
    starts, cut = extracts(graph), 0
    search = finder(graph, starts, product, marks)
    shut = [n for n in range(len(graph.nodes)) if graph.nodes[n].startswith(("port", "passage"))]
    for target in np.flatnonzero((graph.role == 2) & (graph.takes == product)):
        ends, origins = [graph.processes[target]], list(graph.processes[starts])
        cause = least_cause(search, np.array([target]), shut)
        if cause is None:
            assert ways(net, origins, ends, closed_nodes=graph.nodes[shut])
            continue
        assert not ways(net, origins, ends, closed_nodes=graph.nodes[cause])
        for spared in cause:
            assert ways(net, origins, ends, closed_nodes=graph.nodes[[n for n in cause if n != spared]])
        cut += bool(cause)
    assert cut or seed not in {0, 1, 2}


def test_of_two_plants_at_one_place_the_cheaper_one_gives():
    tables = chain_tables()
    processes = tables["processes"]
    dear = processes["process"] == "tenke-extract"
    processes.loc[dear, "cost_usd_t"] = 50.0
    second = processes[dear].assign(process="tenke-second", cost_usd_t=10.0, activity_t=0.0)
    tables["processes"] = pd.concat([processes, second], ignore_index=True)
    graph = expand(SupplyNetwork(**tables))
    starts = graph.processes.get_indexer(["tenke-extract", "tenke-second"])
    target = graph.processes.get_loc("erfurt-use")
    search = finder(graph, starts, int(graph.takes[target]), Marks((), (), ()))
    [found] = ranked(search, Signer(graph, search.marks), np.array([target]), 1)
    assert graph.processes[found.processes[0]] == "tenke-second"
    assert found.value == pytest.approx((10 + 220) / 0.9 + 35)
