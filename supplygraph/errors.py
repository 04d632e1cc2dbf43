"""Errors: one root, a leaf for each thing a caller may want to catch.

Every message says where, what, given, expected and the remedy.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Problem:
    """One fault in the data that a caller gave.

    Attributes
    ----------
    where
        Table (or file), row and column, for example ``edges row 41, column `target```.
    what
        What is wrong, with the value given and the value expected.
    remedy
        What to do next; may be empty.
    """

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        """Read as one sentence: where, what, remedy."""
        stop = "" if not self.remedy or self.what.endswith((".", "?", "!", ":")) else "."
        tail = f" {self.remedy}" if self.remedy else ""
        return f"{self.where}: {self.what}{stop}{tail}"


class SupplyGraphError(Exception):
    """The root of every error that supplygraph raises on purpose."""


class DataError(SupplyGraphError, ValueError):
    """Tables that cannot be right. ``report`` lists every problem, not the first one."""

    def __init__(self, message: str, report: Iterable[Problem] = ()) -> None:
        self.report: tuple[Problem, ...] = tuple(report)
        self._message = message
        super().__init__(message)

    def __str__(self) -> str:
        """List the summary first, then one problem a line."""
        return "\n".join([self._message, *(f"  - {problem}" for problem in self.report)])

    def __reduce__(self) -> tuple[type[DataError], tuple[str, tuple[Problem, ...]]]:
        """Pickle with the report."""
        return (type(self), (self._message, self.report))


class FormatError(DataError):
    """A file that cannot be read as what it claims to be."""


class UnknownNameError(SupplyGraphError, LookupError):
    """A name (mineral, country, node, stage, option) that does not exist here."""

    @classmethod
    def of(cls, kind: str, given: object, known: Iterable[str]) -> UnknownNameError:
        """Build the message ``unknown mineral 'cobolt'. Did you mean 'cobalt'? Known: ...``."""
        names = sorted({str(name) for name in known})
        close = difflib.get_close_matches(str(given), names, n=1, cutoff=0.6)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
        return cls(f"unknown {kind} {given!r}.{hint} Known: {shown or 'none'}.")


class InfeasibleError(SupplyGraphError, RuntimeError):
    """A question without an answer. ``certificate`` proves it (which cut, which rule)."""

    def __init__(self, message: str, certificate: Any = None) -> None:
        self.certificate = certificate
        super().__init__(message)

    def __reduce__(self) -> tuple[type[InfeasibleError], tuple[str, Any]]:
        """Pickle with the certificate."""
        return (type(self), (str(self), self.certificate))


class LimitError(SupplyGraphError, ValueError):
    """An input larger than this build accepts."""


class MissingDependencyError(SupplyGraphError, ImportError):
    """An optional library is not installed; the message has the install line."""
