"""What passes sites, links and straits, against the enumeration of every chain of shipments."""

import numpy as np
import pandas as pd
import pytest
from measure_nets import random_chain
from toys import chain, random_network

from supplygraph.errors import DataError
from supplygraph.measures import passing, stages, tracing
from supplygraph.measures.centrality import refining_centrality
from supplygraph.world.datasets import load


def every_chain(net, *, smallest=0.0):
    """Share of demand, processes from demand backward, and the sites and links touched, of every chain of shipments."""
    home, edges = net.processes["node"], net.edges
    shipments = net.shipments[net.shipments["flow_t"] > 0]
    intake = shipments.groupby("destination")["flow_t"].sum()
    sinks = net.processes.index[net.processes["output"].isna()].intersection(intake.index)
    into = {key: list(group.itertuples()) for key, group in shipments.groupby("destination")}
    stack = [(intake[sink] / intake[sinks].sum(), (sink,), frozenset([home[sink]])) for sink in sinks]
    while stack:
        weight, steps, touched = stack.pop()
        if steps[-1] not in into:
            yield weight, steps, touched
            continue
        for shipment in into[steps[-1]]:
            part = weight * shipment.flow_t / intake[steps[-1]]
            if part > smallest:
                route = [] if pd.isna(shipment.route) else shipment.route.split(";")
                ends = {end for edge in route for end in edges.loc[edge, ["source", "target"]]}
                stack.append((part, (*steps, shipment.origin), touched | ends | {*route, home[shipment.origin]}))


def by_chains(net, stage, smallest=0.0):
    """Share and centrality of everything, straight from the definition."""
    inside = stages.in_stage(net, stage)
    country, home = net.nodes["country"], net.processes["node"]
    found = []
    for weight, steps, touched in every_chain(net, smallest=smallest):
        crossed = [step for step in steps if inside[step]]
        if crossed:
            found.append((weight, country[home[crossed[0]]], touched))
    whole = sum(weight for weight, *_ in found)
    of_country = pd.Series([w for w, *_ in found], [c for _, c, _ in found]).groupby(level=0).sum() / whole
    share, central = {}, {}
    for weight, code, touched in found:
        for item in touched:
            share[item] = share.get(item, 0.0) + weight / whole
            central[item] = central.get(item, 0.0) + weight / whole * of_country.get(code, 0.0)
    return pd.DataFrame({"share": share, "centrality": central}, dtype=float)


def agrees(net, stage, off=1e-12, smallest=0.0):
    expected = by_chains(net, stage, smallest)
    seen = 0
    for of, ids in (("nodes", net.nodes.index), ("edges", net.edges.index)):
        told = refining_centrality(net, stage=stage, of=of).table
        assert told.index.name == of[:-1]
        for column in ("share", "centrality"):
            right = expected[column].reindex(ids).fillna(0.0)
            np.testing.assert_allclose(told[column].reindex(ids).fillna(0.0), right, atol=off)
        used = expected.index[expected["share"] > off]
        assert set(told.index[told["share"] > off]) == set(used.intersection(ids))
        seen += len(told)
    return seen


@pytest.mark.parametrize("stage", ["mining", "refining"])
@pytest.mark.parametrize("seed", range(25))
def test_random_networks_with_port_cycles_and_parallel_links(seed, stage):
    net = random_network(seed).select(mineral="alpha")
    assert agrees(net, stage) > 4


@pytest.mark.parametrize("stage", ["mining", "smelting", "refining"])
@pytest.mark.parametrize(("shape", "smallest"), [
    ({}, 0.0), ({"integrated": True, "stock": True, "unknown": True}, 0.0), ({"rerefine": 1}, 1e-7),
])
@pytest.mark.parametrize("seed", range(3))
def test_chains_of_several_stages(seed, shape, smallest, stage):
    net = random_chain(seed, sizes=(3, 2, 3, 2) if smallest == 0.0 else (1, 1, 2, 1), **shape)
    assert agrees(net, stage, 1e-12 if smallest == 0.0 else 1e-4, smallest) > 4


@pytest.mark.parametrize("rerefine", [0, 2])
@pytest.mark.parametrize("seed", range(4))
def test_chunks_and_ways_agree(seed, rerefine, monkeypatch):
    net = random_chain(seed, rerefine=rerefine)
    whole = refining_centrality(net, of="nodes").table
    monkeypatch.setattr(passing, "_AT_ONCE", 1)  # one site at a time
    one = refining_centrality(net, of="nodes").table.reindex(whole.index)
    pd.testing.assert_frame_equal(one, whole, rtol=0, atol=1e-13)
    traced = tracing.trace(net)
    touches = tracing.visits(traced)
    once = passing._once(traced, *touches, len(net.nodes))
    assert once.any()
    assert not once.all()
    monkeypatch.setattr(passing, "_AT_ONCE", 10_000)
    monkeypatch.setattr(passing, "_once", lambda *_: np.zeros(len(net.nodes), dtype=bool))  # none taken for granted
    slow = refining_centrality(net, of="nodes").table.reindex(whole.index)
    pd.testing.assert_frame_equal(slow, whole, rtol=0, atol=1e-13)


def test_the_toy_by_hand():
    told = refining_centrality(chain(), of="nodes").table
    # 72 of 99 t refined at Jinchuan in China, 27 at Kokkola: 12 t and 3 t of metal go through Suez, ore does not.
    china, finland = 72 / 99, 27 / 99
    assert told.loc["suez", "share"] == pytest.approx(15 / 99)
    assert told.loc["suez", "centrality"] == pytest.approx((12 * china + 3 * finland) / 99)
    assert told.loc["suez", "country_share"] == pytest.approx((12 * china + 3 * finland) / 15)
    assert told.loc["suez", "marginal"] == pytest.approx(2 * ((12 * china + 3 * finland) / 99 - 15 / 99 * 73 / 121))
    # Malacca: all of Jinchuan's ore, once, though 12 t of its metal come through again; and 3 t from Kokkola.
    assert told.loc["malacca", "share"] == pytest.approx(75 / 99)
    straits = refining_centrality(chain(), of="passages").table
    assert sorted(straits.index) == ["malacca", "suez"]
    pd.testing.assert_frame_equal(straits, told.loc[straits.index])
    links = refining_centrality(chain(), of="edges").table
    assert links.loc["met-suez-rotterdam", "share"] == pytest.approx(12 / 99)
    assert links.loc["ore-rotterdam-kokkola", "share"] == pytest.approx(27 / 99 * 2 / 3)
    assert links.loc["ore-rotterdam-kokkola", "name"] == "Rotterdam > Kokkola"
    assert "met-cape" not in links.index
    assert links["owners"].isna().all()


@pytest.mark.parametrize("mineral", ["cobalt", "copper", "magnet_rare_earths"])
def test_bundled_networks_in_the_stages_that_each_tonne_crosses_once(mineral):
    net = load(mineral)
    told = refining_centrality(net)
    nodes = refining_centrality(net, of="nodes")
    processes = net.processes
    ends = processes.loc[processes["role"].eq("use"), "node"].unique()
    shipped = tracing.trace(net)
    at_factories = nodes.table.reindex(ends)["centrality"].sum()
    stock = (shipped.demand[processes["output"].isna() & processes["role"].eq("stock")] > 0).any()
    assert at_factories == pytest.approx(told.hhi, abs=1e-12 if not stock else 1e-4)
    sites = told.table.index
    assert (nodes.table.loc[sites, "centrality"] >= told.table["centrality"] - 1e-12).all()
    assert (nodes.table["centrality"] <= nodes.table["share"] + 1e-12).all()
    links = refining_centrality(net, of="edges").table
    assert links["share"].between(0, 1 + 1e-12).all()
    assert len(links) > 100


def test_what_is_told_of_the_sites_of_the_stage_only():
    for options in ({"of": "nodes", "bounds": True}, {"of": "edges", "per": "factory"}):
        with pytest.raises(DataError, match="sites of the stage"):
            refining_centrality(chain(), **options)
