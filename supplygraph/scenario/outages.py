"""Paths of disruptions over several years: which restriction comes when, how strong, and for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError, Problem
from supplygraph.scenario.library import scenarios
from supplygraph.scenario.shock import Shock

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.builtin import Scenario

__all__ = ["Hazard", "Outages", "outages"]

#: How the length of a disruption varies around its mean.
LAWS = ("exponential", "fixed")
#: The record of the built-in restrictions ends here (facts run to about mid-2026).
RECORD_END = "2026-07-01"
#: How much a licence, or a quota of unrecorded size, lets pass: three classes, equally likely. An assumption.
LICENCE_KEEPS = (1 / 6, 1 / 2, 5 / 6)
_DAYS = 365.25
_MOST_MONTHS = 600


@dataclass(frozen=True)
class Hazard:
    """A disruption that comes at a rate and lasts for a while.

    Parameters
    ----------
    name
        What it is called; unique within a set.
    shocks
        What it does: a shock, or several of which one is drawn each time, all equally likely (how strong).
    per_year
        How often it begins in a year in which it does not already hold (a Poisson process).
    months
        Mean length in months.
    law
        ``"exponential"`` lengths (rounded to whole months, at least one) or all ``"fixed"``.
    basis
        Where rate and length come from, in words.

    Raises
    ------
    DataError
        If a rate or length is not above 0, the law is unknown, or a shock is none; every problem is listed.

    Examples
    --------
    >>> Hazard("halt", Shock.ban("CHN", stage="refining"), per_year=0.1, months=9).chance(years=5)
    0.3935
    """

    name: str
    shocks: tuple[Shock, ...]
    per_year: float
    months: float
    law: str = "exponential"
    basis: str = "given by the user"

    def __post_init__(self) -> None:
        given: Any = self.shocks
        listed = (given,) if isinstance(given, Shock) or not isinstance(given, Iterable) else tuple(given)
        problems = []
        if not isinstance(self.name, str) or not self.name:
            problems.append(Problem("Hazard.name", f"is {self.name!r}; expected a text", ""))
        if not listed or not all(isinstance(one, Shock) for one in listed):
            remedy = "Make one with Shock.close(...) or Shock.ban(...)."
            problems.append(Problem("Hazard.shocks", f"is {given!r}; expected one or several Shocks", remedy))
        for name in ("per_year", "months"):
            value = getattr(self, name)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not (number and 0 < float(value) < float("inf")):
                problems.append(Problem(f"Hazard.{name}", f"is {value!r}; expected a number above 0", ""))
        if self.law not in LAWS:
            problems.append(Problem("Hazard.law", f"is {self.law!r}; expected {' or '.join(LAWS)}", ""))
        if problems:
            raise DataError(f"the hazard {self.name!r} cannot be read", problems)
        object.__setattr__(self, "shocks", listed)

    def chance(self, *, years: float) -> float:
        """Return the chance that it begins at least once in some years, ``1 - exp(-per_year years)``."""
        from math import exp

        return round(1.0 - exp(-self.per_year * years), 4)


@dataclass(frozen=True, eq=False)
class Outages:
    """Drawn paths of disruptions.

    Attributes
    ----------
    hazards
        What can happen.
    n, years, seed
        Number of paths, their length, and the seed that drew them.
    """

    hazards: tuple[Hazard, ...]
    n: int
    years: int
    seed: int
    _rows: tuple[np.ndarray, ...]

    @cached_property
    def _frame(self) -> pd.DataFrame:
        import pandas as pd

        path, hazard, variant, start, months = self._rows
        names = [one.name for one in self.hazards]
        return pd.DataFrame({
            "hazard": pd.array([names[place] for place in hazard], dtype="str"), "variant": variant,
            "start_month": start, "months": months,
        }, index=pd.Index(path, name="path"))  # fmt: skip

    @property
    def paths(self) -> pd.DataFrame:
        """One row per disruption: index ``path``; ``hazard``, ``variant``, ``start_month`` (0 = first), ``months``."""
        return self._frame.copy(deep=False)

    @property
    def table(self) -> pd.DataFrame:
        """One row per hazard: what it does, its rate and mean length, how often it was drawn."""
        import pandas as pd

        drawn = self._frame["hazard"].value_counts()
        rows = {
            one.name: (one.shocks[0].describe() if len(one.shocks) == 1 else f"{len(one.shocks)} strengths",
                       one.per_year, one.months, one.law, int(drawn.get(one.name, 0)), one.basis)
            for one in self.hazards
        }  # fmt: skip
        columns = ["shock", "per_year", "months", "law", "drawn", "basis"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("hazard")

    def explain(self) -> str:
        """Say what was drawn and what that rests on."""
        return (
            f"{self.n:,} paths of {self.years} years, {len(self.hazards)} hazards, {len(self._frame):,} disruptions "
            f"(seed {self.seed}). Hazards come independently of each other and at constant rates; one that holds does "
            "not begin again. Rates and lengths of built-in restrictions are estimates from a short record (how often "
            "each came since the first one recorded; lengths from those that ended): low confidence. A licence lets a "
            "sixth, half or five sixths of today pass, equally likely: an assumption. Straits are left out by default: "
            "in the bundled networks their closure costs days, not tonnes."
        )

    def __repr__(self) -> str:
        return f"<Outages: {self.n:,} paths of {self.years} years, {len(self.hazards)} hazards, seed {self.seed}>"


def outages(
    net: SupplyNetwork,
    n: int = 1000,
    *,
    seed: int = 0,
    years: int = 5,
    hazards: Iterable[Hazard] | None = None,
    scale: float = 1.0,
) -> Outages:
    """Draw paths of disruptions over some years.

    Parameters
    ----------
    net
        The network; by default the hazards are the built-in export restrictions on its minerals.
    n
        Number of paths, each as likely as the others.
    seed
        The same seed gives the same paths.
    years
        Length of a path.
    hazards
        What can happen instead; see :class:`Hazard`.
    scale
        Multiplies every rate: 2 asks what a world twice as rough would do.

    Returns
    -------
    Outages
        ``.paths`` (which hazard, when, how strong, how long), ``.table`` (the hazards with their rates).

    Raises
    ------
    DataError
        If a number is out of range, there is no hazard, or two have one name; every problem is listed.

    Notes
    -----
    Time to the next beginning is exponential with rate ``per_year``, lengths exponential (or fixed), starts
    rounded down and lengths up to whole months. A built-in restriction is taken to come again as often as it came
    in the record: once in the years from the first recorded start to mid-2026. Its mean length is the
    maximum-likelihood one of its type (ban, quota, licence) with those still in force censored: time in force over
    number ended; a type of which none ended takes that of all. ``O(n years hazards)``.

    Examples
    --------
    >>> import supplygraph as sg
    >>> drawn = outages(sg.load("gallium"), 200, seed=1)
    >>> drawn
    <Outages: 200 paths of 5 years, 2 hazards, seed 1>
    >>> drawn.table["per_year"].round(3).tolist()
    [0.061, 0.061]
    """
    listed = builtin_hazards(net) if hazards is None else tuple(hazards)
    _check(listed, n, years, seed, scale, given=hazards is not None)
    return Outages(listed, int(n), int(years), int(seed), _draw(listed, int(n), int(years), int(seed), float(scale)))


def builtin_hazards(net: SupplyNetwork) -> tuple[Hazard, ...]:
    """Return the built-in export restrictions on the minerals of a network as hazards, by id."""
    minerals = set(net.products["mineral"])
    known = [one for one in scenarios(kind="restriction") if one.shock is not None]
    first = min(one.start for one in known if one.start)
    record = (dt.date.fromisoformat(RECORD_END) - dt.date.fromisoformat(first)).days / _DAYS
    means = {kind: _mean_months(known, kind) for kind in {one.type for one in known}}
    return tuple(
        Hazard(one.id, _strengths(one), 1.0 / record, means[one.type],
               basis=f"came once in the {record:.1f} years of our record; mean length of a {one.type} in it")
        for one in known if minerals & set(one.minerals)
    )  # fmt: skip


def _strengths(item: Scenario) -> tuple[Shock, ...]:
    if item.upper_bound:
        return tuple(item.at(keep=keep) for keep in LICENCE_KEEPS)
    return (item.shock,) if item.shock is not None else ()


def _mean_months(known: list[Scenario], kind: str) -> float:
    """Return time in force over number ended; of all types where none of this one ended."""
    spans = []
    for wanted in (kind, None):
        spans = [_span(one) for one in known if wanted in (None, one.type) and one.start is not None]
        if any(ended for _, ended in spans):
            break
    days = sum(length for length, _ in spans)
    return round(days / _DAYS * 12 / max(sum(ended for _, ended in spans), 1), 1)


def _span(item: Scenario) -> tuple[int, bool]:
    start, last = dt.date.fromisoformat(str(item.start)), dt.date.fromisoformat(RECORD_END)
    end = last if item.end is None else dt.date.fromisoformat(item.end)
    return max((min(end, last) - start).days, 0), end < last and end > start


def _check(listed: tuple[Any, ...], n: object, years: object, seed: object, scale: object, *, given: bool) -> None:
    problems = []
    wholes: tuple[tuple[str, Any, int, int], ...] = (("n", n, 1, 1_000_000), ("years", years, 1, 50))
    for name, value, low, high in wholes:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            problems.append(Problem(name, f"is {value!r}; expected a whole number from {low:,} to {high:,}", ""))
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        problems.append(Problem("seed", f"is {seed!r}; expected a whole number of at least 0", ""))
    if isinstance(scale, bool) or not isinstance(scale, Real) or not 0 < float(scale) < float("inf"):
        problems.append(Problem("scale", f"is {scale!r}; expected a number above 0", "1 leaves all rates as they are."))
    wrong = [one for one in listed if not isinstance(one, Hazard)]
    problems += [Problem("hazards", f"holds {one!r}; expected a Hazard", "") for one in wrong]
    names = [one.name for one in listed if isinstance(one, Hazard)]
    problems += [
        Problem("hazards", f"{name!r} stands there {names.count(name)} times", "Give each a name of its own.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if not listed:
        what = "is empty" if given else "no built-in restriction on the minerals of this network can be expressed"
        problems.append(Problem("hazards", what, "Give hazards=[Hazard(name, shock, per_year=, months=)]."))
    if problems:
        raise DataError("the disruptions cannot be drawn like this", problems)


def _draw(hazards: tuple[Hazard, ...], n: int, years: int, seed: int, scale: float) -> tuple[np.ndarray, ...]:
    """Return path, hazard, variant, start and length of every disruption, in that order."""
    import numpy as np

    last = 12.0 * years
    parts: list[tuple[np.ndarray, ...]] = []
    for number, one in enumerate(hazards):
        rng = np.random.default_rng([seed, number])  # a further hazard leaves the draws of the others alone
        at = rng.exponential(12.0 / (one.per_year * scale), n)
        while True:
            active = np.flatnonzero(at < last)
            if not len(active):
                break
            drawn = rng.exponential(one.months, n) if one.law == "exponential" else np.full(n, float(one.months))
            variant = rng.integers(len(one.shocks), size=n)
            gap = rng.exponential(12.0 / (one.per_year * scale), n)
            start = np.floor(at[active]).astype(np.int64)
            length = np.clip(np.ceil(drawn[active] - 1e-9), 1, _MOST_MONTHS).astype(np.int64)
            parts.append((active, np.full(len(active), number), variant[active], start, length))
            after = np.full(n, np.inf)
            after[active] = start + length + gap[active]
            at = after
    rows = [np.concatenate([part[k] for part in parts] or [np.zeros(0, np.int64)]) for k in range(5)]
    order = np.lexsort((rows[1], rows[3], rows[0]))
    return tuple(row[order] for row in rows)
