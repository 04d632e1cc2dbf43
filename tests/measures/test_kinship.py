"""Kernels of centrality: whatever likeness is meant, the same identities hold; what cannot be a kernel is refused."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from measure_nets import COUNTRIES, random_chain

from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.concentration import concentration
from supplygraph.scenario.alignment import forge
from supplygraph.world.datasets import load

SEEDS = range(4)
BLOCS = {"FIN": "west", "JPN": "west", "AUS": "west"}


def likeness(labels, seed):
    rng = np.random.default_rng(seed)
    half = rng.uniform(0, 1, (len(labels), len(labels))) * (rng.random((len(labels), len(labels))) < 0.6)
    return pd.DataFrame(half + half.T, index=labels, columns=labels)


def kernels(net, seed, count=5):
    """(options, stakes of sites by label, likeness of labels) for each kind of kernel, written out by hand."""
    sites = [f"r{i}" for i in range(count)]
    territory = pd.DataFrame(0.0, index=sites, columns=list(COUNTRIES))
    for site in sites:
        territory.loc[site, net.nodes.loc[site, "country"]] = 1.0
    owner = territory * 0.0
    for row in net.owners.itertuples():
        if row.node in owner.index:
            owner.loc[row.node, row.owner] += row.share
    bloc = territory.rename(columns=lambda code: BLOCS.get(code, code)).T.groupby(level=0).sum().T
    wgi = dict(zip(COUNTRIES, np.random.default_rng(seed).uniform(-2, 2, 5).round(2), strict=True))
    t = dict(zip(COUNTRIES, (1.3, 0.8, 1.0, 1.1, 1.0), strict=True))
    weight = pd.DataFrame(np.diag([2 * (2.5 - wgi[code]) * t[code] for code in COUNTRIES]), COUNTRIES, COUNTRIES)
    own, by_site = likeness(list(COUNTRIES), seed), likeness(sites, seed)
    same = pd.DataFrame(np.eye(5), COUNTRIES, COUNTRIES)
    return {
        "country": ({}, territory, same),
        "owner": ({"by": "owner"}, owner, same),
        "bloc": ({"by": "bloc", "blocs": BLOCS}, bloc, pd.DataFrame(np.eye(3), bloc.columns, bloc.columns)),
        "wgi": ({"kernel": "wgi", "wgi": wgi, "t": t}, territory, weight),
        "owner's wgi": ({"kernel": "wgi", "wgi": wgi, "t": t, "by": "owner"}, owner, weight),
        "matrix": ({"kernel": own}, territory, own),
        "owner's matrix": ({"kernel": own, "by": "owner"}, owner, own),
        "sites": ({"kernel": by_site}, pd.DataFrame(np.eye(count), sites, sites), by_site),
    }


KINDS = tuple(kernels(random_chain(0), 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_c_and_m_by_their_definitions(seed, kind):
    net = random_chain(seed, rerefine=2)
    options, stake, like = kernels(net, seed)[kind]
    told = refining_centrality(net, **options)
    s = refining_centrality(net).table["share"].reindex(stake.index).fillna(0.0)
    K = stake.to_numpy() @ like.loc[stake.columns, stake.columns].to_numpy() @ stake.to_numpy().T
    total = s @ K @ s
    table = told.table.reindex(stake.index)
    used = s > 0
    np.testing.assert_allclose(table["centrality"][used], (s * (K @ s))[used], atol=1e-13)
    np.testing.assert_allclose(table["marginal"][used], (2 * s * (K @ s - total))[used], atol=1e-13)
    assert abs(told.hhi - total) < 1e-12
    assert abs(told.effective_n * total - 1) < 1e-12
    assert abs(table["centrality"].sum() - told.hhi) < 1e-12
    assert abs(table["marginal"].sum()) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_each_tonne_crosses_once_sums_to_the_total(kind):
    net = random_chain(2)
    told = refining_centrality(net, of="nodes", **kernels(net, 2)[kind][0])
    for letter in "msrf":  # mines, smelters, refineries, factories
        here = told.table.index.str.startswith(letter)
        assert abs(told.table.loc[here, "centrality"].sum() - told.hhi) < 1e-12
        assert abs(told.table.loc[here, "marginal"].sum()) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_marginals_are_finite_differences(seed, kind):
    net = random_chain(seed)
    options, stake, like = kernels(net, seed)[kind]
    told = refining_centrality(net, **options)
    s = told.table["share"]
    K = stake.loc[s.index].to_numpy() @ like.loc[stake.columns, stake.columns].to_numpy() @ stake.loc[s.index].T
    K = K.to_numpy()

    def total(tonnes):
        part = tonnes / tonnes.sum()
        return part @ K @ part

    for row, site in enumerate(s.index):
        up, down = s.to_numpy().copy(), s.to_numpy().copy()
        up[row] *= math.exp(1e-5)
        down[row] *= math.exp(-1e-5)
        assert abs((total(up) - total(down)) / 2e-5 - told.table.loc[site, "marginal"]) < 1e-7


@pytest.mark.parametrize("kind", KINDS)
def test_is_the_shapley_value_of_eight_sites(kind):
    net = random_chain(8, sizes=(3, 2, 8, 3))
    options, stake, like = kernels(net, 8, count=8)[kind]
    told = refining_centrality(net, **options)
    s = told.table["share"]
    sites = list(s.index)
    held = stake.loc[sites].to_numpy()
    K = held @ like.loc[stake.columns, stake.columns].to_numpy() @ held.T * np.outer(s, s)
    n = len(sites)
    assert n == 8
    worth = {team: K[np.ix_(team, team)].sum() for size in range(n + 1)
             for team in itertools.combinations(range(n), size)}
    for row, site in enumerate(sites):
        others = [other for other in range(n) if other != row]
        value = sum(
            math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            * (worth[tuple(sorted((*team, row)))] - worth[team])
            for size in range(n) for team in itertools.combinations(others, size))
        assert abs(value - told.table.loc[site, "centrality"]) < 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_centralities_add_up_over_kernels(seed):
    net = random_chain(seed)
    first, second = likeness(list(COUNTRIES), seed), likeness(list(COUNTRIES), seed + 100)
    parts = [refining_centrality(net, kernel=kernel).table["centrality"].sort_index()
             for kernel in (first, second, 2 * first + second)]
    np.testing.assert_allclose(parts[2], 2 * parts[0] + parts[1], atol=1e-13)


def test_the_owners_view_takes_the_same_kernel():
    net = random_chain(3)
    own = likeness(list(COUNTRIES), 3)
    for options in ({}, {"kernel": own}, {"kernel": "wgi", "wgi": dict.fromkeys(COUNTRIES, 0.5)}):
        ours, theirs = (refining_centrality(net, by=by, **options) for by in ("country", "owner"))
        assert ours.hhi_owner == pytest.approx(theirs.hhi, abs=1e-13)
        assert theirs.hhi_country == pytest.approx(ours.hhi, abs=1e-13)
        pd.testing.assert_series_equal(ours.table["centrality_owner"].sort_index(),
                                       theirs.table["centrality"].sort_index(), check_names=False)
        assert ours.table["centrality_owner"].sum() == pytest.approx(ours.hhi_owner, abs=1e-13)


@pytest.mark.parametrize("mineral", ["cobalt", "nickel", "copper", "graphite"])
def test_wgi_is_the_index_of_the_eu(mineral):
    net = load(mineral)
    counted = concentration(net, weight="demand")
    told = refining_centrality(net, kernel="wgi")
    assert told.hhi == pytest.approx(counted.figures["hhi_wgi"], rel=1e-12)
    assert told.hhi_high == pytest.approx(counted.figures["hhi_wgi_high"], rel=1e-9)
    assert told.table["centrality"].sum() == pytest.approx(told.hhi, rel=1e-12)
    traded = refining_centrality(net, kernel="wgi", t=True)
    assert traded.hhi == pytest.approx(counted.figures["hhi_wgi_t"], rel=1e-12, nan_ok=True)
    assert math.isnan(traded.hhi) == (mineral == "graphite")  # not refined, in the EU's study
    assert ("so the total is missing" in traded.explain()) == (mineral == "graphite")


def test_a_missing_score_is_missing_with_its_reason():
    net = random_chain(1)
    wgi = dict.fromkeys(COUNTRIES, 0.0)
    lacking = net.nodes.loc["r0", "country"]
    del wgi[lacking]
    told = refining_centrality(net, kernel="wgi", wgi=wgi)
    here = told.table["country"] == lacking
    assert here.any()
    assert told.table.loc[here, "centrality"].isna().all()
    assert told.table.loc[~here, "centrality"].notna().all()
    assert told.table["marginal"].isna().all()
    for figure in ("hhi", "hhi_low", "hhi_high", "effective_n"):
        assert math.isnan(told.figures[figure])
    named = facts.read("facts/countries.csv").set_index("country").loc[lacking, "name"]
    assert f"no governance score or trade parameter for {named}" in told.explain()
    through = refining_centrality(net, kernel="wgi", wgi=wgi, of="nodes").table["centrality"]
    assert math.isnan(through["r0"])
    per = refining_centrality(net, kernel="wgi", wgi=wgi, per="factory", inescapable=False)
    touched = per.suppliers[lacking].reindex(per.table.index) > 0
    assert per.table.loc[touched, "hhi"].isna().all()
    assert per.table.loc[~touched, "hhi"].notna().all()
    assert math.isnan(per.segmentation)


def test_an_unknown_site_has_a_known_interval():
    net = random_chain(1, unknown=True)
    for options in ({}, {"kernel": "wgi", "wgi": dict.fromkeys(COUNTRIES, 0.0)}):
        told = refining_centrality(net, **options)
        row = told.table.loc["r0"]
        worst = 10.0 if options else 1.0
        assert row["centrality"] == 0.0
        assert row["centrality_high"] == pytest.approx(row["share"] ** 2 * worst)
        assert told.hhi_high - told.hhi == pytest.approx(row["share"] ** 2 * worst)
        assert told.unknown_share == pytest.approx(row["share"])
    by_site = refining_centrality(net, kernel=likeness([f"r{i}" for i in range(1, 5)], 0))
    assert by_site.unknown_share == pytest.approx(row["share"])  # a rest needs no row of its own


def test_tiers_of_an_alignment_are_blocs():
    net, zone = random_chain(4), forge(as_of="2026-07-01")
    told = refining_centrality(net, by="bloc", blocs=zone)
    s = refining_centrality(net).table
    tiers = s["country"].map(zone.tier)
    assert told.hhi == pytest.approx((s["share"].groupby(tiers).sum() ** 2).sum(), abs=1e-13)
    assert {"bloc_share", "owner_bloc_share"} <= set(told.table.columns)


def test_every_fault_of_a_matrix_is_listed():
    net = random_chain(0)
    good = pd.DataFrame(np.eye(5), COUNTRIES, COUNTRIES)
    bad = good.copy()
    bad.loc["CHN", "FIN"], bad.loc["JPN", "JPN"], bad.loc["AUS", "AUS"] = 0.5, -1.0, np.nan
    with pytest.raises(DataError) as found:
        refining_centrality(net, kernel=bad)
    told = str(found.value)
    assert len(found.value.report) == 3
    for part in ("kernel['CHN', 'FIN']", "the other way round 0", "kernel['JPN', 'JPN']", "kernel['AUS', 'AUS']"):
        assert part in told
    share = refining_centrality(net).table
    used = share["country"].iloc[0]
    labels = pd.concat([good.drop(index=used), pd.DataFrame(0.0, ["ATL", "CHL"], COUNTRIES)])
    with pytest.raises(DataError) as found:
        refining_centrality(net, kernel=labels)
    told = str(found.value)
    assert "'CHL': stands twice" in told
    assert "unknown country 'ATL'" in told
    assert f"kernel row {used!r}: is not there" in told
    for odd in (good.replace(1.0, np.inf), good.astype(object).replace(1.0, "one")):
        with pytest.raises(DataError, match="expected a finite number"):
            refining_centrality(net, kernel=odd)


@pytest.mark.parametrize(("options", "match"), [
    ({"kernel": "wgi", "by": "bloc", "blocs": BLOCS}, "blocs have no governance score"),
    ({"kernel": [[1.0]]}, "expected a name or a pandas DataFrame"),
    ({"wgi": {"CHN": 0.0}}, "the kernel does not weigh"),
    ({"t": {"CHN": 1.0}}, "the kernel does not weigh"),
    ({"by": "bloc"}, "not given, but by='bloc'"),
    ({"blocs": BLOCS}, "given, but by='country'"),
    ({"kernel": "wgi", "wgi": {"CHN": 55.0, "FIN": 90.0}}, r"wgi\['FIN'\]"),
    ({"kernel": "wgi", "wgi": {"CHINA": 0.5}}, "unknown country 'CHINA'"),
    ({"kernel": "wgi", "t": {"CHN": -1.0}}, r"t\['CHN'\]"),
])  # fmt: skip
def test_options_that_cannot_be(options, match):
    with pytest.raises(DataError, match=match):
        refining_centrality(random_chain(0), **options)
    with pytest.raises(UnknownNameError):
        refining_centrality(random_chain(0), kernel="governance")
