"""Where faults are, and the list that they are collected in."""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: One rule lists this many rows of one column; beyond, it says how many more there are.
MOST_ROWS = 1000
#: Nearest names are looked for this many times per column: the search is slow, and the first ones tell the story.
_MOST_SUGGESTIONS = 50
_MOST_CANDIDATES = 20_000


@dataclass
class Report:
    """Problems found so far.

    Attributes
    ----------
    files
        What to call a table in messages, where it is not its own name (``edges.csv``).
    lines
        Per table the number of each row as people count it; without, 1-based positions.
    unread
        Tables whose rows cannot be read at all; nothing is said about rows that point there.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)

    def row(self, table: str, position: int) -> int:
        """Return the number of a row as people count it."""
        lines = self.lines.get(table)
        return int(lines[position]) if lines is not None else position + 1

    def table(self, table: str, what: str, remedy: str = "", *, column: str = "") -> None:
        """Add a fault of a whole table, or of a whole column."""
        where = self.files.get(table, table) + (f", column `{column}`" if column else "")
        self.problems.append(Problem(where, what, remedy))

    def rows(
        self,
        table: str,
        column: str,
        positions: Iterable[int],
        what: Callable[[int], str] | str,
        remedy: Callable[[int], str] | str = "",
    ) -> None:
        """Add one fault for each of these rows (0-based positions in the given table)."""
        found = np.asarray(list(positions), dtype=np.int64)
        name = self.files.get(table, table)
        for i in found[:MOST_ROWS]:
            at = int(i)
            where = f"{name} row {self.row(table, at)}, column `{column}`"
            said = what if isinstance(what, str) else what(at)
            self.problems.append(Problem(where, said, remedy if isinstance(remedy, str) else remedy(at)))
        if len(found) > MOST_ROWS:
            self.table(table, f"{len(found) - MOST_ROWS} more rows with the same fault.", column=column)


class Suggester:
    """Nearest known names, looked up a bounded number of times."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = known
        self._names: list[str] | None = None  # listed when first asked for: most tables have no fault
        self._seen: dict[str, str] = {}

    def __call__(self, given: str) -> str:
        """Return ``Did you mean `x`?``, or nothing."""
        if given not in self._seen and len(self._seen) >= _MOST_SUGGESTIONS:
            return ""
        if given not in self._seen:
            if self._names is None:
                self._names = [str(name) for name in itertools.islice(self._known, _MOST_CANDIDATES)]
            near = difflib.get_close_matches(given, self._names, n=1, cutoff=0.6)
            self._seen[given] = f"Did you mean `{near[0]}`?" if near else ""
        return self._seen[given]


def quote(value: object) -> str:
    """Return a value as it is shown in messages: in backticks, short, on one line."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return f"`{text[:77]}…`" if len(text) > 78 else f"`{text}`"


def saying(pattern: str, *columns: Any) -> Callable[[int], str]:
    """Return words about row i: ``{0}``, ``{1}`` ... are filled with the cells of these columns.

    Texts are quoted, numbers short, missing cells read ``nothing``.
    """
    arrays = [np.asarray(column, dtype=object) for column in columns]

    def shown(cell: object) -> str:
        if isinstance(cell, str):
            return quote(cell)
        return "nothing" if cell is None or cell != cell else f"{cell:.6g}"  # noqa: PLR0124 - NaN

    return lambda i: pattern.format(*(shown(array[i]) for array in arrays))
