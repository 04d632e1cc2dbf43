"""Tiers that the caller sets, for a country or for a pair, read and refused with every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from supplygraph.errors import Problem, UnknownNameError
from supplygraph.network.codes import suggest
from supplygraph.scenario import checks
from supplygraph.scenario.standing import TIERS

if TYPE_CHECKING:
    from collections.abc import Hashable

#: A country, or a country and its partner -> tier; or a frame of the columns below.
Overrides = (
    Mapping[str, str] | Mapping[tuple[str, str], str] | Mapping[str | tuple[str, str], str] | pd.DataFrame | None
)

COLUMNS = ("country", "partner", "tier", "from", "to", "reason")
BEGIN, END = "0001-01-01", "9999-12-31"


@dataclass(frozen=True)
class Override:
    """One tier set by the caller, from one day to another (inclusive)."""

    country: str
    partner: str | None
    tier: str
    first: str
    last: str
    reason: str

    @property
    def who(self) -> frozenset[str]:
        """The country, or both countries of a pair."""
        return frozenset((self.country, *([] if self.partner is None else [self.partner])))


def read(overrides: Overrides, codes: frozenset[str], problems: list[Problem]) -> list[Override]:
    """Return the overrides as rows; whatever is wrong with them is added to the problems."""
    frame = _frame(overrides, problems)
    if frame is None:
        return []
    faults = [
        Problem("overrides", f"no column `{name}`.", "Give at least country and tier.")
        for name in ("country", "tier")
        if name not in frame.columns
    ] + [
        Problem("overrides", f"unknown column `{name}`.", f"Known: {', '.join(COLUMNS)}.")
        for name in frame.columns
        if name not in COLUMNS
    ]
    if faults:
        problems += faults
        return []
    records = frame.astype(object).to_dict("records")
    rows = [_row(given, f"overrides row {number}", codes, problems) for number, given in enumerate(records, start=1)]
    problems += _contradictions(rows)
    return rows


def _frame(overrides: object, problems: list[Problem]) -> pd.DataFrame | None:
    if overrides is None:
        return None
    if isinstance(overrides, pd.DataFrame):
        return overrides
    if not isinstance(overrides, Mapping):
        what = f"is {type(overrides).__name__}; expected tiers by country (or pair of countries), or a frame."
        problems.append(Problem("overrides", what, 'For example {"CHL": "linked", ("DEU", "NAM"): "core"}.'))
        return None
    keys = [key if isinstance(key, tuple) else (key, None) for key in overrides]
    problems += [
        Problem("overrides", f"{key!r} is no pair of countries.", "Give two codes.") for key in keys if len(key) != 2
    ]
    pairs = [(key, tier) for key, tier in zip(keys, overrides.values(), strict=True) if len(key) == 2]
    rows = [{"country": key[0], "partner": key[1], "tier": tier} for key, tier in pairs]
    return pd.DataFrame(rows, columns=["country", "partner", "tier"], dtype=object)


def _row(given: Mapping[Hashable, object], where: str, codes: frozenset[str], problems: list[Problem]) -> Override:
    named = [("country", "country (ISO 3166-1 alpha-3)", codes), ("tier", "tier", TIERS)]
    paired = not _is_blank(given.get("partner"))
    if paired:
        named.append(("partner", "country (ISO 3166-1 alpha-3)", codes))
    for column, kind, known in named:
        if not isinstance(given[column], str) or given[column] not in known:
            hint = str(UnknownNameError.of(kind, given[column], known))
            near = "" if column == "tier" or "Did you mean" in hint else suggest(str(given[column]))
            problems.append(Problem(f"{where}, column `{column}`", hint, near if near.startswith("Did you") else ""))
    country, partner = str(given["country"]), str(given["partner"]) if paired else None
    if country == partner:
        problems.append(Problem(where, f"{country} is paired with itself.", "Leave partner out for the country alone."))
    days = {}
    for column, default in (("from", BEGIN), ("to", END)):
        value = given.get(column)
        read_day = None if _is_blank(value) else checks.day(f"{where}, column `{column}`", value, problems)
        days[column] = read_day or default
    if days["from"] > days["to"]:
        what = f"it ends on {days['to']}, before it begins on {days['from']}."
        problems.append(Problem(where, what, "Swap the two days."))
    said = "" if _is_blank(given.get("reason")) else f": {given['reason']}"
    return Override(country, partner, str(given["tier"]), days["from"], days["to"], f"set by the caller{said}")


def _is_blank(value: object) -> bool:
    return value is None or value != value or value == ""  # noqa: PLR0124 - NaN


def _contradictions(rows: list[Override]) -> list[Problem]:
    """Two rows of one country, or pair, with different tiers on the same day contradict each other."""
    problems = []
    for later, row in enumerate(rows):
        for earlier, other in enumerate(rows[:later]):
            overlap = row.first <= other.last and other.first <= row.last
            if row.who == other.who and row.tier != other.tier and overlap:
                where = f"overrides rows {earlier + 1} and {later + 1}"
                what = f"{' with '.join(sorted(row.who))} is both {other.tier} and {row.tier} at one time."
                problems.append(Problem(where, what, "Keep one of them or part their days."))
    return problems
