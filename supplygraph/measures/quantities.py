"""Plain quantities by country, as people bring them: checked as a whole, the unnamed rest set apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

#: Keys of a plain table that mean "unnamed rest of the world".
REST_KEYS = ("OTH", "OTHER", "REST", "ROW")
#: Keys that mean a sum over the others: counted as one country they would double the total.
_TOTALS = ("WLD", "WORLD", "TOTAL", "SUM", "ALL", "GRAND TOTAL", "WORLD TOTAL")
#: Units of plain quantities, and what shares in them sum to.
UNITS = {"t": None, "share": 1.0, "pct": 100.0}
#: Published shares are rounded: so far their sum may be off.
_ROUNDING = 0.015
#: Codes that are no ISO 3166-1 alpha-3 codes (any more), and what is meant.
_MEANT = {
    "ROM": "ROU", "ZAR": "COD", "DRC": "COD", "TMP": "TLS", "ADO": "AND", "KSV": "XKX", "KOS": "XKX", "WBG": "PSE",
    "GER": "DEU", "SUI": "CHE", "UK": "GBR", "UAE": "ARE", "RSA": "ZAF", "BUR": "MMR", "TPE": "TWN",
}  # fmt: skip


class HhiResult(Result):
    """An answer about concentration: its index with bounds."""

    @property
    def hhi(self) -> float:
        """Herfindahl-Hirschman index, 0 to 1 (with a kernel: ``s'K s``); the unknown rest adds nothing."""
        return float(self.figures["hhi"])

    @property
    def hhi_low(self) -> float:
        """Lower bound of the index: the unknown rest is spread thinly."""
        return float(self.figures["hhi_low"])

    @property
    def hhi_high(self) -> float:
        """Upper bound of the index: the unknown rest is one place."""
        return float(self.figures["hhi_high"])

    @property
    def effective_n(self) -> float:
        """Effective number of suppliers, 1 / HHI (with a kernel: of independent ones)."""
        return float(self.figures["effective_n"])


@dataclass(frozen=True)
class Shares:
    """The numbers behind a concentration: named tonnes, their total with the rest, the index."""

    tonnes: pd.Series
    total: float

    @cached_property
    def shares(self) -> pd.Series:
        """Shares of the named, of the whole."""
        return self.tonnes / self.total

    @cached_property
    def unknown(self) -> float:
        """Share of unknown origin."""
        return max(0.0, 1.0 - math.fsum(self.shares.to_numpy()))

    @cached_property
    def hhi(self) -> float:
        """The known part of the index."""
        return math.fsum(self.shares.to_numpy() ** 2)

    @property
    def hhi_high(self) -> float:
        """The index if the whole unknown rest were one place of its own."""
        return self.hhi + self.unknown**2


def is_plain(what: object) -> bool:
    """Tell whether something is a plain table by key."""
    return isinstance(what, (pd.Series, Mapping))


def is_total(key: Hashable) -> bool:
    """Tell whether a key means the sum over the others."""
    return str(key).strip().upper() in _TOTALS


def is_rest(key: Hashable) -> bool:
    """Tell whether a key means the unnamed rest."""
    missing = key is None or key != key  # noqa: PLR0124 - NaN
    return missing or str(key).strip().upper() in {"", *REST_KEYS}


def number(value: object) -> float | None:
    """Return a value as a number, if it is one."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=1)
def country_names() -> Mapping[str, str]:
    """Return the name of every country by its alpha-3 code."""
    table = facts.read("facts/countries.csv")
    return dict(zip(table["country"], table["name"], strict=True))


def unknown_country(key: object) -> str:
    """Say that there is no such country, with what may be meant."""
    names = country_names()
    text = str(key).strip()
    by_name = {name.casefold(): code for code, name in names.items()}
    meant = _MEANT.get(text.upper()) or by_name.get(text.casefold()) or (text.upper() if text.upper() in names else "")
    if meant:
        return f"unknown country {key!r}. Did you mean {meant!r} ({names[meant]})?"
    return str(UnknownNameError.of("country", key, names))


def of_tonnes(
    what: pd.Series | Mapping[str, float], *, by: str = "country", unit: str | None = None, label: str = "row"
) -> Shares:
    """Check plain quantities by code and set the unnamed rest apart.

    Parameters
    ----------
    what
        Quantities by key; ``OTH`` or a missing key is the unnamed rest.
    by
        What the keys are; all but ``"node"`` are countries.
    unit
        ``"t"`` (or any other unit of mass: only ratios count), ``"share"`` or ``"pct"``, whose sum must be 1 or 100
        within rounding. Without it, figures that can only be shares and do not sum to 1 are refused too.
    label
        What to call the table in errors.

    Raises
    ------
    DataError
        With every problem found.
    """
    if unit is not None and unit not in UNITS:
        raise UnknownNameError.of("unit", unit, UNITS)
    problems: list[Problem] = []
    named: dict[str, float] = {}
    rest = 0.0
    for where, key, value in _rows(what, label, problems):
        if is_rest(key):
            rest += value
        elif is_total(key):
            problems.append(Problem(where, "a total among the countries counts twice.", "Leave it out."))
        elif by != "node" and key not in country_names():
            problems.append(Problem(where, unknown_country(key),
                                    "Use ISO 3166-1 alpha-3 codes, and OTH for the unnamed rest."))
        elif str(key) in named:
            problems.append(Problem(where, "it stands twice.", "Add the two up."))
        else:
            named[str(key)] = value
    total = math.fsum([*named.values(), rest])
    if not problems and not math.fsum(named.values()) > 0:
        problems.append(Problem(f"{label}s", "no named country has any tonnes.", "Give at least one."))
    if not problems:
        problems += _sums([*named.values(), rest], total, unit, label)
    if problems:
        raise DataError("these tonnes cannot be right", problems)
    series = pd.Series(named, dtype=float).sort_index().rename_axis(by)
    whole = None if unit is None else UNITS[unit]
    # Shares stay as published: what rounding lacks is of unknown origin, what it has too much is no rest.
    return Shares(series[series > 0], total if whole is None else whole)


def _rows(
    what: pd.Series | Mapping[str, float], label: str, problems: list[Problem]
) -> Iterator[tuple[str, Hashable, float]]:
    """Yield the rows that hold a quantity; note the others."""
    for key, value in what.items():
        where, quantity = f"{label} {key!r}", number(value)
        if quantity is None or not math.isfinite(quantity) or quantity < 0:
            problems.append(Problem(where, f"{value!r} is no quantity.", "Give tonnes, zero or more."))
        else:
            yield where, key, quantity


def _sums(values: list[float], total: float, unit: str | None, label: str) -> list[Problem]:
    """Return what is wrong with the sum of shares.

    No unit given: tonnes of which none exceeds 1 and that sum to about 1 are shares, since no world production is a
    tonne. Per cents are not guessed: a hundred tonnes of a metal exist.
    """
    whole = None if unit is None else UNITS[unit]
    if whole is None:
        if unit is not None or len([v for v in values if v > 0]) < 2 or max(values) > 1.0:
            return []
        if not 0.5 <= total <= 1.5 or abs(total - 1.0) <= _ROUNDING:
            return []
        remedy = (
            'If they are shares, give the unnamed rest as OTH so that they sum to 1; if they are quantities, unit="t".'
        )
        return [Problem(f"{label}s", f"they look like shares, but sum to {total:.6g}.", remedy)]
    if abs(total / whole - 1.0) <= _ROUNDING:
        return []
    remedy = f'Give the unnamed rest as OTH so that they sum to {whole:g}; for quantities, unit="t".'
    return [Problem(f"{label}s", f"these shares sum to {total:.6g}, not to {whole:g}.", remedy)]
