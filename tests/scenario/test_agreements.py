"""Agreements: what is in force, whom it joins, what it opens, and what changes when one is left out."""

import pandas as pd
import pytest

import supplygraph as sg
from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.scenario.agreements import PROVISIONS, covers


@pytest.fixture(scope="module")
def signed():
    return sg.agreements("2026-07-01")


def test_every_row_of_the_facts_has_its_own_id_and_reference(signed):
    rows = facts.read("facts/agreements.csv")
    assert len(signed) == len(rows) == signed.table.index.nunique()
    assert signed.table["reference"].notna().all()
    listed = signed.table["provisions"].dropna().str.split(";").explode()
    assert set(listed) == set(PROVISIONS)


def test_only_what_is_signed_and_verified_by_then_is_in_force(signed):
    table = signed.table
    held = table[table["in_force"]]
    assert held["status"].str.startswith("signed").all()
    assert not held["status"].str.contains("unverified").any()
    assert (table["why_not"] == "").equals(table["in_force"])
    before = sg.agreements("2025-10-19").table
    assert not before.loc["usa-aus-2025-10-20-framework", "in_force"]
    assert before.loc["usa-aus-2025-10-20-framework", "why_not"] == "later"
    assert sg.agreements("2025-10-20").table.loc["usa-aus-2025-10-20-framework", "in_force"]
    # A month without a day counts from its end.
    assert not sg.agreements("2023-10-30").table.loc["euu-cod-2023-10-mou", "in_force"]
    assert sg.agreements("2023-10-31").table.loc["euu-cod-2023-10-mou", "in_force"]


def test_states_of_the_union_are_bound_through_it(signed):
    assert "euu-cod-2023-10-mou" in signed.between("DEU", "COD")
    assert "euu-cod-2023-10-mou" in signed.of("POL")
    assert "euu-cod-2023-10-mou" not in signed.of("GBR")
    assert "usa-euu-2026-04-24-mou" in signed.of("EUU")


def test_parties_that_nobody_lists_join_no_pair(signed):
    forge = signed.table.loc["usa-plurilateral-2026-02-04-other"]
    assert forge["countries"] == ""
    assert "usa-plurilateral-2026-02-04-other" not in signed.of("USA")


@pytest.mark.parametrize(
    ("text", "mineral", "answer"),
    [
        ("critical minerals", "gallium", True),
        ("copper; cobalt; zinc; gold; other", "cobalt", True),
        ("copper; cobalt; zinc; gold; other", "lithium", None),
        ("cobalt; copper", "lithium", False),
        ("cobalt; copper", "cobalt", True),
        ("rare earths", "magnet_rare_earths", True),
        ("uranium; magnets", "magnet_rare_earths", True),
        ("certain critical minerals and downstream products", "nickel", None),
        (None, "nickel", None),
        (float("nan"), "nickel", None),
    ],
)
def test_what_a_list_of_minerals_covers(text, mineral, answer):
    assert covers(text, mineral) is answer


def test_finance_opens_a_country_for_what_is_named(signed):
    assert signed.opens("USA", "AUS", mineral="lithium")
    assert signed.opens("USA", "COD", mineral="cobalt")
    assert not signed.opens("USA", "COD", mineral="lithium")  # the list ends with "other"
    assert not signed.opens("USA", "CHN")
    assert signed.opens("CHN", "CHN")
    assert not signed.opens("USA", "COD", provision="stockpile")
    assert not sg.agreements("2020-01-01").opens("USA", "AUS")


def test_filters_keep_what_they_say():
    some = sg.agreements(mineral="lithium", provision=["offtake"], country="USA").table
    assert len(some)
    assert some["provisions"].str.contains("offtake").all()
    assert some["countries"].str.contains("USA").all()
    assert not some["minerals"].str.fullmatch("cobalt; copper").any()
    assert sg.agreements(non_binding=False).table["binding"].all()


def test_leaving_agreements_out_lowers_tiers_and_never_raises_one(signed):
    with_all = sg.forge("2026-07-01")
    assert repr(sg.forge("2026-07-01", agreements=signed)) == repr(with_all)
    one_less = sg.forge("2026-07-01", agreements=signed.without("usa-mys-2025-10-26-mou", "usa-mys-2025-10-26-fta"))
    assert (with_all.tier("MYS"), one_less.tier("MYS")) == ("linked", "engaged")
    assert (with_all.pair_tier("USA", "MYS"), one_less.pair_tier("USA", "MYS")) == ("core", "engaged")
    assert "without the agreement left out" in one_less.basis("MYS")
    changed = with_all.table["tier"] != one_less.table["tier"]
    assert list(changed.index[changed]) == ["MYS"]
    none = sg.forge("2026-07-01", agreements=False)
    for a in with_all.table.index:
        assert none.rank(a) >= with_all.rank(a) if a != "EUU" else True
        for b in ("USA", "DEU", "JPN"):
            assert sg_rank(none.pair_tier(a, b)) >= sg_rank(with_all.pair_tier(a, b))


def sg_rank(tier):
    return ("core", "linked", "engaged", "unaligned", "rival").index(tier)


def test_what_is_wrong_is_told_at_once(signed):
    with pytest.raises(DataError) as caught:
        sg.agreements("soon", country="US", non_binding="maybe")
    assert [problem.where for problem in caught.value.report] == ["country", "as_of", "non_binding"]
    with pytest.raises(UnknownNameError, match="Did you mean 'finance'"):
        sg.agreements(provision="finances")
    with pytest.raises(UnknownNameError, match="cobolt"):
        signed.opens("USA", "COD", mineral="cobolt")
    with pytest.raises(UnknownNameError, match="unknown agreement"):
        signed.without("usa-mars")
    with pytest.raises(DataError, match="this is no country"):
        signed.of("Congo")
    with pytest.raises(DataError, match="what sg"):
        sg.forge(agreements=["usa-aus-2025-10-20-framework"])


def test_it_shows_itself_and_is_frozen(signed):
    assert "66 agreements" in repr(signed)
    assert "in force on 2026-07-01" in signed.explain()
    assert "<table" in signed._repr_html_()
    mine = signed.table
    mine.loc[:, "in_force"] = False
    assert signed.table["in_force"].any()
    assert isinstance(mine, pd.DataFrame)
    with pytest.raises(AttributeError):
        signed.as_of = "2020-01-01"
