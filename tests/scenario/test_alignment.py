"""Tiers on the real facts: the edge cases, pairs, overrides, and what is refused."""

import datetime as dt
import pickle

import pandas as pd
import pytest

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.scenario.alignment import TIERS, forge


@pytest.fixture(scope="module")
def zone():
    return forge("2026-07-01")


@pytest.mark.parametrize(("country", "tier"), [
    ("USA", "core"), ("JPN", "core"), ("KOR", "core"), ("DEU", "core"),
    ("POL", "linked"),  # an EU state covered by the Commission
    ("COD", "linked"), ("PHL", "linked"),  # attended, with an instrument of their own
    ("BRA", "engaged"),  # only attended
    ("CHL", "engaged"), ("IDN", "engaged"), ("COL", "engaged"),  # absent, with an instrument or a trade agreement
    ("NAM", "unaligned"),  # Namibia, whose two-letter code reads as missing elsewhere
    ("TWN", "unaligned"), ("RUS", "unaligned"), ("CHE", "unaligned"),
    ("GRL", "unaligned"), ("NCL", "unaligned"),  # outside the EU; no tier is passed on from Denmark or France
    ("CHN", "rival"),
    ("XKX", None),  # no fact about Kosovo
    ("EUU", "core"),
])
def test_tiers_on_real_facts(zone, country, tier):
    assert zone.tier(country) == tier


def test_the_sea_and_unknown_countries_have_no_tier(zone):
    assert zone.tier(None) is None
    assert zone.tier(float("nan")) is None
    assert zone.pair_tier("USA", None) is None
    assert zone.pair_tier("XKX", "USA") is None


def test_members_are_countries_at_least_that_well_aligned(zone):
    assert zone.members("core") == tuple(
        sorted(["AUS", "CAN", "DEU", "EST", "FIN", "FRA", "GBR", "IND", "ITA", "JPN", "KOR", "NOR", "SWE", "USA"]))
    linked = zone.members("linked")
    assert set(zone.members("core")) < set(linked)
    assert "EUU" not in linked
    assert {"POL", "COD", "MYS", "PHL"} <= set(linked)
    assert not {"CHN", "IDN", "NAM"} & set(linked)
    assert all(zone.tier(country) in {"core", "linked"} for country in linked)


@pytest.mark.parametrize(("a", "b", "tier"), [
    ("USA", "JPN", "core"),
    ("USA", "PHL", "core"),  # linked, raised by the framework of February 2026
    ("DEU", "POL", "core"), ("AUT", "BGR", "core"),  # inside the EU
    ("DEU", "ZMB", "core"),  # an agreement with the EU holds for its members
    ("JPN", "ZMB", "linked"),  # the memorandum with the United States is nobody else's
    ("USA", "ZMB", "linked"),  # signature never verified: no fact
    ("DNK", "GRL", "engaged"), ("DEU", "NAM", "engaged"),  # unaligned, raised one step
    ("USA", "GRL", "unaligned"),
    ("USA", "VNM", "engaged"),  # announced, not signed
    ("USA", "CHN", "rival"), ("KAZ", "CHN", "rival"),
])
def test_pairs_on_real_facts(zone, a, b, tier):
    assert zone.pair_tier(a, b) == tier
    assert zone.pair_tier(b, a) == tier


def test_without_what_does_not_bind():
    strict = forge("2026-07-01", non_binding=False)
    assert strict.pair_tier("USA", "PHL") == "linked"
    assert strict.pair_tier("DNK", "GRL") == "unaligned"
    assert strict.pair_tier("DEU", "POL") == "core"
    assert strict.pair_tier("USA", "IDN") == "linked"  # a trade agreement binds
    assert strict.tier("PHL") == "linked"


def test_no_agreement_ever_lowers_a_pair(zone):
    strict = forge("2026-07-01", non_binding=False)
    countries = [c for c in zone.table.index if c != "EUU"]
    for a in countries[::11]:
        for b in countries[::6]:
            assert TIERS.index(zone.pair_tier(a, b)) <= TIERS.index(strict.pair_tier(a, b))
            for one in (zone, strict):
                assert TIERS.index(one.pair_tier(a, b)) <= max(one.rank(a), one.rank(b))


def test_only_facts_not_later_than_the_day_count():
    early = forge("2026-03-01")
    assert early.tier("USA") == "core"
    assert early.tier("POL") is None  # its fact is dated 24 April
    assert "no fact dated 2026-03-01" in early.basis("POL")
    assert forge("2026-04-24").tier("POL") == "linked"
    assert forge("2026-02-04").tier("GBR") is None
    assert forge("2026-02-05").pair_tier("USA", "GBR") == "core"
    assert forge(dt.date(2026, 7, 1)).as_of == "2026-07-01"


def test_a_day_before_the_first_fact_is_refused():
    with pytest.raises(DataError, match="before the first fact, 2026-02-04"):
        forge("2026-02-03")
    with pytest.raises(DataError, match="is no day"):
        forge("next week")


def test_overrides_by_mapping():
    mine = forge("2026-07-01", overrides={"RUS": "rival", "CHN": "unaligned", "XKX": "linked", "HUN": "rival"})
    assert [mine.tier(c) for c in ("RUS", "CHN", "XKX", "HUN")] == ["rival", "unaligned", "linked", "rival"]
    assert mine.pair_tier("DEU", "HUN") == "rival"  # no longer core by being in the EU
    assert "XKX" in mine.members("linked")
    assert "set by the caller" in mine.basis("XKX")
    assert forge("2026-07-01").tier("RUS") == "unaligned"


def test_overrides_hold_between_their_days():
    frame = pd.DataFrame({
        "country": ["CHL", "CHL"], "tier": ["linked", "core"], "from": ["2026-05-01", "2026-06-16"],
        "to": ["2026-06-15", None], "reason": ["talks", "treaty"],
    })
    assert forge("2026-04-30", overrides=frame).tier("CHL") == "engaged"
    assert forge("2026-06-15", overrides=frame).tier("CHL") == "linked"
    later = forge("2026-06-16", overrides=frame)
    assert later.tier("CHL") == "core"
    assert later.basis("CHL") == "CHL: core. set by the caller: treaty (2026-06-16)."


def test_every_fault_of_the_overrides_is_told_at_once():
    frame = pd.DataFrame({
        "country": ["CHL", "CHL", "Chile", "NAM", "PER"],
        "tier": ["linked", "core", "friend", "linked", "core"],
        "from": ["2026-05-01", "2026-05-02", None, "2026-13-01", "2026-06-02"],
        "to": [None, None, None, None, "2026-06-01"],
    })
    with pytest.raises(DataError) as caught:
        forge("2026-07-01", overrides=frame)
    told = str(caught.value)
    for words in ("rows 1 and 2", "both linked and core", "'Chile'", "'friend'", "'2026-13-01' is no day",
                  "before it begins"):
        assert words in told
    assert len(caught.value.report) == 5


def test_overrides_with_other_columns_are_refused():
    with pytest.raises(DataError) as caught:
        forge("2026-07-01", overrides=pd.DataFrame({"state": ["CHL"], "tier": ["core"]}))
    assert len(caught.value.report) == 2


def test_wrong_names(zone):
    with pytest.raises(UnknownNameError, match="linked"):
        zone.members("linkd")
    with pytest.raises(UnknownNameError, match="alpha-3"):
        zone.tier("Germany")
    with pytest.raises(UnknownNameError):
        zone.pair_tier("USA", "D")


def test_basis_names_date_and_reference(zone):
    assert zone.basis("AUS").startswith("AUS: core. MSP partner")
    assert "2026-02-04" in zone.basis("AUS")
    assert "reference" in zone.basis("AUS")
    pair = zone.basis("USA", "PHL")
    assert pair.startswith("USA with PHL: core.")
    assert "2026-02-04" in pair


def test_repr_table_and_pickle(zone):
    assert repr(zone).startswith("Alignment on 2026-07-01: 15 core")
    table = zone.table
    table["tier"] = "rival"
    assert zone.tier("USA") == "core"
    again = pickle.loads(pickle.dumps(zone))  # noqa: S301 - our own bytes
    assert again.members("linked") == zone.members("linked")
    assert again.pair_tier("USA", "PHL") == "core"


#: Who rests on a memorandum alone, from the facts: instrument with the United States, MSP Forum, trade agreement.
FALLEN = {
    "ARE": "engaged", "COK": "engaged", "GIN": "engaged",  # frameworks or memoranda of February 2026
    "MAR": "engaged",  # and a trade agreement, which alone only makes engaged (like Bahrain)
    "MNG": "engaged", "PRY": "engaged", "THA": "engaged",
    "VNM": "unaligned",  # stayed away; its framework was announced, not signed
}  # fmt: skip


def test_without_memoranda_countries_fall_too(zone):
    strict = forge("2026-07-01", non_binding=False)
    changed = {
        country: strict.tier(country) for country in zone.table.index if strict.tier(country) != zone.tier(country)
    }
    assert changed == FALLEN
    assert all(strict.rank(country) > zone.rank(country) for country in FALLEN)
    for country, tier in FALLEN.items():
        assert f"only by what does not bind, so {tier}" in strict.basis(country)
        assert "does not bind" not in zone.basis(country)
    assert set(FALLEN).isdisjoint(strict.members("linked"))


@pytest.mark.parametrize(("country", "why"), [
    ("PHL", "kept by MSP Forum"), ("KAZ", "kept by MSP Forum"), ("ZMB", "kept by MSP Forum"),
    ("MYS", "kept by Agreement on Reciprocal Trade"),
    ("SAU", "kept by Strategic Framework"),
    ("IDN", "kept by Agreement on Reciprocal Trade"), ("KHM", "kept by Agreement on Reciprocal Trade"),
    ("CHL", "kept by free-trade agreement"), ("COL", "kept by free-trade agreement"),
])
def test_without_memoranda_the_basis_says_what_holds(zone, country, why):
    strict = forge("2026-07-01", non_binding=False)
    assert strict.tier(country) == zone.tier(country)
    assert why in strict.basis(country)


@pytest.mark.parametrize("country", ["USA", "JPN", "GBR", "POL", "HRV", "BRA", "NAM", "CHN"])
def test_members_the_eu_and_who_only_attended_rest_on_no_memorandum(zone, country):
    strict = forge("2026-07-01", non_binding=False)
    assert strict.tier(country) == zone.tier(country)
    assert strict.basis(country) == zone.basis(country)


def test_overrides_win_over_the_switch():
    mine = forge("2026-07-01", non_binding=False, overrides={"THA": "core"})
    assert mine.tier("THA") == "core"
    assert mine.basis("THA") == "THA: core. set by the caller (2026-07-01)."


def test_ranks(zone):
    assert [zone.rank(c) for c in ("JPN", "POL", "BRA", "NAM", "CHN", "XKX", None)] == [0, 1, 2, 3, 4, None, None]
    assert zone.table.index.map(zone.rank).notna().all()
    with pytest.raises(UnknownNameError, match="alpha-3"):
        zone.rank("Kongo")


def test_overrides_by_pair():
    mine = forge("2026-07-01", overrides={("DEU", "NAM"): "core", ("CHN", "USA"): "engaged", "RUS": "rival"})
    assert mine.pair_tier("NAM", "DEU") == "core"
    assert mine.pair_tier("USA", "CHN") == "engaged"
    assert mine.pair_tier("FRA", "NAM") == forge("2026-07-01").pair_tier("FRA", "NAM")
    assert mine.tier("NAM") == "unaligned"
    assert mine.tier("RUS") == "rival"
    assert mine.basis("USA", "CHN") == "USA with CHN: engaged. set by the caller."
    frame = pd.DataFrame({
        "country": ["XKX", "XKX"], "partner": ["USA", None], "tier": ["linked", "engaged"], "to": ["2026-06-30", None],
    })
    assert forge("2026-06-30", overrides=frame).pair_tier("USA", "XKX") == "linked"
    later = forge("2026-07-01", overrides=frame)
    assert later.tier("XKX") == "engaged"
    assert later.pair_tier("USA", "XKX") == "engaged"


@pytest.mark.parametrize(("options", "count", "says"), [
    ({"overrides": {("DEU", "Namibia"): "core"}}, 1, "unknown country (ISO 3166-1 alpha-3) 'Namibia'"),
    ({"overrides": {"Kongo": "core"}}, 1, "Did you mean `COD`?"),
    ({"overrides": {("DEU", "DEU"): "core"}}, 1, "paired with itself"),
    ({"overrides": {("DEU", "NAM", "ZAF"): "core"}}, 1, "no pair of countries"),
    ({"overrides": {"CHL": ["core"]}}, 1, "unknown tier"),
    ({"overrides": {"CHL": None, "Kongo": "friend"}}, 3, "Known: core, engaged, linked, rival, unaligned"),
    ({"overrides": ["CHL"]}, 1, "expected tiers by country"),
    ({"overrides": pd.DataFrame({"country": ["DEU", "NAM"], "partner": ["NAM", "DEU"], "tier": ["core", "rival"]})},
     1, "DEU with NAM is both core and rival"),
    ({"as_of": "2020-01-01", "overrides": {"Kongo": "friend"}}, 3, "before the first fact, 2026-02-04"),
    ({"as_of": pd.NaT, "non_binding": "no"}, 2, "expected True or False"),
    ({"as_of": 20260701}, 1, "is no day"),
])
def test_bad_questions_are_answered_with_all_their_faults(options, count, says):
    with pytest.raises(DataError) as caught:
        forge(**options)
    assert len(caught.value.report) == count
    assert says in str(caught.value)
