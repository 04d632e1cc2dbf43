"""Agreements on minerals between states: who signed what, what it provides for, what it opens."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, cast

from supplygraph import facts
from supplygraph.errors import DataError, Problem
from supplygraph.scenario import checks, standing
from supplygraph.scenario.builtin import bundled_years

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    import pandas as pd

    from supplygraph.scenario.checks import Names
    from supplygraph.scenario.standing import Pair

__all__ = ["PROVISIONS", "Agreements", "agreements"]

#: What an agreement may provide for.
PROVISIONS = ("exploration", "finance", "offtake", "price_mechanism", "processing", "standards", "stockpile")
#: Words in the list of minerals that stand for every one of them.
_EVERY = re.compile(r"critical (raw )?(minerals|materials)")
#: Words that stand for minerals that nobody has listed.
_UNSAID = re.compile(r"\bother\b|to be identified|certain ")
_SHOWN = ["parties", "date", "title", "provisions", "in_force", "binding"]
_ROWS_SHOWN = 10


@dataclass(frozen=True, eq=False, repr=False)
class Agreements:
    """A list of agreements on one day; made by :func:`agreements`.

    Attributes
    ----------
    as_of
        The day, ``YYYY-MM-DD``.
    """

    as_of: str
    _table: pd.DataFrame
    _pairs: dict[str, tuple[Pair, ...]]

    @property
    def table(self) -> pd.DataFrame:
        """One row per agreement; a fresh frame.

        Index ``agreement``; columns ``parties``, ``date``, ``type``, ``title``, ``minerals``, ``provisions``
        (both lists joined by ``;``), ``status``, ``in_force``, ``why_not``, ``binding`` (no memorandum, statement or
        declaration), ``countries`` (EU states included; empty where the parties are not listed by country), ``notes``,
        ``reference``, ``confidence``.
        """
        return self._table.copy(deep=False)

    def __iter__(self) -> Iterator[str]:
        """Go through the ids, by date."""
        return iter(self._table.index)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table.index

    def of(self, country: str) -> Agreements:
        """Return those that a country is a party to, as a member of the European Union too.

        Raises
        ------
        DataError
            If the code is not ISO 3166-1 alpha-3.
        """
        code = _one_code(country)
        return self._kept([any(code in pair for pair in self._pairs[name]) for name in self])

    def between(self, a: str, b: str) -> Agreements:
        """Return those that join two countries.

        Examples
        --------
        >>> list(agreements("2026-07-01").between("USA", "COD"))
        ['usa-cod-zmb-2022-12-13-mou', 'usa-cod-2025-12-04-other']
        """
        pair = frozenset((_one_code(a), _one_code(b)))
        return self._kept([pair in self._pairs[name] for name in self])

    def without(self, *names: str) -> Agreements:
        """Return the list without some of them, to ask what they change: ``sg.forge(agreements=...)``.

        Raises
        ------
        UnknownNameError
            If one is not in the list.
        """
        checks.refuse_unknown(("agreement", name, self) for name in names if name not in self)
        return self._kept([name not in names for name in self])

    def opens(self, funder: str, country: str, *, provision: str = "finance", mineral: str | None = None) -> bool:
        """Say whether an agreement in force between two countries has a provision, for a mineral where one is named.

        A country needs no agreement with itself. Minerals that an agreement does not list are not opened by it.

        Raises
        ------
        UnknownNameError
            If there is no such provision or mineral.
        DataError
            If a code is not ISO 3166-1 alpha-3.

        Examples
        --------
        >>> signed = agreements("2026-07-01")
        >>> signed.opens("USA", "COD", mineral="cobalt"), signed.opens("USA", "COD", mineral="lithium")
        (True, False)
        """
        checks.refuse_unknown([("provision", provision, PROVISIONS)] if provision not in PROVISIONS else [])
        found = self.between(funder, country)._table if funder != country else None  # noqa: SLF001 - our own
        if found is None:
            return True
        if mineral is not None:
            _refuse_minerals((mineral,))
        held = found[found["in_force"]]
        return any(
            provision in _list(provisions) and (mineral is None or covers(minerals, mineral) is True)
            for provisions, minerals in zip(held["provisions"], held["minerals"], strict=True)
        )

    def explain(self) -> str:
        """Say what is in the list, what of it is in force, and what an agreement does here."""
        held = self._table[self._table["in_force"]]
        binding = int(held["binding"].sum())
        why = self._table.loc[~self._table["in_force"], "why_not"].value_counts()
        out = "; ".join(f"{count} {reason}" for reason, count in sorted(why.items()))
        return (
            f"{len(self)} agreements; {len(held)} in force on {self.as_of}, of which {binding} may bind (no "
            f"memorandum, statement or declaration){f'. Not in force: {out}' if out else ''}. One in force raises the "
            "tier of trade between its parties by a step (forge) and, where it provides for finance, opens a country "
            "to a funder (invest). Parties not listed by country (FORGE, the G7) raise no pair. Most do not bind."
        )

    def __repr__(self) -> str:
        shown = self._table[_SHOWN].head(_ROWS_SHOWN)
        more = len(self) - len(shown)
        tail = [f"… and {more} more rows"] if more else []
        return "\n".join([self._title(), "", shown.to_string(max_colwidth=40), *tail])

    def _repr_html_(self) -> str:
        body = self._table[_SHOWN].to_html(max_rows=_ROWS_SHOWN, escape=True, border=0)
        return f"<div><b>{html.escape(self._title())}</b></div>{body}"

    def _title(self) -> str:
        held = int(self._table["in_force"].sum())
        return f"{len(self)} agreement{'s' * (len(self) != 1)}, {held} in force on {self.as_of}"

    def _kept(self, chosen: list[bool]) -> Agreements:
        return replace(self, _table=self._table[chosen])


def agreements(
    as_of: str | dt.date = "2026-07-01",
    *,
    country: Names = None,
    mineral: Names = None,
    provision: Names = None,
    non_binding: bool = True,
) -> Agreements:
    """List the agreements on minerals between states, with what is in force on one day.

    Parameters
    ----------
    as_of
        The day. In force is what was signed by then; nothing says when one ended, unless its status does.
    country
        Only those with one of these countries as a party (ISO alpha-3; EU states through the Union).
    mineral
        Only those that name one of these bundled minerals or speak of critical minerals as such; those that leave the
        minerals open stay, as nobody can tell.
    provision
        Only those that provide for one of these: exploration, finance, offtake, price_mechanism, processing, standards,
        stockpile.
    non_binding
        Whether memoranda, statements and declarations count.

    Returns
    -------
    Agreements
        ``table``, ``of(country)``, ``between(a, b)``, ``opens(funder, country)``; hand it, or a part of it, to
        :func:`supplygraph.forge` as ``agreements=`` to switch the others off.

    Raises
    ------
    DataError
        If the day is no day or a code is not ISO 3166-1 alpha-3; every problem is listed.
    UnknownNameError
        If there is no such mineral or provision.

    Notes
    -----
    Source: ``facts/agreements.csv``, compiled to July 2026; several signatures are second-hand and say so in ``status``
    and ``confidence``. The texts were not read; provisions are as reported.

    Examples
    --------
    >>> signed = agreements("2026-07-01", country="JPN", provision="stockpile")
    >>> signed.table["why_not"].to_dict()
    {'usa-jpn-2025-10-28-framework': '', 'usa-euu-jpn-2026-02-04-other': 'not signed',
    'can-jpn-2026-06-other': 'not signed'}
    """
    problems: list[Problem] = []
    states = checks.codes("country", country, problems)
    minerals = checks.names("mineral", mineral, problems)
    wanted = checks.names("provision", provision, problems)
    day = checks.day("as_of", as_of, problems)
    if non_binding not in (True, False):
        problems.append(Problem("non_binding", f"is {non_binding!r}; expected True or False."))
    if problems:
        raise DataError("the agreements cannot be asked for like this", problems)
    _refuse_minerals(minerals)
    checks.refuse_unknown(("provision", name, PROVISIONS) for name in wanted if name not in PROVISIONS)
    table, pairs = _all(cast("str", day))
    keep = table["binding"] | non_binding
    if minerals:
        keep &= table["minerals"].map(lambda text: any(covers(text, one) is not False for one in minerals))
    if wanted:
        keep &= table["provisions"].map(lambda text: bool(set(wanted) & set(_list(text))))
    if states:
        keep &= table.index.map(lambda name: any(pair & set(states) for pair in pairs[name])).to_numpy(dtype=bool)
    return Agreements(cast("str", day), table[keep], pairs)


def positions(listed: Agreements) -> frozenset[int]:
    """Return the rows of ``facts/agreements.csv`` that a list holds."""
    return frozenset(position for position, name in enumerate(_ids()) if name in listed)


def covers(text: str | None, mineral: str) -> bool | None:
    """Say whether a list of minerals names a mineral, or all; none where it leaves that open."""
    words = "" if text is None or text != text else str(text).lower()  # noqa: PLR0124 - NaN is a missing list
    rare = "rare_earths" in mineral
    if _EVERY.search(words) and not _UNSAID.search(words):
        return True
    named = {mineral.replace("_", " "), *({"rare earths", "magnets", "heavy rare earths"} if rare else ())}
    if any(re.search(rf"\b{name}\b", words) for name in named):
        return True
    return None if not words or _UNSAID.search(words) else False


@cache
def _ids() -> tuple[str, ...]:
    """Return an id for each row of the facts: its parties, date and type."""
    rows = facts.read("facts/agreements.csv")
    ends = zip(rows["party_a"], rows["party_b"], rows["date"], rows["type"], strict=True)
    # A remark in brackets after the parties is no part of the id.
    return tuple(re.sub("[^a-z0-9]+", "-", " ".join((a.split(" ")[0], b.split(" ")[0], *rest)).lower()).strip("-")
                 for a, b, *rest in ends)  # fmt: skip


def _all(day: str) -> tuple[pd.DataFrame, dict[str, tuple[Pair, ...]]]:
    """Return every agreement with its standing on a day, and each two countries that it joins."""
    import pandas as pd

    rows = facts.read("facts/agreements.csv")
    filled = rows.fillna("").to_dict("records")
    known = facts.read("facts/alignment.csv")
    members = tuple(sorted(known.loc[known["eu_member"] == "true", "country"].unique()))
    pairs = {name: tuple(standing.pairs_of(row, members)) for name, row in zip(_ids(), filled, strict=True)}
    why = [standing.why_not(row, day) for row in filled]
    table = pd.DataFrame(
        {
            "parties": [a if a == b else f"{a}+{b}" for a, b in zip(rows["party_a"], rows["party_b"], strict=True)],
            "date": rows["date"],
            "type": rows["type"],
            "title": rows["title"],
            "minerals": rows["minerals"],
            "provisions": rows["provisions"].str.replace("|", ";"),
            "status": rows["status"],
            "in_force": [not reason for reason in why],
            "why_not": why,
            "binding": [standing.binds(row) for row in filled],
            "countries": [";".join(sorted(frozenset().union(*found))) for found in pairs.values()],
            "notes": rows["notes"],
            "reference": rows["reference"],
            "confidence": rows["confidence"],
        }
    ).set_axis(pd.Index(_ids(), name="agreement", dtype="str"))
    return table.sort_values(["date", "agreement"], kind="stable"), pairs


def _list(text: object) -> tuple[str, ...]:
    return tuple(text.split(";")) if isinstance(text, str) else ()


def _refuse_minerals(minerals: tuple[str, ...]) -> None:
    checks.refuse_unknown(("mineral", name, bundled_years()) for name in minerals if name not in bundled_years())


def _one_code(country: str) -> str:
    if country == standing.EU:
        return country
    problems: list[Problem] = []
    found = checks.codes("country", country, problems)
    if not problems and len(found) != 1:
        problems.append(Problem("country", f"is {country!r}; expected one ISO 3166-1 alpha-3 code"))
    if problems:
        raise DataError("this is no country", problems)
    return found[0]
