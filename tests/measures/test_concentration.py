"""Concentration of plain tonnes and of networks."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure_nets import random_chain

import supplygraph as sg
from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures import governance
from supplygraph.measures.concentration import concentration
from supplygraph.measures.geopolrisk import geopolrisk
from supplygraph.measures.import_reliance import net_import_reliance
from supplygraph.measures.supply_risk import supply_risk
from supplygraph.world.ensemble import Ensemble

CODES = ("CHN", "FIN", "JPN", "AUS", "CHL", "USA")


def test_gallium_2024():
    told = concentration({"CHN": 839.0, "JPN": 3.0, "RUS": 6.0})
    assert round(told.hhi, 4) == 0.9789
    assert told.hhi_low == told.hhi == told.hhi_high
    assert list(told.table.index) == ["CHN", "RUS", "JPN"]
    assert list(told.table["rank"]) == [1, 2, 3]
    assert told.effective_n == 1 / told.hhi
    assert told.top3 == 1.0


def test_the_unnamed_rest_gives_an_interval():
    rest = {"CHN": 60.0, "JPN": 20.0, "OTH": 20.0}
    told = concentration(rest)
    assert math.isclose(told.hhi, 0.4)
    assert math.isclose(told.hhi_high, 0.44)
    assert math.isclose(told.unknown_share, 0.2)
    assert "OTH" not in told.table.index
    assert "Unknown origin: 20.0%" in told.explain()
    as_series = pd.Series([60.0, 20.0, 20.0], index=["CHN", "JPN", None])
    assert concentration(as_series).hhi_high == told.hhi_high


def test_supply_without_the_largest():
    assert math.isclose(concentration({"CHN": 60.0, "JPN": 20.0, "OTH": 20.0}).n_minus_1, 0.4)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=6), st.floats(0, 1e6))
def test_bounds(tonnes, rest):
    given_tonnes = dict(zip(CODES, tonnes, strict=False))
    told = concentration({**given_tonnes, "OTH": rest}, unit="t")
    total = sum(tonnes) + rest
    truth = sum((t / total) ** 2 for t in tonnes)
    assert math.isclose(told.hhi, truth, rel_tol=1e-12)
    assert math.isclose(told.hhi_high, truth + (rest / total) ** 2, rel_tol=1e-12)
    assert 0 < told.hhi <= told.hhi_high <= 1 + 1e-12
    scaled = concentration({key: 3 * value for key, value in given_tonnes.items()} | {"OTH": 3 * rest}, unit="t")
    assert math.isclose(scaled.hhi, told.hhi, rel_tol=1e-12)


def test_every_fault_of_plain_tonnes_is_told_at_once():
    bad = pd.Series([5.0, -1.0, 10.0, 4.0, 3.0, "many", float("nan"), 2.0],
                    index=["CHN", "FIN", "Total", "CHN", "ZZZ", "JPN", "AUS", "world"])
    with pytest.raises(DataError) as caught:
        concentration(bad)
    told = str(caught.value)
    for words in ("'FIN': -1.0", "'Total': a total", "'CHN': it stands twice", "'ZZZ': unknown country",
                  "'JPN': 'many'", "'AUS': nan", "'world': a total"):
        assert words in told
    assert len(caught.value.report) == 7


@pytest.mark.parametrize("tonnes", [{}, {"CHN": 0.0}, {"OTH": 5.0}])
def test_nothing_named_is_refused(tonnes):
    with pytest.raises(DataError, match="no named country"):
        concentration(tonnes)


def test_wrong_options():
    with pytest.raises(UnknownNameError, match="grouping"):
        concentration({"CHN": 1.0}, by="county")
    with pytest.raises(UnknownNameError, match="weight"):
        concentration({"CHN": 1.0}, weight="tonnes")
    with pytest.raises(DataError, match="plain tonnes"):
        concentration({"CHN": 1.0}, weight="demand")
    with pytest.raises(UnknownNameError, match=r"mining"):
        concentration(random_chain(0), stage="minning")


def test_a_network_by_country_node_and_owner():
    net = random_chain(4, unknown=True)
    made = net.processes[net.processes["output"] == "metal"].set_index("node")["activity_t"]
    share = made / made.sum()
    by_country = share.groupby(net.nodes["country"]).sum()
    told = concentration(net)
    assert math.isclose(told.hhi, (by_country**2).sum())
    assert math.isclose(told.unknown_share, share["r0"])
    by_node = concentration(net, by="node")
    assert math.isclose(by_node.hhi, (share.drop("r0") ** 2).sum())  # an unnamed rest is no site
    owned = net.owners.merge(share.rename("made"), left_on="node", right_index=True)
    by_owner = (owned["share"] * owned["made"]).groupby(owned["owner"]).sum()
    told = concentration(net, by="owner")
    assert math.isclose(told.hhi, (by_owner**2).sum())
    assert math.isclose(told.unknown_share, 0.2)
    pd.testing.assert_series_equal(told.table["share"].sort_index(), by_owner[by_owner > 0], check_names=False)


def test_plain_tonnes_and_network_agree():
    net = random_chain(2)
    told = concentration(net, stage="mining")
    again = concentration(told.table["quantity_t"])
    assert math.isclose(again.hhi, told.hhi)


def test_supply_without_the_largest_counts_what_is_wanted():
    net = random_chain(3, stock=True)
    told = concentration(net)
    made = told.table["quantity_t"]
    processes = net.processes
    use = processes.loc[processes["role"] == "use", "activity_t"].sum()
    assert math.isclose(told.n_minus_1, (made.sum() - made.max()) / use)


@pytest.mark.parametrize("seed", range(6))
def test_delivered_shares_are_production_shares_where_recovery_is_uniform(seed):
    net = random_chain(seed)
    made, delivered = concentration(net), concentration(net, weight="demand")
    assert math.isclose(made.hhi, delivered.hhi, rel_tol=1e-12)
    np.testing.assert_allclose(made.table["share"], delivered.table["share"].reindex(made.table.index))


def test_separation_stands_for_refining_where_nothing_else_refines():
    net = random_chain(1)
    products = net.products
    products.loc[["metal", "powder"], "stage"] = "separation"
    tables = {name: getattr(net, name) for name in ("nodes", "owners", "processes", "edges", "shipments", "references")}
    again = type(net)(products=products, **tables)
    assert concentration(again, stage="refining").hhi == concentration(net).hhi == concentration(
        again, stage="separation").hhi


# ---------------------------------------------------------------- published statistics

IEA, USGS, OURS = "iea-2026", "usgs-mcs2026", "compiled"


@pytest.mark.parametrize(("mineral", "stage", "year", "series", "low", "high", "top1"), [
    ("lithium", "refining", 2025, IEA, 5726, 5729, 73.7), ("cobalt", "mining", 2025, USGS, 5554, 5562, 73.1),
    ("cobalt", "refining", 2025, IEA, 5809, 5858, 75.6), ("nickel", "refining", 2025, IEA, 3040, 3174, 45.1),
    ("graphite", "refining", 2025, IEA, 8923, 8923, 94.4), ("copper", "mining", 2025, USGS, 1036, 1206, 23.0),
    ("copper", "refining", 2025, USGS, 2532, 2585, 48.3), ("gallium", "refining", 2025, USGS, 9804, 9804, 99.0),
    ("germanium", "refining", 2023, OURS, 3876, 3910, 59.2), ("tungsten", "refining", 2024, OURS, 6724, 7048, 82.0),
    ("antimony", "refining", 2024, OURS, 5476, 6152, 74.0),
])
def test_statistics_fed_in_directly_give_the_table_of_the_data(mineral, stage, year, series, low, high, top1):
    table = facts.read("facts/production.csv")
    rows = table[(table["mineral"] == mineral) & (table["stage"] == stage) & (table["year"] == year)]
    tonnes = rows[rows["series"] == series].set_index("country")["quantity_t"].dropna()
    if "WLD" in tonnes.index:
        with pytest.raises(DataError, match="'WLD': a total"):
            concentration(tonnes)
    told = concentration(tonnes.drop("WLD", errors="ignore"))
    assert told.hhi_10000 == pytest.approx(low, abs=0.51)
    assert told.hhi_10000_high == pytest.approx(high, abs=0.51) or high == low
    assert told.top1 == pytest.approx(top1 / 100, abs=0.00051)


# ---------------------------------------------------------------- governance and trade


def test_china_on_the_eus_scale():
    # The heavy rare earths of the EU study of 2017: 9.2 with China alone; governance near 5.66 then (WGI of 2015).
    china = governance.wgi_by_country()["CHN"]
    told = concentration({"CHN": 5.0}, wgi=True)
    assert told.hhi_wgi == pytest.approx(2 * (2.5 - china))
    assert 5.0 < told.hhi_wgi < 6.0
    assert "t" not in told.table


def test_weighed_by_hand():
    tonnes = {"CHN": 600.0, "AUS": 300.0, "OTH": 100.0}
    told = concentration(tonnes, wgi={"CHN": -0.5, "AUS": 1.5}, t=pd.Series({"CHN": 1.1, "AUS": 0.8}))
    assert told.hhi_wgi == pytest.approx(0.36 * 6 + 0.09 * 2)
    assert told.hhi_wgi_high == pytest.approx(told.hhi_wgi + 0.01 * 10)
    assert told.hhi_wgi_t == told.hhi_wgi_t_low == pytest.approx(0.36 * 6 * 1.1 + 0.09 * 2 * 0.8)
    assert told.hhi_wgi_t_high == pytest.approx(told.hhi_wgi_t + 0.01 * 10 * 1.1)
    assert list(told.table.columns) == ["quantity_t", "share", "rank", "wgi", "t"]


def test_without_scores_there_is_the_hhi_only():
    told = concentration({"CHN": 3.0, "AUS": 1.0})
    assert "hhi_wgi" not in told.figures
    assert list(told.table.columns) == ["quantity_t", "share", "rank"]
    assert "hhi_wgi" not in concentration(random_chain(1), wgi=False).figures


def test_a_country_without_governance_makes_it_missing_with_bounds():
    told = concentration({"CHN": 600.0, "CUB": 400.0}, wgi={"CHN": 0.0, "CUB": None}, t={"CHN": 1.0})
    assert math.isnan(told.hhi_wgi)
    assert math.isnan(told.hhi_wgi_t)
    assert told.hhi_wgi_low == pytest.approx(0.36 * 5)
    assert told.hhi_wgi_high == pytest.approx(0.36 * 5 + 0.16 * 10)
    assert told.missing.loc["hhi_wgi", "item"] == "CUB"
    assert "hhi_wgi is missing: CUB: no governance score (WGI as given)" in told.explain()
    assert "hhi_wgi_t is missing: CUB: no trade parameter" in told.explain()
    assert told.hhi == pytest.approx(0.52)  # the rest is told all the same


def test_territories_without_scores_take_their_states():
    scores = governance.wgi_by_country()
    assert scores["NCL"] == scores["PYF"] == scores["FRA"]
    assert "ESH" not in scores
    assert math.isnan(concentration({"ESH": 1.0}, wgi=True).hhi_wgi)


def test_bundled_networks_are_weighed_and_say_what_is_assumed():
    told = concentration(sg.load("nickel"), stage="mining")
    assert told.table.loc["NCL", "wgi"] == governance.wgi_by_country()["FRA"]
    assert "New Caledonia's is that of France" in told.explain()
    assert 0.0 < told.hhi_wgi_t_low <= told.hhi_wgi_t <= told.hhi_wgi_t_high
    assert "predates China's export licences" in told.explain()
    assert "Not listed there, taken as 1: NCL" in told.explain()
    graphite = concentration(sg.load("graphite"))
    assert graphite.hhi_wgi > 0
    assert math.isnan(graphite.hhi_wgi_t)
    assert "hhi_wgi_t is missing: trade parameter: the EU has not studied graphite refining" in graphite.explain()


@pytest.mark.parametrize("stage", ["mining", "separation", "refining", "metal", "magnet", "manufacturing"])
@pytest.mark.parametrize("by", ["country", "owner", "facility"])
def test_every_stage_and_grouping(stage, by):
    if stage == "manufacturing" and by != "country":  # use is known by country only
        with pytest.raises(DataError, match="nobody is named"):
            concentration(sg.load("magnet_rare_earths"), stage=stage, by=by)
        return
    told = concentration(sg.load("magnet_rare_earths"), stage=stage, by=by)
    assert 0 < told.hhi_low <= told.hhi <= told.hhi_high <= 1
    assert told.top1_low <= told.top1 <= told.top1_high
    assert told.effective_n_low <= told.effective_n <= told.effective_n_high
    assert told.n_minus_1_low <= told.n_minus_1 <= told.n_minus_1_high


def test_facility_is_another_word_for_node():
    net = random_chain(4)
    told = concentration(net, by="facility")
    assert told.table.index.name == "node"
    pd.testing.assert_frame_equal(told.table, concentration(net, by="node").table)
    wgi = governance.wgi_by_country()
    expected = sum(s**2 * 2 * (2.5 - wgi[net.nodes.loc[node, "country"]]) for node, s in told.table["share"].items())
    assert told.hhi_wgi == pytest.approx(expected)


def test_blocs():
    net = random_chain(4)
    blocs = dict.fromkeys(concentration(net).table.index[:2], "east")
    told = concentration(net, by="bloc", blocs=blocs)
    by_country = concentration(net).table["share"]
    assert told.table.loc["east", "share"] == pytest.approx(by_country.iloc[:2].sum())
    assert math.isnan(told.hhi_wgi)
    assert "a bloc has no governance of its own" in told.explain()
    plain = concentration(concentration(net).table["quantity_t"], by="bloc", blocs=blocs)
    assert plain.hhi == pytest.approx(told.hhi)
    with pytest.raises(DataError, match="not given"):
        concentration(net, by="bloc")


# ---------------------------------------------------------------- N-1


def test_supply_without_the_largest_as_the_iea_counts():
    told = concentration({"CHN": 60.0, "AUS": 40.0}, demand={"CHN": 50.0, "DEU": 40.0, "OTH": 10.0})
    assert told.n_minus_1 == pytest.approx(0.4)
    assert told.n_minus_1_iea == pytest.approx(40 / 50)
    assert concentration({"CHN": 60.0, "AUS": 40.0}, demand=80.0).n_minus_1 == pytest.approx(0.5)
    alone = concentration({"CHN": 60.0, "AUS": 40.0})
    assert math.isnan(alone.n_minus_1_iea)
    assert alone.missing.loc["n_minus_1_iea", "reason"] == "demand by country is not given"
    nobody = concentration({"CHN": 60.0, "AUS": 40.0}, demand={"CHN": 50.0})
    assert nobody.missing.loc["n_minus_1_iea", "reason"] == "nobody else has any demand"
    with pytest.raises(DataError, match="no demand"):
        concentration({"CHN": 1.0}, demand=0.0)


def test_the_iea_form_on_a_network():
    net = random_chain(3)
    told = concentration(net)
    processes = net.processes
    uses = processes[processes["role"] == "use"]
    home = uses["node"].map(net.nodes["country"]) == told.table.index[0]
    made = told.table["quantity_t"]
    assert told.n_minus_1_iea == pytest.approx((made.sum() - made.max()) / uses.loc[~home, "activity_t"].sum())


# ---------------------------------------------------------------- refusals


def test_shares_that_do_not_sum_to_one():
    for shares in ({"CHN": 0.6, "AUS": 0.2}, {"CHN": 0.7, "AUS": 0.5}):
        with pytest.raises(DataError, match="give the unnamed rest as OTH"):
            concentration(shares)
        assert concentration(shares, unit="t").hhi > 0  # small quantities exist
    assert concentration({"CHN": 0.667, "AUS": 0.334}).hhi > 0  # rounding
    told = concentration({"CHN": 60.0, "AUS": 30.0, "OTH": 10.0}, unit="pct")
    assert told.hhi == pytest.approx(0.45)
    assert told.unknown_share == pytest.approx(0.1)
    assert told.table["quantity_t"].isna().all()
    with pytest.raises(DataError, match="sum to 80, not to 100"):
        concentration({"CHN": 60.0, "AUS": 20.0}, unit="pct")
    with pytest.raises(UnknownNameError, match="unit"):
        concentration({"CHN": 1.0}, unit="kg")


def test_codes_get_a_suggestion():
    with pytest.raises(DataError) as caught:
        concentration({"ROM": 1.0, "ZAR": 2.0, "China": 3.0, "chn": 4.0, "GER": 5.0})
    told = str(caught.value)
    for meant in ("'ROU'", "'COD'", "'CHN' (China)", "'DEU'"):
        assert f"Did you mean {meant}" in told
    assert len(caught.value.report) == 5


def test_the_codes_of_the_eu_tables_are_right():
    known = set(facts.read("facts/countries.csv")["country"])
    for name in ("eu_sourcing", "trade_parameter"):
        assert set(facts.read(f"facts/{name}.csv")["country"]) <= known


@pytest.mark.parametrize(("wgi", "t", "words"), [
    ({"CHN": 5.6}, None, "already scaled"), ({"CHN": "low"}, None, "no number"),
    ({"CHN": 0.1}, {"CHN": 0.0}, "no trade parameter"),
    (None, {"CHN": 1.0}, "given without wgi"), (True, True, "mineral of plain tonnes"),
    (pd.Series([0.1, 0.2], index=["CHN", "CHN"]), None, "stands twice"),
])
def test_wrong_scores(wgi, t, words):
    with pytest.raises(DataError, match=words):
        concentration({"CHN": 1.0}, wgi=wgi, t=t)


# ---------------------------------------------------------------- ensembles


class Few(Ensemble):
    """Three networks as an ensemble."""

    def draw(self, number):
        return random_chain(4, unknown=number == 2) if number else self.net

    def each(self, function):
        return (function(self.draw(number)) for number in range(self.n))


def test_an_ensemble_adds_bounds():
    draws = Few(random_chain(4), 3, 0)
    told = concentration(draws)
    each = [concentration(draws.draw(number)) for number in range(3)]
    assert told.hhi == each[0].hhi
    assert told.hhi_low == pytest.approx(np.quantile([one.hhi_low for one in each], 0.05))
    assert told.hhi_high == pytest.approx(np.quantile([one.hhi_high for one in each], 0.95))
    assert told.hhi_wgi_high == pytest.approx(np.quantile([one.hhi_wgi_high for one in each], 0.95))
    assert {"share_low", "share_high", "rank_low", "stability"} <= set(told.table.columns)
    assert "hhi_wgi_low" not in concentration(draws, wgi=False).figures


def test_a_bundled_ensemble():
    net = sg.load("gallium")
    told = concentration(Ensemble(net, 12, 1))
    assert told.hhi == concentration(net).hhi
    assert told.hhi_low < told.hhi_high
    assert told.hhi_wgi_t_low < told.hhi_wgi_t_high
    assert told.table["stability"].between(0, 1).all()
    risk, plain = supply_risk(Ensemble(net, 12, 1)), supply_risk(net)
    assert risk.sr == plain.sr
    assert risk.sr_low < risk.sr_high
    bought = geopolrisk(Ensemble(net, 12, 1), importer="USA")
    assert 0.0 <= bought.score_low <= bought.score_high <= 1.0
    reliance = net_import_reliance(Ensemble(net, 12, 1), of="CHN")
    assert reliance.production_t_low < reliance.production_t_high
    assert {"imports_t_low", "net_import_reliance_high"} <= set(reliance.table.columns)
