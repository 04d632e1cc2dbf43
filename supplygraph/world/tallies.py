"""The state of the books of one mineral: its facts, its processes so far, its corrections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.world import closing
from supplygraph.world.closing import OTHER, Ledger

if TYPE_CHECKING:
    from supplygraph.world.chains import Chain

#: Reference of what rests on the rules of the build alone.
RULES = "closing-rules"
LINE = (
    "process", "node", "mineral", "stage", "role", "input", "output", "makes", "accepts", "operator", "capacity_t",
    "recovery", "activity_t", "year", "reference", "confidence", "country", "facility", "residual",
)  # fmt: skip
#: Published totals, as networks keep them: of what is made, or used, of a product in a country.
STATISTICS = ("stage", "product", "use", "country", "quantity_t", "confidence", "reference")


@dataclass(frozen=True)
class Facts:
    """What the books are made of: the tables of one mineral, checked.

    Attributes
    ----------
    facilities
        Index facility, with column node besides the columns of the facts.
    production
        Columns stage, country, year, series, quantity_t, reference, confidence.
    demand
        Columns product, country, year, row_set, quantity_t, reference, confidence.
    links
        Current links and ties between facilities.
    countries
        Index country; columns name, lon, lat.
    shares
        Columns product, country, share, reference: where a rest is used.
    untraded
        Forms that do not travel.
    """

    facilities: pd.DataFrame
    production: pd.DataFrame
    demand: pd.DataFrame
    links: pd.DataFrame
    countries: pd.DataFrame
    shares: pd.DataFrame
    untraded: frozenset[str] = frozenset()


@dataclass
class Books:
    """Processes, residual nodes and corrections of one mineral, and how its stages compare with the statistics."""

    chain: Chain
    facts: Facts
    ledger: Ledger
    lines: list[dict[str, Any]] = field(default_factory=list)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    stages: list[dict[str, Any]] = field(default_factory=list)
    statistics: list[dict[str, Any]] = field(default_factory=list)

    @property
    def processes(self) -> pd.DataFrame:
        """All processes so far, one row each."""
        return pd.DataFrame(self.lines, columns=list(LINE))

    def supply(self, product: str) -> float:
        """Tonnes of a product made."""
        return float(sum(x["activity_t"] for x in self.lines if x["output"] == product))

    def intake(self, product: str) -> float:
        """Tonnes of a product taken in."""
        return float(sum(intake(x) for x in self.lines if x["input"] == product))


def intake(line: dict[str, Any]) -> float:
    """Return what a process takes in."""
    recovery = line["recovery"] if line["output"] and line["input"] else 1.0
    return float(line["activity_t"] / recovery)


def pairs(books: Books, product: str, plants: list[str]) -> list[tuple[list[str], list[str]]]:
    """Return the integrated groups between the listed makers of a product and these plants."""
    makers = [x["facility"] for x in books.lines if x["output"] == product and x["facility"]]
    links = books.facts.links
    links = links[links["supplier"].isin(makers)]
    known = books.facts.facilities
    found = closing.exclusive_pairs(links, known, books.facts.untraded)
    return [(m, p) for m, p in found if set(p) <= set(plants)]


def need_by_country(books: Books, product: str) -> dict[str, float]:
    """Return what each country's plants take in of a product."""
    found: dict[str, float] = {}
    for line in books.lines:
        if line["input"] == product:
            code = line["country"] or OTHER
            found[code] = found.get(code, 0.0) + intake(line)
    return found


def text(value: object) -> str:
    """Return a cell as text; missing is empty."""
    return value if isinstance(value, str) else ""
