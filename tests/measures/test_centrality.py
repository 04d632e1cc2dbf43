"""Centrality against enumeration of every path, the identities, and Shapley by brute force."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from measure_nets import COUNTRIES, all_paths, random_chain

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.concentration import concentration
from supplygraph.world.datasets import load

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


def _tables(net):
    return {name: getattr(net, name) for name in
            ("nodes", "owners", "processes", "edges", "shipments", "products", "references")}


def _with_twin(net, site, part=0.5):
    """Move a part of a refinery to a twin at a new site of the same country and owners."""
    tables = {name: frame.reset_index() if name != "owners" else frame for name, frame in _tables(net).items()}
    processes, shipments, nodes, edges = (tables[name] for name in ("processes", "shipments", "nodes", "edges"))
    new, process = f"{site}twin", f"refine{site[1:]}"
    half = processes["process"] == process
    twin = processes[half].assign(process="twin", node=new, activity_t=processes["activity_t"] * part)
    processes.loc[half, "activity_t"] *= 1 - part
    touching = shipments["origin"].eq(process) | shipments["destination"].eq(process)
    copies = shipments[touching].assign(shipment=lambda t: t["shipment"] + "-twin", flow_t=lambda t: t["flow_t"] * part)
    shipments.loc[touching, "flow_t"] *= 1 - part
    copies[["origin", "destination"]] = copies[["origin", "destination"]].replace(process, "twin")
    moved = edges[edges["source"].eq(site) | edges["target"].eq(site)]
    others = moved.assign(edge=moved["edge"].str.replace(site, new), source=moved["source"].replace(site, new),
                          target=moved["target"].replace(site, new))
    renames = dict(zip(moved["edge"], others["edge"], strict=True))
    copies["route"] = copies["route"].map(
        lambda route: ";".join(renames.get(e, e) for e in route.split(";")) if isinstance(route, str) else route)
    owners = tables["owners"]
    tables |= {
        "nodes": pd.concat([nodes, nodes[nodes["node"] == site].assign(node=new)]),
        "owners": pd.concat([owners, owners[owners["node"] == site].assign(node=new)]),
        "processes": pd.concat([processes, twin]), "edges": pd.concat([edges, others]),
        "shipments": pd.concat([shipments, copies]),
    }
    return type(net)(**tables)


def _changed(net, table, change):
    tables = _tables(net)
    frame = tables[table].reset_index() if table != "owners" else tables[table]
    tables[table] = change(frame)
    return type(net)(**tables)


@pytest.mark.parametrize("by", ["country", "owner"])
@pytest.mark.parametrize("part", [0.5, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_splitting_a_refinery_changes_nothing_else(seed, part, by):
    net = random_chain(seed)
    before = refining_centrality(net, by=by)
    site = before.table.index[0]
    after = refining_centrality(_with_twin(net, site, part), by=by)
    assert abs(after.hhi - before.hhi) < 1e-12
    for column in ("centrality", "marginal", "share"):
        was, now = before.table[column], after.table[column]
        assert abs(now[site] + now[f"{site}twin"] - was[site]) < 1e-12
        assert abs(now[f"{site}twin"] - part * was[site]) < 1e-12
        rest = was.index.drop(site)
        np.testing.assert_allclose(now[rest], was[rest], atol=1e-12)


@pytest.mark.parametrize("of", ["refining", "nodes"])
@pytest.mark.parametrize("seed", range(4))
def test_a_merger_of_two_countries_adds_twice_the_product_of_their_shares(seed, of):
    net = random_chain(seed)
    before = refining_centrality(net, of=of)
    shares = refining_centrality(net).table.groupby("country")["share"].sum()
    a, b = shares.index[:2]
    merged = _changed(net, "nodes", lambda nodes: nodes.assign(country=nodes["country"].replace(b, a)))
    after = refining_centrality(merged, of=of)
    assert abs(after.hhi - before.hhi - 2 * shares[a] * shares[b]) < 1e-12
    if of == "refining":  # split between their sites in proportion
        gain = after.table["centrality"] - before.table["centrality"].reindex(after.table.index)
        for own, other in ((a, b), (b, a)):
            mine = before.table[before.table["country"] == own]
            np.testing.assert_allclose(gain[mine.index], mine["share"] * shares[other], atol=1e-12)
        assert gain[before.table.index[~before.table["country"].isin([a, b])]].abs().max() < 1e-12 or len(shares) == 2


@pytest.mark.parametrize("seed", range(4))
def test_names_do_not_matter_and_unused_sites_get_nothing(seed):
    net = random_chain(seed)
    before = refining_centrality(net)
    codes = dict(zip(COUNTRIES, np.roll(COUNTRIES, 1), strict=True))
    renamed = _changed(net, "nodes", lambda nodes: nodes.assign(country=nodes["country"].map(codes)))
    after = refining_centrality(renamed).table.reindex(before.table.index)
    for column in ("share", "centrality", "marginal", "country_share"):
        np.testing.assert_allclose(after[column], before.table[column], atol=1e-12)
    # Sites of one country with equal shares are treated alike: two halves of one.
    twins = refining_centrality(_with_twin(net, before.table.index[0])).table
    pair = twins.loc[[before.table.index[0], f"{before.table.index[0]}twin"], ["share", "centrality", "marginal"]]
    np.testing.assert_allclose(pair.iloc[0], pair.iloc[1], rtol=1e-12)
    idle = _changed(net, "processes", lambda processes: pd.concat([
        processes, processes[processes["process"] == "refine0"].assign(process="idle", node="f0", activity_t=0.0)]))
    more = refining_centrality(idle)
    assert "f0" not in more.table.index
    pd.testing.assert_series_equal(more.table["centrality"], before.table["centrality"])


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e9])
def test_tonnes_have_no_scale(factor):
    net = random_chain(2, stock=True)
    larger = _changed(net, "shipments", lambda sent: sent.assign(flow_t=sent["flow_t"] * factor))
    before, after = (refining_centrality(one, of="nodes").table for one in (net, larger))
    numbers = ["share", "centrality", "marginal"]
    np.testing.assert_allclose(after[numbers].reindex(before.index), before[numbers], atol=1e-12)


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
        refining_centrality(net, of="ports")
    with pytest.raises(UnknownNameError):
        refining_centrality(net, per="port")
    tables = {name: getattr(net, name) for name in
              ("nodes", "owners", "processes", "edges", "products", "references")}
    with pytest.raises(DataError, match="no tonne reaches final demand"):
        refining_centrality(type(net)(**tables))


def test_chinese_owned_refining_in_indonesia_shows():
    told = refining_centrality(load("nickel"))
    site = told.table.loc["imip-morowali"]
    assert (site["country"], site["owners"]) == ("IDN", "CHN 100%")
    assert site["centrality_owner"] > 1.3 * site["centrality"]
    assert site["owner_share"] > 0.6
    assert site["country_share"] < 0.5
    assert told.hhi_owner > told.hhi + 0.1
    assert "the two views differ most at IMIP Morowali (NPI) (in IDN, owned CHN 100%)" in told.explain()
    owned = refining_centrality(load("nickel"), by="owner")
    named = told.table["centrality_owner"].dropna().sort_index()
    np.testing.assert_allclose(owned.table["centrality"].reindex(named.index), named, atol=1e-15)
    nobody = told.table["owners"].isna()
    assert nobody.any()
    assert told.table.loc[nobody, "centrality_owner"].isna().all()
    assert told.unknown_share_owner == pytest.approx(told.table.loc[nobody, "share"].sum(), abs=1e-9)


def test_the_words_attribute_and_advise():
    told = refining_centrality(load("cobalt"))
    assert told.table.loc["huayou-quzhou", "marginal"] == pytest.approx(0.071, abs=5e-4)
    assert told.table.loc[told.table["name"] == "Kokkola", "marginal"].item() == pytest.approx(-0.066, abs=5e-4)
    assert "Centrality attributes, the marginal advises: growing Huayou Quzhou would raise it most; " in told.explain()
    assert "growing Kokkola would lower it most" in told.explain()
    alone = random_chain(0, sizes=(2, 2, 1, 2))
    assert "growing any one of them alone changes nothing" in refining_centrality(alone).explain()
