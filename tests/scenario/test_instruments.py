"""Price instruments as values: read once, refused with every problem and the remedy."""

from __future__ import annotations

import dataclasses

import pytest

import supplygraph as sg
from supplygraph.errors import DataError, UnknownNameError


def test_a_floor_reads_money_tiers_and_stages():
    alignment = sg.forge()
    floor = sg.PriceFloor({"b": sg.Money(20_000), "a": "10 k USD"}, zone=(alignment, "core"))
    assert floor.floors == {"a": 10_000.0, "b": 20_000.0}
    assert floor.members == alignment.members("core")
    assert sg.PriceFloor("a", 1, zone="USA").members == ("USA",)
    assert sg.PriceFloor("a", 1, zone=alignment.members("core")).members == floor.members
    with pytest.raises(dataclasses.FrozenInstanceError):
        floor.usd_t = 3


@pytest.mark.parametrize(("given", "words"), [
    ({"usd_t": -5, "zone": "USA"}, "usd_t of a: is -5; expected at least 0"),
    ({"zone": "USA"}, "No zone floor has been published"),
    ({"usd_t": 5, "zone": []}, "zone: has no members"),
    ({"usd_t": 5}, "zone: has no members"),
    ({"usd_t": 5, "zone": 7}, "expected country codes"),
    ({"usd_t": 5, "zone": sg.forge()}, "an alignment without a tier"),
    ({"usd_t": sg.Money(5, "EUR"), "zone": "USA"}, "no rate is assumed"),
    ({"usd_t": sg.Money(5, "USD", 2022), "zone": "USA"}, r"in_year\(2025\)"),
    ({"usd_t": "5 t", "zone": "USA"}, "a weight"),
    ({"usd_t": float("nan"), "zone": "USA"}, "usd_t of a"),
])  # fmt: skip
def test_a_wrong_floor_is_refused(given, words):
    with pytest.raises(DataError, match=words):
        sg.PriceFloor("a", **given)


def test_all_problems_are_listed_at_once():
    with pytest.raises(DataError) as caught:
        sg.PriceFloor("a", -5, zone=[])
    assert len(caught.value.report) == 2
    with pytest.raises(DataError) as caught:
        sg.Tariff("a", rate=-1, usd_t="x", importers=[])
    assert len(caught.value.report) == 3
    with pytest.raises(DataError) as caught:
        sg.OfftakeFloor("who", "a", -1, volume_t=0, upside=2)
    assert len(caught.value.report) == 3
    with pytest.raises(DataError, match="beside floors by product"):
        sg.PriceFloor({"a": 1}, 5, zone="USA")


def test_unknown_countries_are_told():
    with pytest.raises(UnknownNameError, match="country"):
        sg.PriceFloor("a", 5, zone=["USA", "ZZZ"])
    with pytest.raises(UnknownNameError, match="tier"):
        sg.PriceFloor("a", 5, zone=(sg.forge(), "linkd"))
    with pytest.raises(UnknownNameError, match="USB"):
        sg.OfftakeFloor("who", "a", 5, payer="USB")


def test_a_tariff_needs_an_amount_and_speaks():
    with pytest.raises(DataError, match=r"Give rate=0.25 or usd_t=500"):
        sg.Tariff("a")
    both = sg.Tariff("a", rate=0.1, usd_t=50, origins=["CHN", "RUS"])
    assert both.describe() == "tariff of 10 % and 50 USD/t on a from CHN and RUS into every country"
    assert sg.Tariff("a", usd_t=0).specific == 0
    assert "55 countries" in sg.PriceFloor("a", 1, zone=(sg.forge("2026-07-01"), "linked")).describe()
    assert sg.OfftakeFloor("w", "a", 5).describe().endswith("paid by its own state")
