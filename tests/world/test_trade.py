"""Customs records: which rows count, what bands they give, and an honest fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from supplygraph import facts
from supplygraph.world import flows, trade

EMPTY = pd.DataFrame(columns=["origin", "destination", "flow_t", "reference"])
GIVEN = {
    "owners": pd.DataFrame(columns=["node", "owner", "share"]),
    "links": EMPTY,
    "ties": EMPTY,
    "tail": 0.0,
    "least_t": 0.0,
}
CODE = trade.Code("cobalt", "cobalt-mined", "810520", "ref", "high", factor=0.5, most_usd_kg=10.0)


def bilateral(rows):
    table = pd.DataFrame(rows, columns=["exporter_iso3", "importer_iso3", "quantity_t_gross", "value_usd", "note"])
    return table.assign(hs6="810520", year=2024, contained_factor=np.nan)


def record(rows, measure="imports"):
    table = pd.DataFrame(rows, columns=["exporter", "importer", "quantity_t"])
    table["share"] = table["quantity_t"] / table.groupby("importer")["quantity_t"].transform("sum")
    return table.assign(
        mineral="m", product="p", year=2024, measure=measure, used_for="fit", reference="ref", confidence="high"
    )


def world(exporters, importers):
    origins = pd.DataFrame(
        {
            "node": [f"o{c}" for c in exporters],
            "country": list(exporters),
            "makes": np.nan,
            "operator": np.nan,
            "supply_t": list(exporters.values()),
        },
        index=[f"po{c}" for c in exporters],
    )
    destinations = pd.DataFrame(
        {
            "node": [f"d{c}" for c in importers],
            "country": list(importers),
            "accepts": np.nan,
            "operator": np.nan,
            "intake_t": list(importers.values()),
        },
        index=[f"pd{c}" for c in importers],
    )
    return origins, destinations


def test_flagged_weightless_and_foreign_goods_are_left_out():
    table = trade.select(
        bilateral(
            [
                ("COD", "CHN", 100.0, 5e5, ""),
                ("PHL", "CHN", 100.0, 5e5, "IMPLAUSIBLE unit value"),
                ("ZMB", "CHN", np.nan, 5e5, ""),
                ("NOR", "CHN", 100.0, 3e6, "metal, 30 USD/kg"),
                ("MAR", "CHN", 300.0, 1.5e6, "weight estimated by UNSD"),
            ]
        ),
        (CODE,),
    )
    assert table["exporter"].tolist() == ["COD", "MAR"]
    assert table["quantity_t"].tolist() == [50.0, 150.0]
    assert table["share"].tolist() == [0.25, 0.75]
    assert table["confidence"].tolist() == ["high", "low"]


def test_a_published_total_is_the_base_of_the_shares_and_no_partner():
    listed = trade.Code("copper", "copper-mined", "810520", "ref", "low", measure="imports_listed", factor=1.0)
    table = trade.select(bilateral([("CHL", "CHN", 30.0, np.nan, ""), ("WLD", "CHN", 120.0, np.nan, "")]), (listed,))
    assert table["exporter"].tolist() == ["CHL"]
    assert table["share"].tolist() == [0.25]


def test_targets_take_the_end_whose_total_the_statistics_set(monkeypatch):
    # B buys all it needs abroad, A sells half of what it makes at home: B's share counts
    monkeypatch.setattr(trade, "records", lambda *_: record([("A", "B", 30.0), ("C", "B", 10.0), ("A", "C", 1.0)]))
    origins, destinations = world({"A": 100.0, "C": 50.0}, {"A": 50.0, "B": 80.0, "C": 20.0})
    plain = np.array([[50.0, 40.0, 10.0], [0.0, 40.0, 10.0]])
    bands = trade.bands("m", "p", origins, destinations, plain=plain)
    first = bands.set_index(["exporter", "importer"]).loc[("A", "B")]
    assert (first["low_t"], first["high_t"]) == pytest.approx((0.9 * 60, 1.1 * 60))


def test_the_fit_improves_with_the_record_and_counts_recorded_zeros(monkeypatch):
    rows = [("A", "X", 80.0), ("A", "Y", 20.0), ("B", "Y", 60.0)]
    monkeypatch.setattr(trade, "records", lambda *_: record(rows))
    origins, destinations = world({"A": 100.0, "B": 60.0}, {"X": 80.0, "Y": 80.0})
    table = trade.fit("m", "p", origins, destinations, cost=np.zeros((2, 2)), **GIVEN).set_index("case")
    # without: 50, 50, 30, 30 against 80, 20, 0, 60
    assert table.loc["without", "misplaced_share"] == pytest.approx(60 / 160)
    assert table.loc["with", "misplaced_share"] < 0.1
    assert table["pairs"].tolist() == [4, 4, 4]
    assert table.loc["with", "misplaced_share"] <= table.loc["held_out", "misplaced_share"]


def test_one_record_alone_held_out_is_as_good_as_none(monkeypatch):
    monkeypatch.setattr(trade, "records", lambda *_: record([("A", "X", 90.0)], measure="imports_listed"))
    origins, destinations = world({"A": 100.0, "B": 60.0}, {"X": 80.0, "Y": 80.0})
    table = trade.fit("m", "p", origins, destinations, cost=np.zeros((2, 2)), **GIVEN).set_index("case")
    assert table["pairs"].tolist() == [1, 1, 1]
    assert np.isnan(table["correlation"]).all()


def test_without_a_record_the_estimate_stands_alone_and_no_fit_is_claimed(monkeypatch):
    monkeypatch.setattr(trade, "records", lambda *_: record([]).iloc[:0])
    origins, destinations = world({"A": 100.0}, {"X": 100.0})
    found, table = trade.estimate("m", "p", origins, destinations, cost=np.zeros((1, 1)), **GIVEN)
    assert found.flow.tolist() == [[100.0]]
    assert not len(table)
    assert table.columns.tolist() == list(trade.FIT)


def test_bands_close_to_a_known_world_bring_the_flows_back(monkeypatch):
    """Flows made by a known rule: the record of half of the pairs lowers the error on the other half too."""
    rng = np.random.default_rng(4)
    supply, intake = rng.uniform(10, 100, 6), rng.uniform(10, 100, 6)
    intake *= supply.sum() / intake.sum()
    origins, destinations = world(
        {f"E{k}": x for k, x in enumerate(supply)}, {f"I{k}": x for k, x in enumerate(intake)}
    )
    truth = flows.estimate(origins, destinations, cost=rng.uniform(0, 300, (6, 6)), bands=EMPTY, **GIVEN).flow
    pairs = [(f"E{i}", f"I{j}", truth[i, j]) for i in range(6) for j in range(6)]
    monkeypatch.setattr(trade, "records", lambda *_: record(pairs))
    table = trade.fit("m", "p", origins, destinations, cost=np.zeros((6, 6)), **GIVEN).set_index("case")
    assert table.loc["with", "misplaced_share"] < 0.1 < table.loc["without", "misplaced_share"]
    assert table.loc["held_out", "misplaced_share"] < table.loc["without", "misplaced_share"]


def test_the_codes_of_a_product_agree_on_what_they_measure_and_the_bundled_shares_hold_together():
    told = {}
    for code in trade.CODES:
        assert told.setdefault(code.product, (code.measure, code.reference, code.year))[1] == code.reference
        assert told[code.product][0] == code.measure
    table = facts.read("facts/trade_shares.csv")
    assert table.columns.tolist() == list(trade.COLUMNS)
    assert not table.duplicated(["product", "exporter", "importer"]).any()
    assert table["share"].between(0, 1).all()
    assert (table["quantity_t"] > 0).all()
    assert (table["exporter"] != table["importer"]).all()
    assert "WLD" not in set(table["exporter"]) | set(table["importer"])
    known = set(facts.read("facts/trade_references.csv")["reference"])
    assert set(table["reference"]) <= known
    assert {(c.mineral, c.product) for c in trade.CODES} >= set(zip(table["mineral"], table["product"], strict=True))


def test_published_anchors_come_out_of_the_shares():
    """Chile sells most of its lithium to China; Congo nearly all its cobalt; the Philippines' nickel ore too."""
    table = facts.read("facts/trade_shares.csv").set_index(["product", "exporter", "importer"])["quantity_t"]
    chile = table["lithium-refined"]["CHL"]
    assert chile["CHN"] / chile.sum() == pytest.approx(0.75, abs=0.05)
    # 232 976 t of carbonate at 18.79 % lithium went to all partners; hydroxide comes on top
    assert 0.95 < chile.sum() / (232976 * 0.1879) < 1.10
    congo = table["cobalt-mined"]["COD"]
    assert congo["CHN"] / congo.sum() > 0.95
    ore = table["nickel-mined"]["PHL"]
    assert ore["CHN"] > ore["IDN"] > ore["JPN"]


def test_a_union_booked_in_one_place_counts_as_one_importer(monkeypatch):
    rows = [("A", "DEU", 30.0), ("A", "FRA", 30.0), ("FIN", "DEU", 50.0), ("A", "USA", 40.0), ("FIN", "USA", 10.0)]
    monkeypatch.setattr(trade, "records", lambda *_: record(rows, measure="imports_t"))
    origins, destinations = world({"A": 100.0, "FIN": 60.0}, {"DEU": 110.0, "USA": 50.0})
    destinations.loc["pdDEU", "node"] = "other-m-manufacturing-euu"
    bands = trade.bands("m", "p", origins, destinations, plain=np.array([[70.0, 30.0], [40.0, 20.0]]))
    told = bands.set_index(["exporter", "importer"])
    assert told.loc[("A", "EUU"), ["low_t", "high_t"]].tolist() == pytest.approx([54.0, 66.0])
    assert ("FIN", "EUU") not in told.index  # inside the union
    found, table = trade.estimate("m", "p", origins, destinations, cost=np.zeros((2, 2)), **GIVEN)
    assert 54.0 * (1 - 1e-6) <= found.flow[0, 0] <= 66.0 * (1 + 1e-6)
    assert table["pairs"].tolist() == [3, 3, 3]


def test_bans_count_by_year_and_by_the_form_that_is_traded():
    assert trade.bans("nickel", "nickel-mined")["exporter"].tolist() == ["IDN"]
    assert not len(trade.bans("nickel", "nickel-refined"))
    assert not len(trade.bans("cobalt", "cobalt-mined"))  # eight months of 2025: a stock, not a closed border
    assert not len(trade.bans("lithium", "lithium-mined"))  # raw ore is banned, concentrate is what travels
    assert not len(trade.bans("unobtainium", "x"))
