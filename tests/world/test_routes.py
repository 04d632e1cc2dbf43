"""Routes between sites: every edge is there, closures can be routed, shares and costs add up."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from supplygraph.errors import DataError
from supplygraph.network.schema import EDGES, NODES
from supplygraph.world import routes
from supplygraph.world.lanes import SeaGraph, arctic, base

SITES = pd.DataFrame(
    [
        ("mine-drc", "Kolwezi", "COD", 25.5, -10.7),
        ("mine-chile", "Antofagasta", "CHL", -69.0, -23.5),
        ("mine-obi", "Obi", "IDN", 127.4, -1.5),
        ("mine-russia", "Norilsk", "RUS", 88.2, 69.3),
        ("mine-china", "Jinchang", "CHN", 102.2, 38.5),
        ("both", "Kokkola works", "FIN", 23.1, 63.85),
        ("ref-black-sea", "Romania", "ROU", 27.5, 45.2),
        ("ref-china", "Quzhou", "CHN", 118.9, 28.9),
        ("ref-japan", "Niihama", "JPN", 133.3, 33.95),
        ("ref-usa", "Texas", "USA", -97.0, 30.0),
        ("ref-unknown", "Rest of the world", None, 4.5, 51.5),
    ],
    columns=["node", "name", "country", "lon", "lat"],
).set_index("node")
ORIGINS, DESTINATIONS = SITES.iloc[:6], SITES.iloc[5:]
GROSS = 3.3


@pytest.fixture(scope="module")
def found():
    transport = routes.transport("cobalt-mined", GROSS, ORIGINS, DESTINATIONS)
    splits = {(i, j): transport.split(i, j) for i in range(6) for j in range(6)}
    return transport, splits, transport.edges


def graph(edges, closed=()):
    g = nx.DiGraph()
    for e in edges.itertuples():
        if {e.source, e.target} & {f"passage-{c}" for c in closed}:
            continue
        a = (e.source, -1 if pd.isna(e.source_berth) else e.source_berth)
        b = (e.target, -1 if pd.isna(e.target_berth) else e.target_berth)
        if not g.has_edge(a, b) or g[a][b]["cost"] > e.cost_usd_t:
            g.add_edge(a, b, cost=e.cost_usd_t, km=e.distance_km)
    return g


def test_tables_have_the_columns_of_the_schema_and_every_end_is_a_node(found):
    transport, _, edges = found
    nodes = transport.nodes
    assert edges.columns.tolist() == EDGES.names
    assert nodes.columns.tolist() == NODES.names
    assert edges["edge"].is_unique
    assert not edges["edge"].str.contains(";").any()
    assert set(edges["source"]) | set(edges["target"]) <= set(nodes["node"]) | set(SITES.index)
    assert nodes.loc[nodes["kind"] == "port", "country"].notna().all()
    assert nodes.loc[nodes["kind"] == "passage", "country"].isna().all()
    assert set(nodes["kind"]) == {"port", "passage"}
    straits = nodes[nodes["kind"] == "passage"].set_index("node").index
    assert edges.loc[edges["source"].isin(straits), "source_berth"].notna().all()
    assert edges.loc[~edges["source"].isin(straits), "source_berth"].isna().all()
    assert edges.loc[edges["target"].isin(straits), "target_berth"].notna().all()
    assert edges[["distance_km", "days", "cost_usd_t", "capacity_t", "reference"]].notna().all(axis=None)


def test_every_split_is_a_connected_way_with_shares_that_sum_to_one(found):
    transport, splits, edges = found
    table = edges.set_index("edge")
    for (i, j), ways in splits.items():
        source, target = ORIGINS.index[i], DESTINATIONS.index[j]
        assert sum(share for _, share in ways) == pytest.approx(1), (source, target)
        assert 1 <= len(ways) <= 3
        assert len({way for way, _ in ways}) == len(ways)
        assert min(share for _, share in ways) >= 0.05 - 1e-9
        for way, _ in ways:
            if source == target:
                assert way == ()
                continue
            legs = table.loc[list(way)]
            assert legs["source"].iloc[0] == source
            assert legs["target"].iloc[-1] == target
            assert (legs["source"].to_numpy()[1:] == legs["target"].to_numpy()[:-1]).all()
            berths = legs["source_berth"].fillna(-1).to_numpy()[1:] == legs["target_berth"].fillna(-1).to_numpy()[:-1]
            assert berths.all()
        dearest = [table.loc[list(way), "cost_usd_t"].sum() for way, _ in ways]
        assert min(dearest) == pytest.approx(transport.cost[i, j], rel=1e-6)
        if len(ways) > 1:  # the cheaper way carries more, by the logit
            gap = (dearest[1] - dearest[0]) / GROSS / routes.PORT_SPREAD
            assert ways[1][1] / ways[0][1] == pytest.approx(np.exp(-gap), rel=1e-6)


def test_the_edges_alone_find_the_cheapest_way_of_any_pair(found):
    transport, _, edges = found
    g = graph(edges)
    for i, source in enumerate(ORIGINS.index):
        cost = nx.single_source_dijkstra_path_length(g, (source, -1), weight="cost")
        for j, target in enumerate(DESTINATIONS.index):
            if source != target:
                assert cost[target, -1] <= transport.cost[i, j] * (1 + 1e-6)
                assert cost[target, -1] >= transport.cost[i, j] * 0.8


@pytest.mark.parametrize("strait", sorted(set(base().passages) - set(arctic())))
def test_any_strait_can_close_and_the_edges_still_hold_the_best_way_round(found, strait):
    transport, _, edges = found
    ports = sorted({p for p in set(edges["source"]) | set(edges["target"]) if p.startswith(("port-", "jetty-"))})
    extra = [(n.node, n.lon, n.lat) for n in transport.nodes.itertuples() if n.node.startswith("jetty-")]
    truth = SeaGraph(extra)
    g = graph(edges, closed=(strait,))
    sea = g.edge_subgraph([(a, b) for a, b in g.edges if a[0] not in SITES.index and b[0] not in SITES.index])
    out = sorted({e.target for e in edges.itertuples() if e.source in ORIGINS.index and e.target in ports})
    into = sorted({e.source for e in edges.itertuples() if e.target in DESTINATIONS.index and e.source in ports})
    km = truth.matrix(out, into, (strait,))
    for a, p in enumerate(out):
        reach = nx.single_source_dijkstra_path_length(sea, (p, -1), weight="km") if (p, -1) in sea else {}
        for b, q in enumerate(into):
            if p != q:
                assert reach.get((q, -1), np.inf) == pytest.approx(km[a, b], rel=1e-6)
    for source in ORIGINS.index:
        reach = nx.descendants(g, (source, -1))
        for target in DESTINATIONS.index:
            assert source == target or (target, -1) in reach, (strait, source, target)


def test_copper_belt_leaves_over_several_corridors_and_lobito_is_rationed(found):
    _, splits, _ = found
    ways = splits[0, list(DESTINATIONS.index).index("ref-china")]
    ports = {way[0].split(">")[1].split(":")[0] for way, _ in ways}
    assert len(ports) >= 2
    assert "port-AOLOB" not in ports or sum(s for w, s in ways if "AOLOB" in w[0]) < 0.3


def test_an_island_site_far_from_any_port_gets_a_jetty_and_land_neighbours_a_direct_leg(found):
    transport, splits, _ = found
    assert "jetty-mine-obi" in set(transport.nodes["node"])
    china = splits[4, list(DESTINATIONS.index).index("ref-china")]
    assert china[0][0] == ("mine-china>ref-china:cobalt-mined:rail",)


def test_cost_scales_with_the_gross_weight():
    one = routes.transport("x", 1.0, ORIGINS.iloc[:2], DESTINATIONS.iloc[2:4])
    ten = routes.transport("x", 10.0, ORIGINS.iloc[:2], DESTINATIONS.iloc[2:4])
    np.testing.assert_allclose(ten.cost, 10 * one.cost)
    np.testing.assert_allclose(ten.edges["cost_usd_t"], 10 * one.edges["cost_usd_t"])


def test_wrong_sites_are_refused():
    with pytest.raises(DataError, match="lat"):
        routes.transport("x", 1.0, ORIGINS.drop(columns="lat"), DESTINATIONS)
    with pytest.raises(DataError, match="repeat"):
        routes.transport("x", 1.0, pd.concat([ORIGINS, ORIGINS]), DESTINATIONS)
    with pytest.raises(DataError, match="gross_t_per_t"):
        routes.transport("x", float("nan"), ORIGINS, DESTINATIONS)
