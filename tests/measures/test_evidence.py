"""Our figures against published ones: what is compared, and when it is red."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import supplygraph as sg
from supplygraph import facts
from supplygraph.errors import DataError
from supplygraph.measures import evidence as told
from supplygraph.measures import published


@pytest.fixture(scope="module")
def cobalt():
    return sg.evidence(sg.load("cobalt"), draws=40)


def row(table, figure, **cells):
    found = table[table["figure"] == figure]
    for column, value in cells.items():
        found = found[found[column] == value]
    assert len(found) == 1, found
    return found.iloc[0]


def test_every_bundled_mineral_has_published_figures_with_year_and_source():
    for mineral in sorted(set(sg.datasets()["mineral"])):
        quality = sg.datasets().query("mineral == @mineral and statistic_t == statistic_t")
        table = published.claims(mineral, zip(quality["stage"], quality["series"], quality["year"], strict=True))
        assert len(table) > 4, mineral
        assert table.index.is_unique
        assert table[["stage", "figure", "published", "year", "reference", "confidence"]].notna().all(axis=None)
        assert (table["published_low"] <= table["published"]).all()
        assert (table["published"] <= table["published_high"]).all()
        known = {
            key for name in ("references", "chain_references") for key in facts.read(f"facts/{name}.csv")["reference"]
        }
        assert set(table["reference"]) <= known
        assert set(table["country"].dropna()) <= set(facts.read("facts/countries.csv")["country"])
        assert table.loc[table["figure"].isin(["import_share", "owner_share"]), "owner"].notna().all()
        assert set(table["owner"].dropna()) <= set(facts.read("facts/countries.csv")["country"])


def test_printed_digits_leave_a_range_open():
    assert published._half_digit(310000.0) == 5000.0
    assert published._half_digit(238100.0) == 50.0
    assert published._half_digit(909.0) == 0.5


def test_statistics_that_the_network_was_closed_to_are_no_witnesses(cobalt):
    table = cobalt.table
    own = row(table, "share", stage="mining", country="COD", year=2025, independent=False)
    assert own["verdict"] == "agrees"
    assert own["ours"] == pytest.approx(own["published"], abs=1e-9)
    other = row(table, "share", stage="mining", country="COD", year=2025, independent=True)
    assert other["reference"] != own["reference"]
    assert other["published"] == pytest.approx(210000 / 320150)  # the sum of the printed rows
    assert other["difference"] == pytest.approx(own["ours"] - other["published"])


def test_ours_is_what_the_measures_say(cobalt):
    net = sg.load("cobalt")
    refining = sg.concentration(net, stage="refining")
    assert row(cobalt.table, "top3_share")["ours"] == pytest.approx(refining.top3)
    assert row(cobalt.table, "world_t", stage="refining")["ours"] == pytest.approx(refining.figures["total_t"])
    held = row(cobalt.table, "owner_share")
    mines = net.processes[(net.processes["role"] == "extract")].set_index("node")
    inside = mines[net.nodes["country"].reindex(mines.index).eq("COD")]["activity_t"]
    owners = net.owners.reset_index().query("owner == 'CHN'").set_index("node")["share"]
    assert held["ours"] == pytest.approx((owners.reindex(inside.index).fillna(0) * inside).sum() / inside.sum())
    norway = row(cobalt.table, "import_share", owner="NOR")
    country = net.processes["node"].map(net.nodes["country"])
    sent = net.shipments[net.shipments["product"] == "cobalt-refined"]
    start, end = sent["origin"].map(country), sent["destination"].map(country)
    bought = sent["flow_t"][end.eq("USA") & ~start.eq("USA")]
    assert norway["ours"] == pytest.approx(bought[start.eq("NOR")].sum() / bought.sum())


def test_intervals_hold_our_figure_and_verdicts_follow_from_them(cobalt):
    table = cobalt.table[cobalt.table["verdict"] != "not ours to say"]
    assert (table["ours_low"] <= table["ours"] * 1.02 + 1e-9).all()
    assert (table["ours_high"] >= table["ours"] * 0.98 - 1e-9).all()
    assert (table["ours_high"] - table["ours_low"] > 0).mean() > 0.7
    meet = (table["ours_low"] <= table["published_high"] + 1e-9) & (table["ours_high"] >= table["published_low"] - 1e-9)
    assert (np.where(meet, "agrees", "disagrees") == table["verdict"]).all()
    assert cobalt.figures["disagree"] == (table["verdict"] == "disagrees").sum()
    own = table[table["independent"]]
    assert cobalt.agreement == pytest.approx((own["verdict"] == "agrees").mean())


def test_a_figure_of_a_stage_that_is_not_there_is_not_ours_to_say():
    asked = published.claims("cobalt", [])
    asked = asked.assign(stage=np.where(asked.index == asked.index[0], "smelting", asked["stage"]))
    ours = told._ours(sg.load("cobalt"), asked=asked, whole=frozenset({"mining", "refining"})).table
    assert ours.iloc[0].isna().all()
    assert not ours.iloc[1].isna().any()
    table = told._compared(asked, ours, sg.load("cobalt"))
    assert table["verdict"].iloc[0] == "not ours to say"
    assert math.isnan(table["difference"].iloc[0])


def test_a_country_without_a_name_may_be_in_the_rest():
    book = told._Book(sg.load("cobalt"), frozenset({"refining"}))
    rest = book.stage("refining", "country").unknown_share
    assert rest > 0
    assert book.share("refining", "BRA") == (0.0, 0.0, rest)
    assert book.import_share("refining", "FSM", "CHN")[0] != book.import_share("refining", "FSM", "CHN")[0]


def test_the_hhi_published_for_rare_earths_is_compared():
    table = sg.evidence(sg.load("rare_earths"), draws=10).table
    hhi = row(table, "hhi")
    assert hhi["published"] == 0.7219
    assert hhi["verdict"] == "disagrees"  # of 2017, when China mined more
    assert hhi["year"] == 2017


def test_several_minerals_are_refused():
    with pytest.raises(DataError, match="one mineral"):
        sg.evidence(sg.load(["cobalt", "nickel"]), draws=2)


def test_the_words_name_the_largest_disagreement(cobalt):
    words = cobalt.explain()
    assert f"{cobalt.figures['disagree']} disagree by more than the interval" in words
    apart = cobalt.table[cobalt.table["verdict"] == "disagrees"]
    worst = (apart["difference"] / apart["published"]).abs().idxmax()
    assert str(cobalt.table.loc[worst, "about"]) in words


def test_a_total_is_half_a_digit_wide(cobalt):
    world = row(cobalt.table, "world_t", stage="mining", independent=False)
    assert (world["published_low"], world["published_high"]) == (305000.0, 315000.0)
    assert isinstance(cobalt.table, pd.DataFrame)
