"""The atlas's page of countries says what the facts say of each."""

import pytest

import supplygraph as sg
from supplygraph.atlas_countries import countries


@pytest.fixture(scope="module")
def rows():
    share = {"country": "COD", "name": "DR Congo", "share": 0.7, "share_low": 0.6, "share_high": 0.8, "row": 1}
    small = {**share, "country": "CUB", "name": "Cuba", "share": 0.004}
    mineral = {"mineral": "cobalt", "title": "Cobalt", "tables": [{"name": "mining", "rows": 9}],
               "shares": {"mining": {"table": "mining", "rows": [share, small]}}}  # fmt: skip
    return {row["country"]: row for row in countries([mineral], "2026-07-01")}


def test_each_country_has_its_tier_and_what_it_signed(rows):
    signed, zone = sg.agreements("2026-07-01"), sg.forge("2026-07-01")
    assert len(rows) > 60
    for code, row in rows.items():
        assert row["tier"] == zone.tier(code)
        held = sum(one["in_force"] for one in row["agreements"]) + row["through_union"]
        assert held == signed.of(code).table["in_force"].sum(), code


def test_members_of_the_union_point_to_it(rows):
    assert rows["POL"]["agreements"] == []
    assert rows["POL"]["through_union"] == sum(one["in_force"] for one in rows["EUU"]["agreements"])
    assert rows["GBR"]["through_union"] == 0


def test_shares_lead_to_their_row_and_small_ones_are_left_out(rows):
    (share,) = rows["COD"]["shares"]
    assert share["href"] == "cobalt/tables.html#mining-1"
    assert "CUB" not in rows


def test_restrictions_are_those_on_the_minerals_of_the_atlas(rows):
    (rule,) = rows["COD"]["restrictions"]
    assert "cobalt" in rule["title"]
    assert rule["source"]
    assert "CHN" not in rows  # none of China's restrictions is on cobalt, and it joined no other state by name
