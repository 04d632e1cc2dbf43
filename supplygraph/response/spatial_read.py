"""Reading the plain tables of a spatial equilibrium: every fault is told at once, nothing is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_CURVES = ("intercept", "slope")
#: Names shown in one message.
_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Tables:
    """What was given, as arrays: ``origins`` ship (suppliers first), ``demand`` buys.

    Attributes
    ----------
    supply, demand, origins
        Names. ``origins`` are the suppliers, then (with transshipment) the other markets that goods pass.
    supply_curve, demand_curve
        Intercept and slope, two columns.
    supply_cross, demand_cross
        Slopes added to the own ones, or None.
    cost, tariff, rate, cost_slope
        Origins by demand.
    floor
        By demand market, ``-inf`` = none.
    member, home
        Whether an origin, a demand market, is in the zone.
    """

    supply: pd.Index
    demand: pd.Index
    origins: pd.Index
    supply_curve: Floats
    demand_curve: Floats
    supply_cross: Floats | None
    demand_cross: Floats | None
    cost: Floats
    tariff: Floats
    rate: Floats
    cost_slope: Floats
    floor: Floats
    member: Bools
    home: Bools

    @property
    def floors(self) -> dict[str, float]:
        """The reference prices by market."""
        held = np.isfinite(self.floor)
        return dict(zip(self.demand[held].tolist(), self.floor[held].tolist(), strict=True))


def read(
    supply: pd.DataFrame, demand: pd.DataFrame, cost: pd.DataFrame, tariff: pd.DataFrame | None, floor: Any, *,
    ad_valorem: pd.DataFrame | None, zone: Iterable[str] | None, supply_cross: pd.DataFrame | None,
    demand_cross: pd.DataFrame | None, cost_slope: pd.DataFrame | None, transshipment: bool,
) -> Tables:
    """Read and check all tables.

    Raises
    ------
    DataError
        With every problem.
    """
    problems: list[Problem] = []
    sellers, offer = _curves("supply", supply, problems)
    buyers, wish = _curves("demand", demand, problems)
    passing = [name for name in buyers if name not in set(sellers)] if transshipment else []
    origins = pd.Index([*sellers, *passing], name="from")
    grid = _Grid(origins, pd.Index(buyers, name="to"), problems)
    ways = grid.read("cost", cost, limit=None, endless=True)
    duty = grid.read("tariff", tariff, limit="a tariff lifts a price")
    rate = grid.read("ad_valorem", ad_valorem, limit="a share of the landed price, 0.25 for 25 %")
    slope = grid.read("cost_slope", cost_slope, limit="a way does not get cheaper with use")
    cross = [
        _Grid(pd.Index(names), pd.Index(names), problems).read(name, given, limit=None) if given is not None else None
        for name, given, names in (("supply_cross", supply_cross, sellers), ("demand_cross", demand_cross, buyers))
    ]
    for name, table, own in (("supply_cross", cross[0], offer), ("demand_cross", cross[1], wish)):
        if table is not None and (np.diag(table) + own[:, 1] < 0).any():
            problems.append(Problem(name, "makes an own slope negative", "Own slope plus diagonal must be at least 0."))
    levels, members = _floors(floor, zone, sellers, buyers, problems)
    if problems:
        raise DataError("the spatial equilibrium cannot be solved", problems)
    inside = np.array([name in members for name in origins], dtype=np.bool_)
    home = np.array([name in members for name in buyers], dtype=np.bool_)
    return Tables(
        pd.Index(sellers, name="market"), pd.Index(buyers, name="market"), origins, offer, wish, cross[0], cross[1],
        ways, duty, rate, slope, levels, inside, home,
    )  # fmt: skip


def _curves(where: str, given: Any, problems: list[Problem]) -> tuple[list[str], Floats]:
    """Return markets and their intercepts and slopes."""
    nothing: tuple[list[str], Floats] = ([], np.zeros((0, 2)))
    if not isinstance(given, pd.DataFrame):
        what = f"is {type(given).__name__}; expected a DataFrame with market, intercept, slope"
        problems.append(Problem(where, what))
        return nothing
    frame = given.set_index("market") if "market" in given.columns else given
    missing = [column for column in _CURVES if column not in frame.columns]
    if missing:
        known = ", ".join(str(column) for column in given.columns)
        what = f"lacks column {', '.join(missing)}; has {known or 'none'}"
        problems.append(Problem(where, what, "Expected market (column or index), intercept, slope."))
        return nothing
    if frame.empty:
        problems.append(Problem(where, "has no rows", "Give at least one market."))
        return nothing
    names = [str(name) if not _absent(name) else "" for name in frame.index]
    if "" in names:
        problems.append(Problem(f"{where} row {names.index('') + 1}", "has no market", "Name it."))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        remedy = "Add up what is sold at one market into one curve."
        problems.append(Problem(where, f"has {_some(twice)} more than once", remedy))
    values = np.column_stack([_numbers(where, frame[column], names, column, problems) for column in _CURVES])
    for name, value in zip(names, values[:, 1], strict=True):
        if value < 0:
            remedy = "Slopes are how much the price rises (supply) or falls (demand) per unit: give them as positive."
            problems.append(Problem(f"{where} market {name}, column `slope`", f"is {value:g}; expected >= 0", remedy))
    return names, values


def _numbers(where: str, column: pd.Series, names: list[str], label: str, problems: list[Problem]) -> Floats:
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if column.dtype == bool:
        values = np.full(len(column), np.nan)
    for name, value, given in zip(names, values, column, strict=True):
        if not np.isfinite(value):
            what = f"is {_told(given)}; expected a number"
            place = f"{where} market {name}, column `{label}`"
            problems.append(Problem(place, what, "Leave the market out if unknown."))
    return values


class _Grid:
    """Frames from row to column, brought to the same rows and columns."""

    def __init__(self, rows: pd.Index, columns: pd.Index, problems: list[Problem]) -> None:
        self.rows, self.columns, self.problems = rows, columns, problems
        self.known = {*rows, *columns}

    def read(self, where: str, given: Any, *, limit: str | None, endless: bool = False) -> Floats:
        """Return a frame as an array; zeros where it is None. ``limit`` says why nothing may be negative."""
        shape = (len(self.rows), len(self.columns))
        if given is None:
            return np.zeros(shape)
        if not isinstance(given, pd.DataFrame):
            what = f"is {type(given).__name__}; expected a DataFrame, from row to column"
            self.problems.append(Problem(where, what))
            return np.zeros(shape)
        frame = given.set_axis([str(name) for name in given.index]).set_axis([str(c) for c in given.columns], axis=1)
        sound = True
        for axis, wanted, has in (("row", self.rows, frame.index), ("column", self.columns, frame.columns)):
            there = set(has)
            lacks = [name for name in wanted if name not in there]
            strange = [name for name in has if name not in self.known]
            twice = sorted(set(has[has.duplicated()]))
            for names, what, remedy in (
                (lacks, f"lacks {axis} {_some(lacks)}", "Write inf where there is no way." if endless else "Write 0."),
                (strange, f"has {axis} {_some(strange)}, which is no market here", "Correct the name or drop it."),
                (twice, f"has {axis} {_some(twice)} more than once", "Keep one."),
            ):
                if names:
                    self.problems.append(Problem(where, what, remedy))
                    sound = False
        if not sound:
            return np.zeros(shape)
        chosen = frame.loc[list(self.rows), list(self.columns)]
        return self._checked(where, chosen, limit, endless=endless)

    def _checked(self, where: str, chosen: pd.DataFrame, limit: str | None, *, endless: bool) -> Floats:
        plain = all(kind.kind in "fiu" for kind in chosen.dtypes if isinstance(kind, np.dtype))
        if plain and all(isinstance(kind, np.dtype) for kind in chosen.dtypes):
            values = chosen.to_numpy(dtype=np.float64)
        else:
            values = np.column_stack([
                pd.to_numeric(chosen.iloc[:, place], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
                for place in range(chosen.shape[1])
            ])  # fmt: skip
        missing = np.isnan(values) | (values == -np.inf) | (np.isinf(values) & (not endless))
        below = (values < 0) & ~missing & (limit is not None)
        for bad, expected, remedy in (
            (missing, "a number" + (" or inf (no way)" if endless else ""), "Nothing is filled in."),
            (below, "at least 0", f"Check it: {limit}."),
        ):
            for row, column in np.argwhere(bad)[:_SHOWN]:
                place = f"{where} from {self.rows[row]} to {self.columns[column]}"
                what = f"is {_told(chosen.iloc[row, column])}; expected {expected}"
                more = int(bad.sum()) - _SHOWN
                tail = f" {more} more such entries." if more > 0 and (row, column) == tuple(np.argwhere(bad)[0]) else ""
                self.problems.append(Problem(place, what, remedy + tail))
        return np.where(missing, 0.0, values)


def _floors(
    floor: Any, zone: Iterable[str] | None, sellers: list[str], buyers: list[str], problems: list[Problem]
) -> tuple[Floats, set[str]]:
    """Return the reference price by demand market, and the members of the zone."""
    levels = np.full(len(buyers), -np.inf)
    if floor is None:
        if zone is not None:
            problems.append(Problem("zone", "is given without a floor", "Give `floor`, a reference price by market."))
        return levels, set()
    items = _prices(floor, zone, buyers)
    if items is None:
        what = f"is {floor!r}; expected a Series, a mapping or a frame, market to reference price"
        remedy = "Write floor={'DEU': 30.0}: the markets named are the zone; or one price with zone=['DEU', 'FRA']."
        problems.append(Problem("floor", what, remedy))
        return levels, set()
    if not items:
        problems.append(Problem("floor", "names no market, so the zone is empty", "Name one, or leave floor out."))
    known, place = {*sellers, *buyers}, {name: at for at, name in enumerate(buyers)}
    for name, value in items:
        number = pd.to_numeric(pd.Series([value]), errors="coerce").iloc[0]
        if name not in known:
            problems.append(Problem(f"floor of {name}", "is no market here", f"Known: {_some(sorted(known))}."))
        elif name not in place:
            remedy = "A reference price holds where goods are sold; name further members in `zone`."
            problems.append(Problem(f"floor of {name}", "has no demand", remedy))
        elif isinstance(value, bool) or not np.isfinite(number):
            problems.append(Problem(f"floor of {name}", f"is {value!r}; expected a price", "It has no default."))
        elif number < 0:
            problems.append(Problem(f"floor of {name}", f"is {number:g}; expected at least 0"))
        else:
            levels[place[name]] = number
    further = [str(name) for name in zone or ()]
    strange = [name for name in further if name not in known]
    if strange:
        problems.append(Problem("zone", f"names {_some(strange)}, which is no market here"))
    return levels, {*(name for name, _ in items), *further}


def _prices(floor: Any, zone: Iterable[str] | None, buyers: list[str]) -> list[tuple[str, Any]] | None:
    """Return the reference prices by market, however they were given; none where they cannot be read."""
    if isinstance(floor, pd.DataFrame):  # market (column or index) and one column of prices
        frame = floor.set_index("market") if "market" in floor.columns else floor
        floor = frame.iloc[:, 0] if frame.shape[1] == 1 else None
    if isinstance(floor, Mapping | pd.Series):
        return [(str(name), value) for name, value in floor.items()]
    if type(floor) is not bool and isinstance(floor, Real) and zone is not None:
        return [(str(name), floor) for name in zone if str(name) in buyers]
    return None


def _told(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _absent(name: object) -> bool:
    return name is None or (isinstance(name, float) and np.isnan(name)) or not str(name).strip()


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown + (f", … ({len(names)} in all)" if len(names) > _SHOWN else "")
