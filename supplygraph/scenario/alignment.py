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

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.scenario import checks, standing
from supplygraph.scenario import overrides as given_tiers
from supplygraph.scenario.agreements import Agreements, positions
from supplygraph.scenario.standing import EU, RIVALS, TIERS, Tier

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from supplygraph.scenario.overrides import Override, Overrides
    from supplygraph.scenario.standing import Pair

__all__ = ["EU", "RIVALS", "TIERS", "Alignment", "Tier", "forge"]


@dataclass(frozen=True, eq=False, repr=False)
class Alignment:
    """Tiers on one day; made by :func:`forge`.

    Attributes
    ----------
    as_of
        The day, ``YYYY-MM-DD``.
    non_binding
        Whether memoranda and statements count, for countries and for pairs.
    """

    as_of: str
    non_binding: bool
    _table: pd.DataFrame
    _agreements: pd.DataFrame
    _pairs: dict[Pair, tuple[int, ...]] = field(default_factory=dict)
    _codes: frozenset[str] = frozenset()
    _own: dict[Pair, Override] = field(default_factory=dict)

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

    def rank(self, country: str | None) -> int | None:
        """Return the tier of a country as a number: 0 core, 1 linked, 2 engaged, 3 unaligned, 4 rival; none if unknown.

        Raises
        ------
        UnknownNameError
            If the code is no ISO 3166-1 alpha-3 code.

        Examples
        --------
        >>> zone = forge("2026-07-01")
        >>> zone.rank("JPN"), zone.rank("CHN"), zone.rank("XKX")
        (0, 4, None)
        """
        tier = self.tier(country)
        return None if tier is None else TIERS.index(tier)

    def pair_tier(self, a: str | None, b: str | None) -> Tier | None:
        """Return the tier of trade between two countries.

        What the caller set for the pair; else the lower of the two tiers, one step higher where a signed agreement
        between them is in force; core between two EU states (unless one of them was overridden).

        Examples
        --------
        >>> zone = forge("2026-07-01")
        >>> zone.pair_tier("USA", "PHL"), zone.pair_tier("DEU", "POL"), zone.pair_tier("DNK", "GRL")
        ('core', 'core', 'engaged')
        """
        first, second = self.tier(a), self.tier(b)
        own = self._own.get(frozenset((str(a), str(b))))
        if own is not None:
            return cast("Tier", own.tier)
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
        own = self._own.get(frozenset((a, b)))
        if own is not None:
            return f"{a} with {b}: {tier}. {own.reason}."
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
    overrides: Overrides = None,
    non_binding: bool = True,
    agreements: Agreements | bool = True,
) -> Alignment:
    """Return the tiers of all countries on one day.

    Parameters
    ----------
    as_of
        The day. The latest fact not later than it counts, then the overrides.
    overrides
        Tiers by country (``{"RUS": "rival"}``) or by pair (``{("DEU", "NAM"): "core"}``), or a frame with the columns
        ``country``, ``tier`` and, if wanted, ``partner``, ``from``, ``to`` (days, inclusive) and ``reason``.
    non_binding
        Whether memoranda, statements and declarations count. Without them a country that is linked by nothing else
        is only engaged, one that is engaged by nothing else is unaligned, and no pair is raised by them.
    agreements
        Which agreements count: all (default), none (``False``), or those of a list that :func:`supplygraph.agreements`
        returned, for example without one. A country whose tier rests on an agreement with the United States that is
        left out falls as above.

    Returns
    -------
    Alignment
        With ``tier(c)``, ``rank(c)``, ``pair_tier(a, b)``, ``members(tier)``, ``basis(c)`` and ``table``.

    Raises
    ------
    DataError
        If the day is no day or before the first fact, or if the overrides name unknown tiers or
        codes or contradict each other; every problem is listed.

    Notes
    -----
    Whether an instrument binds is told by its type, status and title in ``facts/agreements.csv``. The MSP Forum is a
    membership and no memorandum; so is the Commission's seat, which covers the EU states.

    Examples
    --------
    >>> zone = forge("2026-07-01", overrides={"RUS": "rival"})
    >>> zone.tier("RUS"), zone.tier("COD"), zone.tier("BRA")
    ('rival', 'linked', 'engaged')
    >>> len(zone.members("linked"))
    55
    >>> forge(non_binding=False).basis("THA")
    'THA: engaged. attended 4 Feb 2026 and has a government-level instrument with the US: US-Thailand critical-minerals
    MOU (non-binding); without memoranda: linked only by what does not bind, so engaged (2026-02-04, confidence medium,
    reference ...).'
    """
    problems: list[Problem] = []
    known, signed = _facts("alignment"), _facts("agreements")
    codes = frozenset(facts.read("facts/countries.csv")["country"]) | frozenset(known["country"]) | {EU}
    day = _day(as_of, known, problems)
    rows = given_tiers.read(overrides, codes, problems)
    if non_binding not in (True, False):
        problems.append(Problem("non_binding", f"is {non_binding!r}; expected True or False."))
    among = _among(agreements, problems)
    if problems:
        raise DataError("no alignment can be made of this", problems)
    found = standing.latest(known, day)
    table = standing.tiers(found)
    members = tuple(table.index[table["eu_member"].astype(bool)])
    held = standing.in_force(signed, day, members, non_binding=non_binding, among=among)
    if not non_binding:
        table = standing.without_memoranda(table, found, signed, held)
    elif among is not None:
        every = standing.in_force(signed, day, members, non_binding=True)
        lost = {country for pair in set(every) - set(held) if "USA" in pair for country in pair} - {"USA"}
        table = standing.without_memoranda(table, found, signed, held, only=frozenset(lost))
    now = [row for row in rows if row.first <= day <= row.last]
    for row in now:
        if row.partner is None:
            since = row.first if row.first != given_tiers.BEGIN else day
            columns = ["tier", "basis", "date", "reference", "confidence", "overridden"]
            table.loc[row.country, columns] = [row.tier, row.reason, since, None, None, True]
    table["eu_member"] = table["eu_member"].fillna(value=False).astype(bool)
    table["overridden"] = table["overridden"].astype(bool)
    own = {row.who: row for row in now if row.partner is not None}
    return Alignment(day, non_binding, table.sort_index(), signed, held, codes, own)


def _among(agreements: object, problems: list[Problem]) -> frozenset[int] | None:
    """Return the rows of the facts that count; none where all do."""
    if agreements is True:
        return None
    if agreements is False:
        return frozenset()
    if isinstance(agreements, Agreements):
        return positions(agreements)
    what = f"is {agreements!r}; expected True, False or what sg.agreements(...) returns"
    problems.append(Problem("agreements", what))
    return None


def _facts(name: str) -> pd.DataFrame:
    frame = facts.read(f"facts/{name}.csv")
    return frame.reset_index(drop=True)


def _day(as_of: str | dt.date, known: pd.DataFrame, problems: list[Problem]) -> str:
    """Return the day asked for; a day before the first fact is a problem."""
    day = checks.day("as_of", as_of, problems)
    first = min(known["as_of"].map(standing.last_day))
    if day is not None and day < first:
        what = f"{day} is before the first fact, {first}."
        problems.append(Problem("as_of", what, "Ask for that day or a later one."))
    return day or first
