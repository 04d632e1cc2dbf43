"""Where a funder may pay: its own country, and those that agreements open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from supplygraph import facts
from supplygraph.errors import UnknownNameError
from supplygraph.scenario import standing

if TYPE_CHECKING:
    from supplygraph.scenario.alignment import Alignment


def opened(funder: str, agreements: Alignment | None) -> dict[str, str]:
    """Return the countries in which a funder may pay, with why.

    Parameters
    ----------
    funder
        ISO 3166-1 alpha-3 code, or ``EUU``.
    agreements
        The alignment whose day counts (and whether what does not bind counts); None switches agreements off.

    Raises
    ------
    UnknownNameError
        If there is no such country.

    Notes
    -----
    An agreement opens finance if it is signed and in force on that day and finance is among its provisions.

    Examples
    --------
    >>> from supplygraph.scenario.alignment import forge
    >>> opened("USA", None)
    {'USA': 'own territory'}
    >>> opened("USA", forge("2026-07-01"))["AUS"]
    'Framework for securing supply in mining and processing of critical minerals and rare earths (2025-10-20)'
    """
    codes = {*facts.read("facts/countries.csv")["country"], standing.EU}
    if funder not in codes:
        raise UnknownNameError.of("funder (ISO 3166-1 alpha-3)", funder, codes)
    table = facts.read("facts/alignment.csv")
    members = tuple(sorted(table.loc[table["eu_member"] == "true", "country"].unique()))
    own = [*members, standing.EU] if funder == standing.EU else [funder]
    found = dict.fromkeys(sorted(own), "own territory")
    if agreements is None:
        return found
    rows = facts.read("facts/agreements.csv").reset_index(drop=True)
    lends = rows["provisions"].fillna("").str.split("|").map(lambda given: "finance" in given)
    pairs = standing.in_force(rows, agreements.as_of, members, non_binding=agreements.non_binding)
    for pair, places in sorted(pairs.items(), key=lambda item: sorted(item[0])):
        other = sorted(pair - {funder})
        if funder not in pair or len(other) != 1 or other[0] in found:
            continue
        ways = [place for place in places if lends[place]]
        if ways:
            row = rows.iloc[ways[-1]]
            found[other[0]] = f"{row['title']} ({row['date']})"
    return dict(sorted(found.items()))


def may_pay(countries: pd.Series, funder: str | None, agreements: Alignment | None) -> pd.Series:
    """Return by project why a funder may pay there; missing where it may not."""
    if funder is None:
        return pd.Series("any country", index=countries.index, dtype=object)
    return countries.map(opened(funder, agreements))
