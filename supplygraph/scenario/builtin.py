"""Built-in scenarios, each made from its row of the facts.

What a restriction means here follows from its row in ``facts/restrictions.csv`` by these rules:

- ``covers`` names the bundled products. Ore, concentrate and raw goods are what mines ship; metals, oxides and
  compounds are what refineries ship. Unprocessed rare earths are all that is not yet separated. Raw lithium ore is
  nothing that a bundled mine ships (they ship concentrate). Rare earths are both ``rare_earths`` and
  ``magnet_rare_earths``.
- A ban, and a stop of shipments, lets nothing leave. A quota lets its tonnes leave.
- A licence is not a ban, and the size of some quotas is not recorded: "nothing leaves" is then the *upper bound*.
- A tax is no quantity; technology, end uses and goods that no bundled product stands for cannot be closed. Such rows
  are listed with the reason and without a shock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from supplygraph import facts
from supplygraph.errors import DataError, Problem
from supplygraph.scenario import checks
from supplygraph.scenario.clauses import Ban, named
from supplygraph.scenario.shock import Shock

if TYPE_CHECKING:
    import datetime as dt

_TYPES = {"ban": "export ban", "quota": "export quota", "licence": "export licence", "tax": "export tax"}


@dataclass(frozen=True)
class Scenario:
    """One built-in scenario.

    Attributes
    ----------
    id
        Its name, which stays.
    title
        What it is, in one line.
    kind
        ``restriction`` or ``strait``.
    type
        ban, quota, licence, tax or suspension; closure of a strait.
    country, target
        Who restricts exports, and to whom (missing = to all); missing for straits.
    minerals
        Bundled minerals that it is about; empty for straits, which all of them may pass.
    products
        Bundled products that it covers.
    limit_t
        Size of a quota in tonnes of contained metal a year, where it is recorded.
    start, end
        First day in force, and the day on which that ended; missing = open. An end on 31 December is a last day.
    unknown_from
        Day from which nobody found out whether it is in force.
    status, caveat
        What the source says of its state; where our reading is wider or narrower than the rule.
    shock
        What to give to :func:`supplygraph.reroute`; missing where it cannot be expressed, see ``reason``.
    reason
        Why there is no shock; empty where there is one.
    reference, confidence
        Where the fact comes from, and how sure it is.
    """

    id: str
    title: str
    kind: str
    type: str
    country: str | None
    target: str | None
    minerals: tuple[str, ...]
    products: tuple[str, ...]
    limit_t: float | None
    start: str | None
    end: str | None
    unknown_from: str | None
    status: str
    caveat: str
    shock: Shock | None
    reason: str
    reference: str
    confidence: str

    @property
    def upper_bound(self) -> bool:
        """Whether the shock ("nothing leaves") is more than the rule itself demands."""
        return self.shock is not None and (self.type == "licence" or (self.type == "quota" and self.limit_t is None))

    def at(self, *, keep: float) -> Shock:
        """Return the shock with a share of today's flow left, instead of nothing or a quota.

        Raises
        ------
        DataError
            If the scenario has no shock, or ``keep`` is negative or not finite.

        Examples
        --------
        >>> import supplygraph as sg
        >>> sg.scenarios()["china-gallium-licence-2023"].at(keep=0.5)
        <Shock: China: exports of gallium-refined at 50 % of today>
        """
        problems: list[Problem] = []
        share = checks.factor("keep", keep, problems)
        if self.shock is None:
            problems.append(Problem(self.id, f"it has no shock: {self.reason}.", "Make your own with Shock.ban(...)."))
        if problems or self.shock is None:
            raise DataError("the scenario cannot be scaled", problems)
        return Shock(tuple(
            replace(clause, keep=share, most_t=None) if isinstance(clause, Ban) else replace(clause, keep=share)
            for clause in self.shock.clauses
        ))  # fmt: skip

    def in_force(self, day: str | dt.date) -> bool | None:
        """Tell whether it is in force on a day; none where that is not known. Straits are not closed.

        Raises
        ------
        DataError
            If it is no day.

        Examples
        --------
        >>> import supplygraph as sg
        >>> ban = sg.scenarios()["china-usa-ban-2024"]  # suspended in November 2025, for a year
        >>> ban.in_force("2025-06-01"), ban.in_force("2026-07-01"), ban.in_force("2027-01-01")
        (True, False, None)
        """
        when = _as_day(day)
        if self.start is None:
            return False
        if self.unknown_from is not None and when >= self.unknown_from:
            return None
        last = self.end is None or when < self.end or (when == self.end and self.end.endswith("-12-31"))
        return self.start <= when and last

    def explain(self) -> str:
        """Say what it is, what it does here, where that is too wide or too narrow, and who says so.

        Examples
        --------
        >>> import supplygraph as sg
        >>> print(sg.scenarios()["drc-cobalt-ban-2025"].explain())
        DR Congo: export ban on cobalt (all cobalt products), from 2025-02-22. Until 2025-10-16. Status: replaced by
        quota 2025-10-16. Here: DR Congo: no exports of cobalt-mined and cobalt-refined. Today's flows in the bundled
        network of cobalt (base year 2025) carry some of it already. Source: Africanews/AP
        (africanews-ap-drc-set-replace-ban-cobalt-2025, confidence high).
        """
        said = [f"{self.title}."]
        if self.end is not None and self.start is not None:
            said.append(f"Until {self.end}." if self.start < self.end else f"Stopped on {self.end}, before it began.")
        said.append(f"Status: {self.status}.")
        if self.unknown_from is not None:
            said.append(f"Whether it is in force from {self.unknown_from} on is not known.")
        said.append(f"Here: {self.shock.describe()}." if self.shock is not None else f"No shock: {self.reason}.")
        if self.upper_bound:
            why = "A licence is not a ban" if self.type == "licence" else "A quota is not a ban"
            said.append(f"{why}: this is the upper bound; scale it, for example with .at(keep=0.5).")
        if self.caveat and self.caveat != self.reason:
            said.append(f"Read with care: {self.caveat}.")
        said += self._base_years()
        said.append(f"Source: {_titles()[self.reference]} ({self.reference}, confidence {self.confidence}).")
        return " ".join(said)

    def _base_years(self) -> list[str]:
        """Say in which bundled networks today's flows already carry it."""
        if self.shock is None or self.start is None:
            return []
        end = self.end or "9999"
        held = tuple(
            f"{mineral.replace('_', ' ')} (base year {year})"
            for mineral, year in bundled_years().items()
            if mineral in self.minerals and self.start <= f"{year}-12-31" and f"{year}-01-01" < end > self.start
        )
        network = f"network{'s' if len(held) > 1 else ''} of {checks.joined(held)}" if held else ""
        return [f"Today's flows in the bundled {network} carry some of it already."] if held else []


@lru_cache(maxsize=1)
def everything() -> tuple[Scenario, ...]:
    """Return all built-in scenarios: restrictions on bundled minerals, then straits, each by id."""
    bundled = bundled_years()
    made = [_restriction(row) for row in _rows("facts/restrictions.csv")]
    closed = [_strait(row) for row in _rows("geo/passages.csv") if row["default_closed"] != "true"]
    held = [item for item in made if set(item.minerals) & set(bundled)]
    return tuple(sorted(held, key=lambda item: item.id) + sorted(closed, key=lambda item: item.id))


def _rows(name: str) -> list[dict[str, str]]:
    """Return a table as rows of text, empty where a cell is missing."""
    records = facts.read(name).astype(object).to_dict("records")
    return [{str(key): "" if value != value else str(value) for key, value in row.items()} for row in records]  # noqa: PLR0124


def _restriction(cell: dict[str, str]) -> Scenario:
    """Turn a row of the facts into a scenario, by the rules above."""
    products = _list(cell["covers"])
    # The metals of magnets are rare earths too, and have networks of their own.
    minerals = {*_list(cell["mineral"]), *(["magnet_rare_earths"] if "rare_earths" in _list(cell["mineral"]) else [])}
    limit = float(cell["limit_t"]) if cell["limit_t"] else None
    target = None if cell["target"] == "ALL" else cell["target"]
    reason = ""
    if cell["type"] == "tax":
        reason = "a tax raises what exports cost, and says nothing about how much leaves"
    elif not products:
        reason = cell["caveat"] or "no bundled product stands for what it names"
    shock = None
    if not reason:
        clause = Ban((cell["country"],), products, to=(target,) if target else (), most_t=limit, anywhere=True)
        shock = Shock((clause,))
    stop = "export stop" if products else "suspension of a rule"
    who, goods = named((cell["country"],))[0], checks.joined(_list(cell["mineral"])).replace("_", " ")
    to = f" to {named((target,))[0]}" if target else ""
    start = cell["effective_date"] or cell["date"]
    return Scenario(
        id=cell["restriction"],
        title=f"{who}: {_TYPES.get(cell['type'], stop)} on {goods} ({cell['product']}){to}, from {start}",
        kind="restriction",
        type=cell["type"],
        country=cell["country"],
        target=target,
        minerals=tuple(sorted(minerals)),
        products=products,
        limit_t=limit,
        start=start,
        end=cell["end_date"] or None,
        unknown_from=cell["unknown_from"] or None,
        status=cell["status_as_of"],
        caveat=cell["caveat"],
        shock=shock,
        reason=reason,
        reference=cell["reference"],
        confidence=cell["confidence"],
    )


def _strait(row: dict[str, str]) -> Scenario:
    name = row["passage"]
    return Scenario(
        id=f"strait-{name.replace('_', '-')}",
        title=f"{row['name']} closed",
        kind="strait",
        type="closure",
        country=None,
        target=None,
        minerals=(),
        products=(),
        limit_t=None,
        start=None,
        end=None,
        unknown_from=None,
        status="not closed; a what-if",
        caveat="",
        shock=Shock.close(passage=name),
        reason="",
        reference=row["reference"],
        confidence=row["confidence"],
    )


@lru_cache(maxsize=1)
def bundled_years() -> dict[str, int]:
    """Return the bundled minerals and the base year of each."""
    years = facts.read("facts/chains.csv").groupby("mineral")["year"].max().astype(int)
    return {str(mineral): int(years[mineral]) for mineral in sorted(years.index)}


@lru_cache(maxsize=1)
def _titles() -> dict[str, str]:
    return {row["reference"]: row["title"] for folder in ("facts", "geo") for row in _rows(f"{folder}/references.csv")}


def _list(cell: str) -> tuple[str, ...]:
    return tuple(sorted(part for part in cell.split(";") if part))


def _as_day(day: str | dt.date) -> str:
    problems: list[Problem] = []
    when = checks.day("day", day, problems)
    if when is None:
        raise DataError("no such day", problems)
    return when
