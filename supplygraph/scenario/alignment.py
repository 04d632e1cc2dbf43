"""Who is aligned with whom: dated tiers per country and per pair (FORGE and its instruments).

No charter or member list of the Forum on Resource Geostrategic Engagement was found, so tiers are
inferred from dated, sourced facts (``facts/alignment.csv``, ``facts/agreements.csv``):

========== =====================================================================================
core       partner of the Minerals Security Partnership, reported to have passed into FORGE
linked     attended on 4 February 2026 with a minerals instrument of its own with the United
           States, or was in the MSP Forum; or is an EU state covered by the Commission
engaged    only attended, or stayed away but has a minerals instrument or a trade agreement
unaligned  nothing found
rival      an explicit list: China, and whom the caller names
========== =====================================================================================

A tier names a jurisdiction, not the owner of a plant. Export restrictions are no part of it.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError

Tier = Literal["core", "linked", "engaged", "unaligned", "rival"]

#: Best first.
TIERS: tuple[Tier, ...] = get_args(Tier)
#: Countries that nobody needs to name as rivals.
RIVALS = ("CHN",)
#: The European Union as a party: its agreements hold for every member state.
EU = "EUU"

_STATUS: dict[str, Tier] = dict(zip(("member", "partner", "attending", "none"), TIERS[:4], strict=True))
_WEAK = re.compile(r"\b(mou|memorandum|statement|declaration|non-binding)\b", re.IGNORECASE)
_PARTIES = re.compile(r"[A-Z]{3}(\+[A-Z]{3})*")
_OVERRIDE_COLUMNS = ("country", "tier", "from", "to", "reason")


@dataclass(frozen=True, eq=False, repr=False)
class Alignment:
    """Tiers on one day; made by :func:`forge`.

    Attributes
    ----------
    as_of
        The day, ``YYYY-MM-DD``.
    non_binding
        Whether memoranda and statements count between pairs.
    """

    as_of: str
    non_binding: bool
    _table: pd.DataFrame
    _agreements: pd.DataFrame
    _pairs: dict[frozenset[str], tuple[int, ...]] = field(default_factory=dict)
    _codes: frozenset[str] = frozenset()

    @property
    def table(self) -> pd.DataFrame:
        """One row per country with a fact: tier, basis, date, reference, confidence, overridden."""
        return self._table.copy(deep=False)

    def tier(self, country: str | None) -> Tier | None:
        """Return the tier of a country; none where no fact is known.

        Raises
        ------
        UnknownNameError
            If the code is no ISO 3166-1 alpha-3 code.

        Examples
        --------
        >>> zone = forge("2026-07-01")
        >>> zone.tier("JPN"), zone.tier("NAM"), zone.tier("CHN"), zone.tier("XKX")
        ('core', 'unaligned', 'rival', None)
        """
        if country is None or country != country:  # noqa: PLR0124 - NaN marks an unknown country
            return None
        if country not in self._codes:
            raise UnknownNameError.of("country (ISO 3166-1 alpha-3)", country, self._codes)
        if country not in self._table.index:
            return None
        return cast("Tier", self._table.loc[country, "tier"])

    def pair_tier(self, a: str | None, b: str | None) -> Tier | None:
        """Return the tier of trade between two countries.

        The lower of the two tiers, one step higher where a signed agreement between them is in
        force; core between two EU states (unless one of them was overridden).

        Examples
        --------
        >>> zone = forge("2026-07-01")
        >>> zone.pair_tier("USA", "PHL"), zone.pair_tier("DEU", "POL"), zone.pair_tier("DNK", "GRL")
        ('core', 'core', 'engaged')
        """
        first, second = self.tier(a), self.tier(b)
        if first is None or second is None:
            return None
        rows = self._table.loc[[str(a), str(b)]]
        if rows["eu_member"].all() and not rows["overridden"].any():
            return "core"
        rank = max(TIERS.index(first), TIERS.index(second))
        return TIERS[max(0, rank - 1)] if frozenset((str(a), str(b))) in self._pairs else TIERS[rank]

    def members(self, tier: str) -> tuple[str, ...]:
        """Return the countries of a tier or better, sorted.

        Raises
        ------
        UnknownNameError
            If there is no such tier.

        Examples
        --------
        >>> forge("2026-07-01").members("core")[:4]
        ('AUS', 'CAN', 'DEU', 'EST')
        """
        if tier not in TIERS:
            raise UnknownNameError.of("tier", tier, TIERS)
        good = set(TIERS[: TIERS.index(tier) + 1])
        inside = self._table.index[self._table["tier"].isin(good)]
        return tuple(sorted(country for country in inside if country != EU))

    def basis(self, country: str, partner: str | None = None) -> str:
        """Say in words why a country, or a pair of countries, has its tier, with date and reference.

        Examples
        --------
        >>> forge("2026-07-01").basis("XKX")
        'XKX: tier unknown; no fact dated 2026-07-01 or earlier.'
        """
        if partner is not None:
            return self._pair_basis(country, partner)
        tier = self.tier(country)
        if tier is None:
            return f"{country}: tier unknown; no fact dated {self.as_of} or earlier."
        row = self._table.loc[country]
        facts_behind = [str(row["date"])]
        if not row["overridden"]:
            facts_behind += [f"confidence {row['confidence']}", f"reference {row['reference']}"]
        return f"{country}: {tier}. {row['basis']} ({', '.join(facts_behind)})."

    def _pair_basis(self, a: str, b: str) -> str:
        tier = self.pair_tier(a, b)
        words = [f"{a} with {b}: {tier or 'tier unknown'}.", self.basis(a), self.basis(b)]
        for position in self._pairs.get(frozenset((a, b)), ()):
            row = self._agreements.iloc[position]
            words.append(f"{row['title']} ({row['date']}, {row['status']}; reference {row['reference']}).")
        return " ".join(words)

    def __repr__(self) -> str:
        counts = self._table["tier"].value_counts()
        told = ", ".join(f"{counts.get(tier, 0)} {tier}" for tier in TIERS)
        return f"Alignment on {self.as_of}: {told}"


def forge(
    as_of: str | dt.date = "2026-07-01",
    *,
    overrides: Mapping[str, str] | pd.DataFrame | None = None,
    non_binding: bool = True,
) -> Alignment:
    """Return the tiers of all countries on one day.

    Parameters
    ----------
    as_of
        The day. The latest fact not later than it counts, then the overrides.
    overrides
        Tiers by country, or a frame with the columns ``country``, ``tier`` and, if wanted,
        ``from``, ``to`` (days, inclusive) and ``reason``.
    non_binding
        Whether memoranda, statements and declarations raise the tier of a pair.

    Returns
    -------
    Alignment
        With ``tier(c)``, ``pair_tier(a, b)``, ``members(tier)``, ``basis(c)`` and ``table``.

    Raises
    ------
    DataError
        If the day is no day or before the first fact, or if the overrides name unknown tiers or
        codes or contradict each other; every problem is listed.

    Examples
    --------
    >>> zone = forge("2026-07-01", overrides={"RUS": "rival"})
    >>> zone.tier("RUS"), zone.tier("COD"), zone.tier("BRA")
    ('rival', 'linked', 'engaged')
    >>> len(zone.members("linked"))
    55
    """
    day = _as_day(as_of)
    known = _facts("alignment")
    codes = frozenset(facts.read("facts/countries.csv")["country"]) | frozenset(known["country"]) | {EU}
    table = _latest(known, day)
    for row in _check_overrides(overrides, codes):
        if row["from"] <= day <= row["to"]:
            table.loc[row["country"], ["tier", "basis", "date", "reference", "confidence", "overridden"]] = [
                row["tier"], row["reason"], row["from"] if row["from"] != _BEGIN else day, None, None, True,
            ]
    table["eu_member"] = table["eu_member"].fillna(value=False).astype(bool)
    table["overridden"] = table["overridden"].astype(bool)
    agreements = _facts("agreements")
    members = tuple(table.index[table["eu_member"]])
    pairs = _pairs(agreements, day, members, non_binding=non_binding)
    return Alignment(day, non_binding, table.sort_index(), agreements, pairs, codes)


_BEGIN, _END = "0001-01-01", "9999-12-31"


def _facts(name: str) -> pd.DataFrame:
    frame = facts.read(f"facts/{name}.csv")
    return frame.reset_index(drop=True)


def _as_day(value: str | dt.date) -> str:
    try:
        return (value if isinstance(value, dt.date) else dt.date.fromisoformat(value)).isoformat()[:10]
    except (TypeError, ValueError):
        problem = Problem("as_of", f"{value!r} is no day.", "Write it as YYYY-MM-DD.")
        raise DataError("no such day", [problem]) from None


def _last_day(text: str) -> str:
    """Return the last day a partial date can mean: what is dated 2021-07 holds from the month's end."""
    if re.fullmatch(r"\d{4}-\d{2}", text):
        year, month = int(text[:4]), int(text[5:])
        return f"{text}-{calendar.monthrange(year, month)[1]}"
    return f"{text}-12-31" if re.fullmatch(r"\d{4}", text) else text


def _latest(known: pd.DataFrame, day: str) -> pd.DataFrame:
    dates = known["as_of"].map(_last_day)
    if not (dates <= day).any():
        problem = Problem("as_of", f"{day} is before the first fact, {dates.min()}.", "Ask for a later day.")
        raise DataError("no alignment is known for that day", [problem])
    rows = known[dates <= day].assign(date=dates).sort_values(["country", "date"], kind="stable")
    rows = rows.drop_duplicates("country", keep="last").set_index("country")
    has_deal = (rows["bilateral_with_us"].fillna("none") != "none") | (rows["us_fta"] == "true")
    tier = rows["forge_status"].map(_STATUS)
    tier = tier.mask((tier == "unaligned") & has_deal, "engaged").mask(rows.index.isin(RIVALS), "rival")
    return pd.DataFrame({
        "tier": tier,
        "basis": rows["basis"],
        "date": rows["date"],
        "reference": rows["reference"],
        "confidence": rows["confidence"],
        "eu_member": rows["eu_member"] == "true",
        "overridden": False,
    }).astype(object)


def _pairs(
    agreements: pd.DataFrame, day: str, eu_members: tuple[str, ...], *, non_binding: bool
) -> dict[frozenset[str], tuple[int, ...]]:
    """Return the agreements in force between each two countries, as row numbers."""
    found: dict[frozenset[str], list[int]] = {}
    for position, row in enumerate(agreements.fillna("").to_dict("records")):
        status = str(row["status"]).lower()
        # Signatures that nobody could verify are no facts; plans and announcements bind nobody.
        if not status.startswith("signed") or "unverified" in status or _last_day(row["date"]) > day:
            continue
        if not non_binding and _WEAK.search(f"{row['type']} {row['status']} {row['title']}"):
            continue
        if not (_PARTIES.fullmatch(row["party_a"]) and _PARTIES.fullmatch(row["party_b"])):
            continue
        sides = [_states(row[side], eu_members) for side in ("party_a", "party_b")]
        for pair in {frozenset((a, b)) for a in sides[0] for b in sides[1] if a != b}:
            found.setdefault(pair, []).append(position)
    return {pair: tuple(rows) for pair, rows in found.items()}


def _states(parties: str, eu_members: tuple[str, ...]) -> list[str]:
    states = parties.split("+")
    return [*states, *eu_members] if EU in states else states


def _check_overrides(
    overrides: Mapping[str, str] | pd.DataFrame | None, codes: frozenset[str]
) -> list[dict[str, str]]:
    """Return the overrides as rows with days filled in; refuse them with every problem at once."""
    if overrides is None:
        return []
    frame = overrides
    if isinstance(frame, Mapping):
        frame = pd.DataFrame({"country": list(frame), "tier": list(frame.values())}, dtype=object)
    problems = [
        Problem("overrides", f"no column `{name}`.", "Give at least country and tier.")
        for name in ("country", "tier") if name not in frame.columns
    ] + [
        Problem("overrides", f"unknown column `{name}`.", f"Known: {', '.join(_OVERRIDE_COLUMNS)}.")
        for name in frame.columns if name not in _OVERRIDE_COLUMNS
    ]
    if problems:
        raise DataError("these overrides cannot be read", problems)
    rows = []
    for number, given in enumerate(frame.astype(object).to_dict("records"), start=1):
        row, faults = _override(given, f"overrides row {number}", codes)
        problems += faults
        rows.append(row)
    problems += _contradictions(rows)
    if problems:
        raise DataError("these overrides cannot all hold", problems)
    return rows


def _override(
    given: Mapping[Hashable, object], where: str, codes: frozenset[str]
) -> tuple[dict[str, str], list[Problem]]:
    problems = []
    for column, known in (("country", codes), ("tier", TIERS)):
        if given[column] not in known:
            hint = str(UnknownNameError.of(column, given[column], known))
            problems.append(Problem(f"{where}, column `{column}`", hint))
    row = {"country": str(given["country"]), "tier": str(given["tier"]), "reason": "set by the caller"}
    if not _is_blank(given.get("reason")):
        row["reason"] = f"set by the caller: {given['reason']}"
    for column, default in (("from", _BEGIN), ("to", _END)):
        value = given.get(column)
        try:
            row[column] = default if _is_blank(value) else _as_day(cast("str | dt.date", value))
        except DataError:
            row[column] = default
            what = f"{value!r} is no day."
            problems.append(Problem(f"{where}, column `{column}`", what, "Write it as YYYY-MM-DD."))
    if row["from"] > row["to"]:
        what = f"it ends on {row['to']}, before it begins on {row['from']}."
        problems.append(Problem(where, what, "Swap the two days."))
    return row, problems


def _is_blank(value: object) -> bool:
    return value is None or value != value or value == ""  # noqa: PLR0124 - NaN


def _contradictions(rows: list[dict[str, str]]) -> list[Problem]:
    """Two rows of one country with different tiers on the same day contradict each other."""
    problems = []
    for later, row in enumerate(rows):
        for earlier, other in enumerate(rows[:later]):
            overlap = row["from"] <= other["to"] and other["from"] <= row["to"]
            if row["country"] == other["country"] and row["tier"] != other["tier"] and overlap:
                where = f"overrides rows {earlier + 1} and {later + 1}"
                what = f"{row['country']} is both {other['tier']} and {row['tier']} at one time."
                problems.append(Problem(where, what, "Keep one of them or part their days."))
    return problems
