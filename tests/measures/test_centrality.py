"""Centrality against enumeration of every path, the identities, and Shapley by brute force."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from measure_nets import all_paths, random_chain

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.concentration import concentration

SEEDS = range(8)
#: Recoveries differ by site; re-refining makes loops and tonnes that cross several refineries.
SHAPES = [{}, {"rerefine": 3}, {"unknown": True}, {"integrated": True, "rerefine": 2}, {"stock": True}]


def _by_paths(net, smallest=0.0):
    """C(u) for refineries and for all nodes from the definition, path by path."""
    processes, country = net.processes, net.nodes["country"]
    refines = set(processes.index[processes["output"].isin(["metal", "powder"]) & processes["role"].eq("transform")])
    last, paths = {}, []
    for weight, steps, touched in all_paths(net, smallest=smallest):
        crossed = [step for step in steps if step in refines]
        if crossed:
            site = processes.loc[crossed[0], "node"]
            last[site] = last.get(site, 0.0) + weight
            paths.append((weight, site, touched))
    share = pd.Series(last) / sum(last.values())
    of_country = share.groupby(country).sum()
    alike = {site: of_country.get(country[site], 0.0) for site in share.index}
    passing = dict.fromkeys(net.nodes.index, 0.0)
    for weight, site, touched in paths:
        for node in touched:
            passing[node] += weight * alike[site] / sum(last.values())
    return share, pd.Series(alike), pd.Series(passing), (of_country**2).sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", SEEDS)
def test_sums_to_the_hhi(seed, shape):
    net = random_chain(seed, **shape)
    told = refining_centrality(net)
    assert abs(told.table["centrality"].sum() - told.hhi) < 1e-12
    assert abs(told.table["marginal"].sum()) < 1e-12
    assert abs(told.table["share"].sum() - 1) < 1e-12
    assert abs(told.hhi - concentration(net, weight="demand").hhi) < 1e-12
    assert abs(told.table["centrality_high"].sum() - told.hhi_high) < 1e-12
    assert (told.table["centrality"] <= told.table["share"] + 1e-12).all()
    known = told.table["country"].notna()
    assert (told.table["centrality"] >= told.table["share"] ** 2 - 1e-12)[known].all()


@pytest.mark.parametrize("shape", SHAPES[:3])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_stage_crossed_once_sums_to_the_hhi(seed, shape):
    net = random_chain(seed, **shape)
    told = refining_centrality(net, of="nodes")
    for letter in "msf":  # mines, smelters, factories
        assert abs(told.table.loc[told.table.index.str.startswith(letter), "centrality"].sum() - told.hhi) < 1e-12
    if not shape.get("rerefine"):
        refineries = told.table[told.table.index.str.startswith("r")]
        once = refining_centrality(net).table
        np.testing.assert_allclose(refineries["centrality"].sort_index(), once["centrality"].sort_index(), atol=1e-12)


@pytest.mark.parametrize(("shape", "smallest"), [
    ({}, 0.0), ({"integrated": True}, 0.0), ({"stock": True, "unknown": True}, 0.0), ({"rerefine": 1}, 1e-6),
])
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_enumeration_of_every_path(seed, shape, smallest):
    net = random_chain(seed, sizes=(3, 2, 3, 2) if smallest == 0.0 else (1, 1, 2, 1), **shape)
    share, alike, passing, hhi = _by_paths(net, smallest)
    off = 1e-12 if smallest == 0.0 else 1e-4  # paths under `smallest` are left out of the enumeration
    told = refining_centrality(net)
    assert abs(told.hhi - hhi) < off
    table = told.table.sort_index()
    np.testing.assert_allclose(table["share"], share.sort_index(), atol=off)
    np.testing.assert_allclose(table["centrality"], (share * alike).sort_index(), atol=off)
    everywhere = refining_centrality(net, of="nodes").table["centrality"]
    np.testing.assert_allclose(everywhere.reindex(passing.index).fillna(0.0), passing, atol=off)


@pytest.mark.parametrize("by", ["country", "owner"])
@pytest.mark.parametrize("seed", range(4))
def test_is_the_shapley_share_of_the_hhi(seed, by):
    net = random_chain(seed, sizes=(3, 2, 6, 3))
    told = refining_centrality(net, by=by)
    share = told.table["share"]
    stake = pd.DataFrame(0.0, index=share.index, columns=sorted({*net.nodes["country"], *net.owners["owner"]}))
    if by == "country":
        for site in share.index:
            stake.loc[site, net.nodes.loc[site, "country"]] = 1.0
    else:
        for row in net.owners.itertuples():
            if row.node in share.index:
                stake.loc[row.node, row.owner] += row.share
    tonnes = stake.mul(share, axis=0)
    sites = list(share.index)
    worth = {frozenset(team): (tonnes.loc[list(team)].sum() ** 2).sum()
             for size in range(len(sites) + 1) for team in itertools.combinations(sites, size)}
    for site in sites:
        others = [other for other in sites if other != site]
        value = sum(
            math.factorial(size) * math.factorial(len(sites) - size - 1) / math.factorial(len(sites))
            * (worth[frozenset((*team, site))] - worth[frozenset(team)])
            for size in range(len(sites)) for team in itertools.combinations(others, size))
        assert abs(value - told.table.loc[site, "centrality"]) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_marginal_is_the_change_of_the_hhi(seed):
    net = random_chain(seed)
    told = refining_centrality(net)
    share, country = told.table["share"], told.table["country"]

    def hhi(tonnes):
        return ((tonnes.groupby(country).sum() / tonnes.sum()) ** 2).sum()

    for site in share.index:
        up, down = share.copy(), share.copy()
        up[site] *= math.exp(1e-5)
        down[site] *= math.exp(-1e-5)
        assert abs((hhi(up) - hhi(down)) / 2e-5 - told.table.loc[site, "marginal"]) < 1e-8


def test_splitting_a_refinery_changes_nothing_else():
    net = random_chain(5)
    processes, shipments, nodes = net.processes.reset_index(), net.shipments.reset_index(), net.nodes.reset_index()
    # Half of refine1 moves to a twin at a new site of the same country.
    twin_node = nodes[nodes["node"] == "r1"].assign(node="r1twin")
    half = processes["process"] == "refine1"
    processes.loc[half, "activity_t"] /= 2
    twin = processes[half].assign(process="twin", node="r1twin")
    touching = shipments["origin"].eq("refine1") | shipments["destination"].eq("refine1")
    shipments.loc[touching, "flow_t"] /= 2
    copies = shipments[touching].assign(shipment=lambda t: t["shipment"] + "-twin")
    copies[["origin", "destination"]] = copies[["origin", "destination"]].replace("refine1", "twin")
    edges = net.edges.reset_index()
    moved = edges[edges["source"].eq("r1") | edges["target"].eq("r1")]
    twin_edges = moved.assign(edge=moved["edge"].str.replace("r1", "r1twin"),
                              source=moved["source"].replace("r1", "r1twin"),
                              target=moved["target"].replace("r1", "r1twin"))
    renames = dict(zip(moved["edge"], twin_edges["edge"], strict=True))
    copies["route"] = copies["route"].map(
        lambda route: ";".join(renames.get(e, e) for e in route.split(";")) if isinstance(route, str) else route)
    split = type(net)(
        nodes=pd.concat([nodes, twin_node]), owners=net.owners, processes=pd.concat([processes, twin]),
        edges=pd.concat([edges, twin_edges]), shipments=pd.concat([shipments, copies]), products=net.products,
        references=net.references)
    before, after = refining_centrality(net).table["centrality"], refining_centrality(split).table["centrality"]
    assert abs(after["r1"] + after["r1twin"] - before["r1"]) < 1e-12
    rest = before.index.drop("r1")
    np.testing.assert_allclose(after[rest], before[rest], atol=1e-12)


def test_demand_that_crossed_nothing_is_reported():
    net = random_chain(1, stock=True)
    told = refining_centrality(net)
    stock_share = sum(weight for weight, steps, _ in all_paths(net)
                      if not any(step.startswith("refine") for step in steps))
    assert stock_share > 0
    assert abs(told.uncrossed_share - stock_share) < 1e-12
    assert "crossed no site of the stage" in told.explain()


def test_wrong_options():
    net = random_chain(0)
    with pytest.raises(UnknownNameError):
        refining_centrality(net, by="node")
    with pytest.raises(UnknownNameError):
        refining_centrality(net, of="edges")
    tables = {name: getattr(net, name) for name in
              ("nodes", "owners", "processes", "edges", "products", "references")}
    with pytest.raises(DataError, match="no tonne reaches final demand"):
        refining_centrality(type(net)(**tables))
