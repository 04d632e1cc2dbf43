"""How the dated facts become tiers: the latest fact of each country, and agreements between two."""

from __future__ import annotations

import calendar
import re
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

Tier = Literal["core", "linked", "engaged", "unaligned", "rival"]

#: Best first.
TIERS: tuple[Tier, ...] = get_args(Tier)
#: Countries that nobody needs to name as rivals.
RIVALS = ("CHN",)
#: The European Union as a party: its agreements hold for every member state.
EU = "EUU"

Pair = frozenset[str]

_STATUS: dict[str, Tier] = dict(zip(("member", "partner", "attending", "none"), TIERS[:4], strict=True))
_WEAK = re.compile(r"\b(mou|memorandum|statement|declaration|non-binding)\b", re.IGNORECASE)
_PARTIES = re.compile(r"[A-Z]{3}(\+[A-Z]{3})*")


def last_day(text: str) -> str:
    """Return the last day a partial date can mean: what is dated 2021-07 holds from the month's end."""
    if re.fullmatch(r"\d{4}-\d{2}", text):
        year, month = int(text[:4]), int(text[5:])
        return f"{text}-{calendar.monthrange(year, month)[1]}"
    return f"{text}-12-31" if re.fullmatch(r"\d{4}", text) else text


def latest(known: pd.DataFrame, day: str) -> pd.DataFrame:
    """Return the latest fact of each country not later than a day, with its column ``date``, by country."""
    dates = known["as_of"].map(last_day)
    rows = known[dates <= day].assign(date=dates).sort_values(["country", "date"], kind="stable")
    return rows.drop_duplicates("country", keep="last").set_index("country")


def tiers(facts: pd.DataFrame) -> pd.DataFrame:
    """Return tier and basis of each country from its latest fact."""
    has_deal = (facts["bilateral_with_us"].fillna("none") != "none") | (facts["us_fta"] == "true")
    tier = facts["forge_status"].map(_STATUS)
    tier = tier.mask((tier == "unaligned") & has_deal, "engaged").mask(facts.index.isin(RIVALS), "rival")
    return pd.DataFrame(
        {
            "tier": tier,
            "basis": facts["basis"],
            "date": facts["date"],
            "reference": facts["reference"],
            "confidence": facts["confidence"],
            "eu_member": facts["eu_member"] == "true",
            "overridden": False,
        }
    ).astype(object)


def without_memoranda(
    table: pd.DataFrame,
    facts: pd.DataFrame,
    agreements: pd.DataFrame,
    pairs: dict[Pair, tuple[int, ...]],
    *,
    only: frozenset[str] | None = None,
) -> pd.DataFrame:
    """Take back every tier that rests on nothing but an instrument with the United States that does not bind.

    Parameters
    ----------
    table, facts
        What :func:`tiers` and :func:`latest` return.
    agreements, pairs
        All agreements, and the row numbers of those that still count by pair.
    only
        Countries that may fall; all where missing.

    Notes
    -----
    Linked without a binding instrument falls to engaged, unless the country was in the MSP Forum (a membership, no
    memorandum) or is an EU state covered by the Commission. Engaged without having attended falls to unaligned,
    unless an agreement binds. Members (core) and rivals never rest on a memorandum.
    """
    changed = []
    for country, old, basis in zip(table.index, table["tier"], table["basis"], strict=True):
        own = [str(agreements["title"][row]) for row in pairs.get(frozenset(("USA", str(country))), ())]
        falls = only is None or country in only
        new, why = _binding_tier(old, facts.loc[country], own) if falls else (old, "")
        without = "without memoranda" if only is None else "without the agreement left out"
        changed.append((new, f"{basis}; {without}: {why}" if why else basis))
    return table.assign(tier=[tier for tier, _ in changed], basis=[basis for _, basis in changed])


def _binding_tier(tier: Tier, fact: pd.Series, own: list[str]) -> tuple[Tier, str]:
    """Return the tier that binding facts hold up, and why; the reason is empty where no memorandum could matter."""
    attended, traded = fact["attended_2026_ministerial"] == "true", fact["us_fta"] == "true"
    held, new = [*own, *(["free-trade agreement"] if traded else [])], tier
    if tier == "linked" and fact["eu_member"] != "true":
        new = "engaged" if attended or held else "unaligned"
        held = ["MSP Forum"] if fact["msp_forum_2024"] == "true" else own
    elif tier == "engaged" and not attended:
        new = "unaligned"
    else:
        return tier, ""
    return (tier, f"kept by {' and '.join(held)}") if held else (new, f"{tier} only by what does not bind, so {new}")


def why_not(row: Mapping[Hashable, Any], day: str) -> str:
    """Return why an agreement is not in force on a day; empty where it is."""
    status = str(row["status"]).lower()
    # Signatures that nobody could verify are no facts; plans and announcements bind nobody.
    if not status.startswith("signed"):
        return "not signed"
    if "unverified" in status:
        return "signature not verified"
    if last_day(str(row["date"])) > day:
        return "later"
    listed = all(_PARTIES.fullmatch(str(row[side])) for side in ("party_a", "party_b"))
    return "" if listed else "parties not listed"


def binds(row: Mapping[Hashable, Any]) -> bool:
    """Whether its type, status and title let an agreement bind: no memorandum, statement or declaration."""
    return _WEAK.search(f"{row['type']} {row['status']} {row['title']}") is None


def in_force(
    agreements: pd.DataFrame,
    day: str,
    eu_members: tuple[str, ...],
    *,
    non_binding: bool,
    among: frozenset[int] | None = None,
) -> dict[Pair, tuple[int, ...]]:
    """Return the agreements in force between each two countries, as row numbers; ``among`` keeps some rows only."""
    found: dict[Pair, list[int]] = {}
    for position, row in enumerate(agreements.fillna("").to_dict("records")):
        if why_not(row, day) or not (non_binding or binds(row)) or (among is not None and position not in among):
            continue
        for pair in pairs_of(row, eu_members):
            found.setdefault(pair, []).append(position)
    return {pair: tuple(rows) for pair, rows in found.items()}


def pairs_of(row: Mapping[Hashable, Any], eu_members: tuple[str, ...]) -> list[Pair]:
    """Return each two countries that an agreement joins, sorted; none where its parties are not listed by code."""
    if not all(_PARTIES.fullmatch(str(row[side])) for side in ("party_a", "party_b")):
        return []
    sides = [_states(str(row[side]), eu_members) for side in ("party_a", "party_b")]
    return sorted({frozenset((a, b)) for a in sides[0] for b in sides[1] if a != b}, key=sorted)


def _states(parties: str, eu_members: tuple[str, ...]) -> list[str]:
    states = parties.split("+")
    return [*states, *eu_members] if EU in states else states
