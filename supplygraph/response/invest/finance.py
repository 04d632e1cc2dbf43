"""Where a funder may pay: its own country, and those that agreements open."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from supplygraph import facts
from supplygraph.errors import UnknownNameError
from supplygraph.scenario.agreements import Agreements, agreements, covers, positions
from supplygraph.scenario.alignment import EU, Alignment

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What an agreement must provide for.
_LENDS = "finance"
_OWN = "own territory"


def listed(given: Agreements | Alignment | None) -> Agreements | None:
    """Return the agreements that count: a list as it is, or those that an alignment was made with."""
    if not isinstance(given, Alignment):
        return given
    every = agreements(given.as_of, non_binding=given.non_binding)
    used = {row for rows in given._pairs.values() for row in rows}  # noqa: SLF001 - what forge() took in
    names = list(every)
    return every.without(*(name for name in names if not positions(_only(every, name)) <= used))


def _only(every: Agreements, name: str) -> Agreements:
    return every.without(*(other for other in every if other != name))


def opened(funder: str, country: str, mineral: str, signed: Agreements | None) -> str | None:
    """Say why a funder may pay for a mineral in a country; None if it may not.

    Parameters
    ----------
    funder
        ISO 3166-1 alpha-3 code, or ``EUU`` (then an agreement must join every member state).
    country, mineral
        Where, and for what.
    signed
        The agreements that count; None switches them off.

    Notes
    -----
    An agreement opens finance if it is in force, finance is among its provisions, and its minerals cover the one asked
    about. What it leaves open it does not open.

    Examples
    --------
    >>> signed = agreements("2026-07-01")
    >>> opened("USA", "AUS", "lithium", signed)
    'Framework for securing supply in mining and processing of critical minerals and rare earths (2025-10-20)'
    >>> opened("USA", "AUS", "lithium", None), opened("USA", "USA", "lithium", None)
    (None, 'own territory')
    """
    payers = members() if funder == EU else (funder,)
    if country in payers:
        return _OWN
    if signed is None:
        return None
    held = None
    for payer in payers:
        table = signed.between(payer, country).table
        lends = [
            _LENDS in str(given).split(";") and covers(minerals, mineral) is True
            for given, minerals in zip(table["provisions"], table["minerals"], strict=True)
        ]
        table = table[[bool(now) and lent for now, lent in zip(table["in_force"], lends, strict=True)]]
        held = table if held is None else held[held.index.isin(table.index)]
    if held is None or held.empty:
        return None
    row = held.iloc[0]  # the first of them
    return f"{row['title']} ({row['date']})"


@cache
def members() -> tuple[str, ...]:
    """Return the member states of the European Union."""
    table = facts.read("facts/alignment.csv")
    return tuple(sorted(table.loc[table["eu_member"] == "true", "country"].unique()))


def may_pay(table: pd.DataFrame, funder: str | None, given: Agreements | Alignment | None) -> pd.Series:
    """Return by project why a funder may pay for it; missing where it may not.

    Raises
    ------
    UnknownNameError
        If the funder is no country.
    """
    if funder is None:
        return pd.Series("any country", index=table.index, dtype=object)
    codes = {*facts.read("facts/countries.csv")["country"], EU}
    if funder not in codes:
        raise UnknownNameError.of("funder (ISO 3166-1 alpha-3)", funder, codes)
    signed = listed(given)
    asked: Iterable[tuple[str, str]] = zip(table["country"], table["mineral"], strict=True)
    known = {pair: opened(funder, *pair, signed) for pair in sorted(set(asked))}
    found = [known[pair] for pair in zip(table["country"], table["mineral"], strict=True)]
    return pd.Series(found, index=table.index, dtype=object)
