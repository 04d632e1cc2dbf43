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
            low = max(TIERS.index(zone.tier(a)), TIERS.index(zone.tier(b)))
            assert TIERS.index(zone.pair_tier(a, b)) <= TIERS.index(strict.pair_tier(a, b)) <= low


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
