"""Closing to the statistics: totals are kept, sites give way by stated rules, every change is written down."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplygraph.world.closing import Ledger, close, exclusive_pairs, fill, split_surplus
from supplygraph.world.sites import register, running, slug

AMOUNT = st.one_of(st.just(0.0), st.floats(1e-3, 1e6))


def sites(*rows):
    table = pd.DataFrame(rows, columns=["facility", "country", "capacity_t", "running"]).set_index("facility")
    return table.assign(bound_t=math.inf)


def statistic(**tonnes):
    return pd.DataFrame({"country": list(tonnes), "quantity_t": list(tonnes.values()), "reference": "r"})


@given(st.lists(st.tuples(AMOUNT, AMOUNT), min_size=1, max_size=8), AMOUNT)
def test_fill_meets_the_total_below_the_ceilings(rows, total):
    weight, ceiling = [w for w, _ in rows], [c for _, c in rows]
    made = fill(weight, ceiling, total)
    room = sum(c for w, c in rows if w > 0)
    assert math.isclose(made.sum(), min(total, room), rel_tol=1e-9, abs_tol=1e-6)
    assert all(m <= c * (1 + 1e-9) + 1e-9 for m, c in zip(made, ceiling, strict=True))
    below = [m / w for m, w, c in zip(made, weight, ceiling, strict=True) if w > 1 and m < c * (1 - 1e-9)]
    assert not below or max(below) - min(below) <= 1e-6 * max(1.0, *below)


def test_sites_scale_down_and_up_and_the_rest_is_one_node():
    table = sites(("a", "CHL", 100, 1), ("b", "CHL", 300, 1), ("c", "PER", 100, 1))
    book = Ledger("x")
    told = close(table, statistic(CHL=200, PER=150, ZMB=10, WLD=360), book, "mining")
    assert told.activity_t.to_dict() == pytest.approx({"a": 50, "b": 150, "c": 105})
    assert {r.country: r.quantity_t for r in told.rests} == pytest.approx({"PER": 45, "ZMB": 10})
    assert sum(told.activity_t) + sum(r.quantity_t for r in told.rests) == pytest.approx(360)
    rows = book.table()
    assert rows.loc[rows["what"] == "sites scaled", "factor"].tolist() == pytest.approx([0.5, 1.05])


def test_spare_is_at_most_half_of_what_is_made_and_deep_cuts_are_flagged():
    book = Ledger("x")
    told = close(sites(("a", "KOR", 820, 1)), statistic(KOR=50), book, "refining")
    assert told.capacity_t["a"] == pytest.approx(75)
    assert set(book.table()["what"]) == {"sites scaled", "below half", "spare capped"}
    use = close(sites(("a", "KOR", 820, 1)), statistic(KOR=50), Ledger("x"), "manufacturing", use=True)
    assert use.capacity_t["a"] == pytest.approx(50)


def test_the_unnamed_rest_first_feeds_listed_sites_elsewhere():
    table = sites(("a", "CHL", 100, 1), ("b", "MAR", 30, 1), ("c", "FIN", 10, 0.5), ("d", "NAM", 5, 0))
    told = close(table, statistic(CHL=100, OTH=50), Ledger("x"), "mining")
    assert told.activity_t.to_dict() == pytest.approx({"a": 100, "b": 30, "c": 5, "d": 0})
    assert [(r.country, r.quantity_t) for r in told.rests] == [("OTH", pytest.approx(15))]
    scarce = close(table, statistic(CHL=100, OTH=7), Ledger("x"), "mining")
    assert scarce.activity_t.to_dict() == pytest.approx({"a": 100, "b": 6, "c": 1, "d": 0})
    assert not scarce.rests


def test_the_union_feeds_its_members_without_a_row():
    table = sites(("a", "DEU", 100, 1), ("b", "SWE", 30, 1), ("c", "NOR", 10, 1))
    told = close(table, statistic(DEU=40, EUU=50, OTH=5), Ledger("x"), "manufacturing", use=True)
    assert told.activity_t.to_dict() == pytest.approx({"a": 40, "b": 30, "c": 5})
    assert [(r.country, r.quantity_t) for r in told.rests] == [("EUU", pytest.approx(20))]


def test_a_withheld_figure_stays_within_the_published_world_total():
    table = sites(("a", "AUS", 100, 1), ("b", "USA", 20, 1))
    book = Ledger("x")
    told = close(table, statistic(AUS=80, USA=math.nan, WLD=85), book, "mining")
    assert told.activity_t.to_dict() == pytest.approx({"a": 80, "b": 5})
    wide = close(table, statistic(AUS=80, USA=math.nan, WLD=200), Ledger("x"), "mining")
    assert wide.activity_t["b"] == pytest.approx(16)
    assert "withheld" in set(book.table()["what"])


def test_a_site_without_capacity_is_left_out_and_told():
    book = Ledger("x")
    told = close(sites(("a", "CHN", math.nan, 1)), statistic(CHN=10), book, "refining")
    assert told.activity_t["a"] == 0
    assert [r.quantity_t for r in told.rests] == [10]
    assert book.table().query("what == 'left out'")["reason"].tolist() == ["a: no published capacity"]


def test_a_plant_fed_by_its_own_mine_runs_as_the_mine_does():
    table = sites(("a", "MDG", 100, 0.5), ("b", "MDG", 100, 1))
    table.loc["a", "bound_t"] = 20.0
    told = close(table, statistic(MDG=100), Ledger("x"), "refining")
    assert told.activity_t["a"] <= 20
    assert told.activity_t.sum() == pytest.approx(100)


def facilities():
    return pd.DataFrame(
        {
            "facility": ["mine", "plant", "far", "shop"],
            "country": ["MDG", "MDG", "CHN", "MDG"],
            "lon": [48.0, 49.0, 110.0, 48.5],
            "lat": [-18.0, -18.5, 30.0, -18.0],
            "makes": ["ore", "metal", "metal", "metal"],
            "accepts": [None, "ore", "ore;scrap", "ore;scrap"],
        }
    ).set_index("facility")


def test_integrated_groups_are_closed_together_only_when_nothing_else_comes_in():
    def pairs(customer, kind="integrated", untraded=frozenset()):
        links = pd.DataFrame({"supplier": ["mine"], "customer": [customer], "type": [kind]})
        return exclusive_pairs(links, facilities(), untraded)

    assert pairs("plant") == [(["mine"], ["plant"])]
    assert pairs("plant", "offtake") == []
    assert pairs("far") == []
    assert pairs("shop") == []
    assert pairs("shop", untraded=frozenset({"ore"})) == [(["mine"], ["shop"])]


def test_a_surplus_stands_first_where_exports_are_restricted():
    supply = pd.DataFrame(
        {"country": ["COD", "IDN", "AUS"], "supply_t": [100.0, 50, 50], "committed_t": [0.0, 0, 30], "captive_t": 0.0},
        index=["a", "b", "c"],
    )
    book = Ledger("x")
    assert split_surplus(supply, 60, ["COD"], book, "mining").to_dict() == pytest.approx({"a": 60, "b": 0, "c": 0})
    more = split_surplus(supply, 135, ["COD"], Ledger("x"), "mining")
    assert more.to_dict() == pytest.approx({"a": 100, "b": 25, "c": 10})
    even = split_surplus(supply, 17, [], Ledger("x"), "mining")
    assert even.to_dict() == pytest.approx({"a": 10, "b": 5, "c": 2})
    assert book.table()[["country", "what"]].to_numpy().tolist() == [["COD", "stock build"]]


def site(facility, name, kind="mine", country="COD", lon=25.4, lat=-10.7, operator="Glencore"):
    return {
        "facility": facility, "name": name, "kind": kind, "country": country, "lon": lon, "lat": lat,
        "operator": operator, "status": "operating", "reference": "r", "confidence": "low",
    }  # fmt: skip


def test_several_products_at_one_place_are_one_site_with_a_readable_id():
    rows = [
        site("co-1", "Kamoto (KCC)"),
        site("cu-1", "Kamoto (copper)", lon=25.42),
        site("cu-2", "Sicomines", lon=25.41, operator="Sicomines"),
        site("cu-3", "Kamoto tankhouse", kind="refinery"),
        site("co-2", "Kamoto", lon=27.0),
    ]
    found = register(pd.DataFrame(rows))
    again = register(pd.DataFrame(rows[::-1]))
    assert found.node_of.to_dict() == again.node_of.to_dict()
    assert found.node_of["co-1"] == found.node_of["cu-1"]
    assert found.node_of.nunique() == len(found.nodes) == 4
    assert found.node_of["cu-2"] == "sicomines"
    assert found.node_of["cu-3"] == "kamoto-tankhouse"


def test_owners_of_a_site_sum_to_at_most_one():
    owners = pd.DataFrame({"facility": ["a", "a", "b"], "owner": ["CHN", "COD", "CHE"], "share": [0.9, 0.3, 1.0],
                           "reference": "r"})  # fmt: skip
    found = register(pd.DataFrame([site("a", "X"), site("b", "X")]), owners)
    assert found.owners["owner"].tolist() == ["CHN", "COD"]
    assert found.owners["share"].sum() == pytest.approx(1)


def test_slugs_and_states():
    assert slug("Voisey's Bay — Québec") == "voiseys-bay-qubec"
    status = pd.Series(["operating", "closing", "construction", "halted", "halted"])
    year = pd.Series([2025, 2025, 2025, 2025, 2026])
    assert running(status, year, 2025).tolist() == [1, 0.5, 0, 0, 1]
