"""The list of built-in scenarios: what it holds, what one asks of it, how it shows itself."""

from __future__ import annotations

import html
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.scenario import checks
from supplygraph.scenario.builtin import Scenario, bundled_years, everything
from supplygraph.scenario.shock import Shock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    import pandas as pd

    from supplygraph.scenario.checks import Names

KINDS = ("restriction", "strait")
_ROWS_SHOWN = 10
_SHOWN = ["title", "type", "start", "end", "shock"]


@dataclass(frozen=True, eq=False, repr=False)
class Scenarios:
    """A list of scenarios that shows itself: by id (``[...]``), in a loop, or as a table.

    Attributes
    ----------
    as_of
        The day asked for; missing = all days.
    """

    _items: tuple[Scenario, ...]
    as_of: str | None = None

    def __getitem__(self, name: str) -> Scenario:
        """Return one scenario.

        Raises
        ------
        UnknownNameError
            If it is not in the list.
        """
        for item in self._items:
            if item.id == name:
                return item
        raise UnknownNameError.of("scenario", name, (item.id for item in self._items))

    def __iter__(self) -> Iterator[Scenario]:
        """Go through the scenarios, restrictions first, by id."""
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return any(name in (item.id, item) for item in self._items)

    @property
    def table(self) -> pd.DataFrame:
        """One row per scenario; a fresh frame.

        Index ``scenario``; columns as in :class:`Scenario`, lists joined by ``;``, ``shock`` in words (missing where
        there is none), and, where a day was asked for, ``in_force`` (true, or missing = not known).
        """
        import pandas as pd

        columns = [field.name for field in fields(Scenario) if field.name != "id"]
        rows = [
            {name: _cell(getattr(item, name)) for name in columns} | {"upper_bound": item.upper_bound}
            for item in self._items
        ]
        index = pd.Index([item.id for item in self._items], name="scenario", dtype="str")
        frame = pd.DataFrame(rows, index=index, columns=[*columns, "upper_bound"])
        texts = [name for name in columns if name != "limit_t"]
        frame = frame.astype(dict.fromkeys(texts, "str") | {"limit_t": "float64", "upper_bound": "bool"})
        if self.as_of is not None:
            held = [item.in_force(self.as_of) for item in self._items]
            frame.insert(0, "in_force", pd.Series(held, index=index, dtype="boolean"))
        return frame

    def explain(self) -> str:
        """Say what is in the list and how a restriction becomes a shock."""
        kinds = [f"{sum(item.kind == kind for item in self._items)} {kind}s" for kind in KINDS]
        bare = sum(item.shock is None for item in self._items)
        bound = sum(item.upper_bound for item in self._items)
        day = "" if self.as_of is None else f" in force, or perhaps in force, on {self.as_of}"
        return (
            f"{' and '.join(kinds)}{day}. {bare} cannot be expressed as a shock, with the reason in the table. "
            f"{bound} are upper bounds (a licence, or a quota of unrecorded size, is read as: nothing leaves); "
            "scale them with .at(keep=...)."
        )

    def __repr__(self) -> str:
        shown = self.table[_SHOWN].head(_ROWS_SHOWN)
        more = len(self) - len(shown)
        tail = [f"… and {more} more rows"] if more else []
        return "\n".join([self._title(), "", shown.to_string(max_colwidth=60), *tail])

    def _repr_html_(self) -> str:
        body = self.table[_SHOWN].to_html(max_rows=_ROWS_SHOWN, escape=True, border=0)
        return f"<div><b>{html.escape(self._title())}</b></div>{body}"

    def _title(self) -> str:
        return f"{len(self)} scenario{'s' * (len(self) != 1)}" + (f" on {self.as_of}" if self.as_of is not None else "")


def scenarios(
    *,
    mineral: Names = None,
    as_of: str | dt.date | None = None,
    country: Names = None,
    kind: str | None = None,
) -> Scenarios:
    """List the built-in scenarios: real export restrictions, and the closure of each strait.

    Parameters
    ----------
    mineral
        Only restrictions on these bundled minerals; straits stay, since any mineral may pass them.
    as_of
        Only what was in force on that day, and what nobody knows about it (``in_force`` is missing). Straits go: their
        closures are not real.
    country
        Only restrictions by these countries, ISO alpha-3.
    kind
        ``restriction`` or ``strait``.

    Returns
    -------
    Scenarios
        ``["drc-cobalt-quota-2025"]`` is one :class:`Scenario`, whose ``shock`` goes to :func:`supplygraph.reroute`;
        ``table`` has them all.

    Raises
    ------
    UnknownNameError
        If there is no such mineral or kind.
    DataError
        If a code is not ISO 3166-1 alpha-3, or the day is no day; every problem is listed.

    Notes
    -----
    Restrictions on minerals that no bundled network has are left out. Source: ``facts/restrictions.csv`` and
    ``geo/passages.csv``.

    Examples
    --------
    >>> held = scenarios(mineral="cobalt", as_of="2026-07-01")
    >>> [item.id for item in held]
    ['drc-cobalt-quota-2025']
    >>> held["drc-cobalt-quota-2025"].shock
    <Shock: DR Congo: exports of cobalt-mined at most 96,600 t a year>
    """
    problems: list[Problem] = []
    minerals = checks.names("mineral", mineral, problems)
    states = checks.codes("country", country, problems)
    day = None if as_of is None else checks.day("as_of", as_of, problems)
    if problems:
        raise DataError("the scenarios cannot be asked for like this", problems)
    wrong = [("mineral", name, bundled_years()) for name in minerals if name not in bundled_years()]
    checks.refuse_unknown([*wrong, *([("kind", kind, KINDS)] if kind not in (None, *KINDS) else [])])
    items = [
        item
        for item in everything()
        if kind in (None, item.kind)
        and (not minerals or item.kind == "strait" or set(minerals) & set(item.minerals))
        and (not states or item.country in states)
        and (day is None or item.in_force(day) is not False)
    ]
    return Scenarios(tuple(items), day)


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return ";".join(value) or None
    return value.describe() if isinstance(value, Shock) else value if value != "" else None
