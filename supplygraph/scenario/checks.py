"""What callers may write (names, codes, factors, tonnes, days), checked with every fault told at once."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from numbers import Real
from typing import TYPE_CHECKING

from supplygraph.errors import Problem, UnknownNameError
from supplygraph.network.codes import ALPHA3, suggest

if TYPE_CHECKING:
    from typing import TypeGuard

Names = str | Iterable[str] | None
#: A name that nobody knows: what it should be, the name, the names that there are.
Unknown = tuple[str, object, Iterable[str]]


def names(where: str, given: object, problems: list[Problem]) -> tuple[str, ...]:
    """Return one name or many as a sorted tuple without repetition."""
    if given is None:
        return ()
    if not isinstance(given, Iterable):
        problems.append(Problem(where, f"is {given!r}; expected names as text", "Give one name or a list of names."))
        return ()
    listed = (given,) if isinstance(given, str) else tuple(given)
    wrong = [name for name in listed if not isinstance(name, str) or not name]
    problems += [
        Problem(where, f"holds {name!r}; expected names as text", "Give one name or a list of names.")
        for name in wrong
    ]  # fmt: skip
    return tuple(sorted({str(name) for name in listed if isinstance(name, str) and name}))


def codes(where: str, given: object, problems: list[Problem]) -> tuple[str, ...]:
    """Return country codes; whatever is no ISO 3166-1 alpha-3 code is a problem."""
    found = names(where, given, problems)
    for code in found:
        if code not in ALPHA3:
            near = suggest(code)
            what = f"is {code!r}; expected an ISO 3166-1 alpha-3 code, such as CHN, COD or NAM"
            problems.append(Problem(where, what, near if near.startswith("Did you mean") else ""))
    return found


def factor(where: str, given: object, problems: list[Problem]) -> float:
    """Return a share or a multiple of today."""
    if _is_number(given) and math.isfinite(given) and given >= 0:
        return float(given)
    what = f"is {given!r}; expected a number of at least 0"
    problems.append(Problem(where, what, "Give 0 to close, 0.5 to halve, 1.2 for 20 % more."))
    return 0.0


def tonnes(where: str, given: object, problems: list[Problem]) -> float:
    """Return a limit in tonnes a year."""
    if _is_number(given) and math.isfinite(given) and given >= 0:
        return float(given)
    what = f"is {given!r}; expected tonnes of contained metal a year, a number of at least 0"
    problems.append(Problem(where, what, "Leave it out for no limit in tonnes."))
    return 0.0


def _is_number(given: object) -> TypeGuard[float]:
    return isinstance(given, Real) and not isinstance(given, bool)


def day(where: str, given: object, problems: list[Problem]) -> str | None:
    """Return a day as ``YYYY-MM-DD``; none, and a problem, where it is no day."""
    if isinstance(given, dt.date) and given == given:  # noqa: PLR0124 - pandas' missing time is a date
        return given.isoformat()[:10]
    try:
        return dt.date.fromisoformat(given).isoformat()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        problems.append(Problem(where, f"{given!r} is no day.", "Write it as YYYY-MM-DD."))
        return None


def refuse_unknown(unknown: Iterable[Unknown]) -> None:
    """Raise one error for all names that nobody knows.

    Raises
    ------
    UnknownNameError
        If there are any.
    """
    told = list(dict.fromkeys(str(UnknownNameError.of(*one)) for one in unknown))
    if len(told) == 1:
        raise UnknownNameError(told[0])
    if told:
        raise UnknownNameError("\n".join([f"{len(told)} names are unknown", *(f"  - {line}" for line in told)]))


def joined(words: tuple[str, ...]) -> str:
    """Return names as a list in words."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
