"""From the best plan to tables, figures and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.money import YEAR
from supplygraph.response.invest.build import AHEAD, OPEN, SHUT, drawn
from supplygraph.response.invest.sites import extended
from supplygraph.response.invest.telling import explain
from supplygraph.results import Result

if TYPE_CHECKING:
    import geopandas

    from supplygraph.engine.expanded import Floats
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.invest.build import Built
    from supplygraph.response.invest.case import Case
    from supplygraph.response.invest.master import Found, Search
    from supplygraph.response.invest.options import Options

_SHOWN = [
    "name", "mineral", "stage", "country", "status", "role", "funded", "year", "start", "full", "public_usd",
    "capex_usd", "capex_low_usd", "capex_high_usd", "given_usd", "capacity_t", "capacity_end_t", "failure",
    "failure_low", "failure_high",
]  # fmt: skip


class Investment(Result):
    """The answer of :func:`supplygraph.invest`.

    ``table``, by ``project``: ``role`` (candidate, goes ahead, closed to finance), ``funded``, ``year`` (of funding),
    ``start`` (first output), ``full`` (year from which it is full), ``public_usd`` (what the budget pays; on the first
    row of a decision that several share), ``capex_usd`` with bounds, ``capacity_t`` (added when full),
    ``capacity_end_t`` (that stands in the last year if it succeeds), ``failure`` with bounds, ``loss_avoided_alone_t``
    (funded as the only one), ``loss_avoided_last_t`` (funded: more loss without it; not funded: less loss with it on
    top), ``funded_if_cheap`` and ``funded_if_dear`` (in the best plan if all candidates cost what they may at least or
    at most), ``share_of_avoided`` (of the loss that the plan avoids, what goes if this is dropped; shares do not add
    up to one, because projects stand in for each other). With several minerals losses are in dollars (``_usd``).

    ``path``, by ``year``: ``mineral``, ``demand_t``, ``added_t`` (capacity that stands at the last stage, with its
    chance of success), ``loss_before_t``, ``loss_after_t`` (expected), ``served_after_t``, ``hhi_before``,
    ``hhi_after`` (and what they can be at most, ``_high``). ``scenarios``, by ``scenario``.
    ``left_out``, by ``project``, with the reason and the remedy. ``frontier``, by ``point``, where asked for.

    Figures: ``loss_before_t``, ``loss_after_t`` (over the horizon, in tonnes; ``loss_after_low_t``, ``..._high_t``: 5
    and 95 % of draws of success; ``loss_after_cheap_t``, ``..._dear_t``: of the best plans at the bounds of the capital
    cost), ``loss_before``, ``loss_after`` (what is minimised), ``hhi_before``, ``hhi_after``
    (mean over years and minerals), ``cost_usd``, ``cost_present_usd``, ``capex_usd``, ``capex_low_usd``,
    ``capex_high_usd``, ``value`` and ``bound`` of the objective, and the relative ``gap`` between them.
    """

    def network_after(self, year: int | None = None) -> SupplyNetwork:
        """Return the network with the funded projects, and those that go ahead, in it.

        Parameters
        ----------
        year
            With the capacity that stands in this year; by default the last of the horizon.

        Examples
        --------
        >>> import supplygraph as sg
        >>> plan = sg.invest(sg.load("cobalt"), budget=0)
        >>> after = plan.network_after()
        >>> after.processes.loc["PJ-CO-03:cobalt-refined", "capacity_t"].item()
        5120.0
        """
        case, table = self._built.case, self._built.candidates
        years = case.years
        if year is not None and year not in years:
            from supplygraph.errors import DataError, Problem

            told = Problem("year", f"is {year!r}; expected one from {years[0]} to {years[-1]}")
            raise DataError("no such year in the horizon", [told])
        column = years.index(years[-1] if year is None else year)
        amount = case.standing(self._plan, np.ones(len(case.capacity)))[:, column]
        made = case.processes.assign(capacity_t=amount)
        made = made[amount > 0]
        return extended(self._built.given, table[table.index.isin(made["project"])], made)

    def to_geopandas(self) -> geopandas.GeoDataFrame:
        """Return the projects as points (EPSG:4326) with the columns of the table.

        Examples
        --------
        >>> import supplygraph as sg
        >>> places = sg.invest(sg.load("cobalt"), budget=0).to_geopandas()
        >>> places.crs.to_epsg(), places.geometry.geom_type.unique().tolist()
        (4326, ['Point'])
        """
        import geopandas

        table = self.table
        return geopandas.GeoDataFrame(table, geometry=geopandas.points_from_xy(table["lon"], table["lat"]), crs=4326)

    @property
    def drawn_on(self) -> SupplyNetwork:
        """The network with all candidates in it, as large as they would be: what the map shows."""
        built = self._built
        return extended(built.given, built.candidates, built.case.processes)

    if TYPE_CHECKING:
        _built: Built
        _plan: Floats


def make(
    built: Built,
    search: Search,
    found: Found,
    line: list[tuple[float, Found]],
    ends: dict[str, Found | None],
    asked: Options,
) -> Investment:
    """Put the answer together."""
    case, plan = built.case, found.plan
    several = len(case.parts) > 1
    unit = "usd" if several or asked.value is not None else "t"
    before, after = (case.loss_by_year(each) for each in (case.none(), plan))
    table = _table(built, plan, case.expected(before), case.expected(after), unit)
    for end, other in ends.items():
        table[f"funded_if_{end}"] = _chosen(built, other)
    path = _path(case, plan, before, after)
    figures = _figures(built, search, found, (before, after), path, asked)
    for end, other in ends.items():
        figures[f"loss_after_{end}_t"] = float("nan") if other is None else _plain(case, other.plan)
    tables = {
        "path": path, "scenarios": _scenarios(case, before, after), "left_out": built.left_out.rename_axis("project"),
        "frontier": _line(built, search, line),
    }  # fmt: skip
    params = {
        "budget_usd": case.budget, "budget_by_year_usd": _by_year(case), "horizon": (case.years[0], case.years[-1]),
        "objective": asked.objective, "loss_at_most": asked.loss_at_most, "hhi_at_most": asked.hhi_at_most,
        "scenarios": {danger.name: danger.chance for danger in case.dangers},
        "demand": asked.demand if asked.demand is None or isinstance(asked.demand, (str, float, int)) else "given",
        "existing": asked.existing, "for": _whom(asked), "value": {part.mineral: part.value for part in case.parts},
        "share": asked.share, "funder": asked.funder,
        "agreements": None if asked.agreements is None else asked.agreements.as_of, "committed": asked.committed,
        "fill_capex": asked.fill_capex, "failures": asked.failures, "draws": asked.draws, "seed": asked.seed,
        "by": asked.by, "ramp": asked.ramp, "discount": asked.discount, "price_year": YEAR, "unit": unit,
        "frontier": asked.frontier,
    }  # fmt: skip
    references = set(built.given.references.index) | set(built.candidates["reference"].dropna().astype(str))
    made = Investment(
        title=f"Where to build, {case.years[0]} to {case.years[-1]}", table=table, params=params, network=built.given,
        explanation=explain(built, table, figures, params), tables=tables, figures=figures, references=references,
    )  # fmt: skip
    made.__dict__.update(_built=built, _plan=plan)
    return made


def _chosen(built: Built, found: Found | None) -> pd.Series:
    """Tell which projects another plan funds; missing without a plan."""
    table = built.candidates
    if found is None:
        return pd.Series(pd.NA, index=table.index, dtype="boolean")
    names = [name for name, row in zip(built.case.groups, found.plan, strict=True) if row.any()]
    return (table["decision"].isin(names) & (table["role"] == OPEN)).astype("boolean")


def _plain(case: Case, plan: Floats) -> float:
    """Return the expected loss in tonnes, all minerals alike."""
    chance = [danger.chance for danger in case.dangers]
    return float(np.einsum("msy,s->", case.loss_by_year(plan), chance))


def _by_year(case: Case) -> dict[int, float] | None:
    if not np.isfinite(case.yearly).any():
        return None
    return {year: float(amount) for year, amount in zip(case.years, case.yearly, strict=True)}


def _whom(asked: Options) -> str:
    if asked.for_ is None:
        return "world"
    if isinstance(asked.for_, str):
        return asked.for_
    if isinstance(asked.for_, tuple) and len(asked.for_) == 2 and not isinstance(asked.for_[0], str):
        return f"tier {asked.for_[1]} or better on {asked.for_[0].as_of}"
    return ", ".join(sorted(asked.for_))


def _table(built: Built, plan: Floats, before: float, after: float, unit: str) -> pd.DataFrame:
    case, table = built.case, built.candidates.copy()
    place = {name: number for number, name in enumerate(case.groups)}
    number = table["decision"].map(place).where(table["role"] == OPEN)
    table.loc[(table["role"] == OPEN) & number.isna(), "role"] = SHUT
    years = np.array(case.years)
    when = pd.Series({
        name: years[int(np.argmax(plan[d]))] for name, d in place.items() if plan[d].any()
    }, dtype=float)  # fmt: skip
    table["year"] = table["decision"].map(when).where(number.notna())
    table["funded"] = table["year"].notna()
    first = table["start_earliest"]
    start = pd.concat([table["year"] + table["build_years"], first], axis=1).max(axis=1).where(table["funded"])
    ahead = table["role"] == AHEAD
    table["start"] = start.where(~ahead, first.fillna(case.years[0] + table["build_years"]))
    table["full"] = table["start"] + table["ramp_years"]
    public = table["decision"].map(pd.Series(case.public, index=case.groups))
    alone = ~table["decision"].duplicated()
    table["public_usd"] = public.where(number.notna() & alone)
    amount = case.standing(plan, np.ones(len(case.capacity)))[:, -1]
    last = case.processes.assign(amount=amount).groupby("project")["amount"].last()
    table["capacity_end_t"] = table.index.to_series().map(last).fillna(0.0)
    for name in ("year", "start", "full"):
        table[name] = table[name].astype("Int64")
    alones, lasts = _marginals(case, plan, before, after)
    table[f"loss_avoided_alone_{unit}"] = number.map(dict(enumerate(alones)))
    table[f"loss_avoided_last_{unit}"] = number.map(dict(enumerate(lasts)))
    gained = before - after
    share = table[f"loss_avoided_last_{unit}"] / gained if gained > 0 else np.nan
    table["share_of_avoided"] = pd.Series(share, index=table.index).where(table["funded"])
    extra = [f"loss_avoided_alone_{unit}", f"loss_avoided_last_{unit}", "share_of_avoided"]
    return table[
        [*_SHOWN, *extra, "lon", "lat", "operator", "owner_countries", "opened_by", "basis", "reference", "confidence"]
    ]


def _marginals(case: Case, plan: Floats, before: float, after: float) -> tuple[list[float], list[float]]:
    """Return per decision the loss avoided by it alone, and as the last one."""
    alone, last = [], []
    for d in range(len(case.groups)):
        when = int(np.argmax(plan[d])) if plan[d].any() else int(np.argmax(case.allowed[d]))
        if not case.allowed[d].any():
            alone.append(0.0)
            last.append(0.0)
            continue
        single, other = case.none(), plan.copy()
        single[d, when] = 1.0
        other[d] = 0.0
        alone.append(max(before - case.loss(single), 0.0))
        if plan[d].any():
            last.append(max(case.loss(other) - after, 0.0))
        else:
            other[d, when] = 1.0
            last.append(max(after - case.loss(other), 0.0))
    return alone, last


def _path(case: Case, plan: Floats, before: Floats, after: Floats) -> pd.DataFrame:
    chance = np.array([danger.chance for danger in case.dangers])
    old, new = case.index_by_year(case.none()), case.index_by_year(plan)
    luck = case.luck.mean(axis=1)
    stands = case.standing(plan, luck)
    final = ~case.processes["project"].duplicated(keep="last").to_numpy()
    frames = []
    for m, part in enumerate(case.parts):
        mine = part.rows[final[part.rows]]
        rest = [
            (np.nan, np.nan) if part.shares is None else tuple(
                part.shares.unknown_at(case.standing(each, luck)[part.rows, y], part.growth[y]) ** 2
                for each in (case.none(), plan)
            )
            for y in range(len(case.years))
        ]  # fmt: skip
        frames.append(pd.DataFrame({
            "year": case.years, "mineral": part.mineral, "demand_t": part.demand_t * part.growth,
            "added_t": stands[mine].sum(axis=0), "loss_before_t": chance @ before[m], "loss_after_t": chance @ after[m],
            "hhi_before": old[m], "hhi_after": new[m], "hhi_before_high": old[m] + [pair[0] for pair in rest],
            "hhi_after_high": new[m] + [pair[1] for pair in rest],
        }))  # fmt: skip
    table = pd.concat(frames, ignore_index=True)
    table["served_after_t"] = table["demand_t"] - table["loss_after_t"]
    return table.set_index("year")


def _scenarios(case: Case, before: Floats, after: Floats) -> pd.DataFrame:
    rows = [
        (danger.name, danger.chance, *(each[:, s].sum() for each in (before, after, before[..., -1:], after[..., -1:])))
        for s, danger in enumerate(case.dangers)
    ]  # fmt: skip
    columns = [
        "scenario",
        "chance",
        "if_every_year_before_t",
        "if_every_year_after_t",
        "last_year_before_t",
        "last_year_after_t",
    ]
    return pd.DataFrame(rows, columns=columns).set_index("scenario")


def _line(built: Built, search: Search, line: list[tuple[float, Found]]) -> pd.DataFrame:
    case = built.case
    rows = [
        (
            level, search.value("loss", found.plan), _index(case, found.plan), case.cost(found.plan),
            case.money(found.plan), found.bound, int(found.plan.sum()),
            ";".join(name for name, row in zip(case.groups, found.plan, strict=True) if row.any()),
        )
        for level, found in line
    ]  # fmt: skip
    columns = ["level", "loss", "hhi", "cost_present_usd", "cost_usd", "bound", "funded", "projects"]
    return pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(1, len(rows) + 1, name="point"))


def _index(case: Case, plan: Floats) -> float:
    return case.index(plan) if any(part.shares is not None for part in case.parts) else float("nan")


def _figures(
    built: Built, search: Search, found: Found, losses: tuple[Floats, Floats], path: pd.DataFrame, asked: Options
) -> dict[str, Any]:
    case, plan = built.case, found.plan
    before, after = losses
    low, high = _spread(built, plan, asked)
    chosen = built.candidates["decision"].isin([g for g, row in zip(case.groups, plan, strict=True) if row.any()])
    funded = built.candidates[chosen & (built.candidates["role"] == OPEN)].groupby("decision")
    value, bound = found.value, found.bound
    figures = {
        "loss_before_t": float(path["loss_before_t"].sum()), "loss_after_t": float(path["loss_after_t"].sum()),
        "loss_after_low_t": low, "loss_after_high_t": high, "loss_before": case.expected(before),
        "loss_after": case.expected(after), "hhi_before": _index(case, case.none()), "hhi_after": _index(case, plan),
        "cost_usd": case.money(plan), "cost_present_usd": case.cost(plan),
        **{name: float(funded[name].max().sum()) for name in ("capex_usd", "capex_low_usd", "capex_high_usd")},
        "value": value, "bound": bound, "gap": _gap(value, bound),
        "funded": int(plan.sum()), "optimal": found.optimal,
    }  # fmt: skip
    _ = search
    return figures


def _gap(value: float, bound: float) -> float:
    """Return how much better a plan could be at most, relative to the best; rounding is none."""
    gap = max(value - bound, 0.0) / abs(value) if value else 0.0
    return gap if gap > 1e-12 else 0.0


def _spread(built: Built, plan: Floats, asked: Options) -> tuple[float, float]:
    """Return 5 and 95 % of the loss over the horizon, in tonnes, over draws of success."""
    case, table = built.case, built.candidates
    if not len(case.processes):
        return (_plain(case, plan),) * 2
    names = case.processes["project"].map(table["decision"])
    fails = table["failure"].groupby(table["decision"]).max()
    luck = drawn(names, fails, asked.draws, asked.seed)
    chance = np.array([danger.chance for danger in case.dangers])
    totals = []
    known: dict[bytes, float] = {}
    on = case.standing(plan, np.ones(len(case.capacity))).sum(axis=1) > 0
    for draw in (luck * on[:, None]).T:
        key = draw.tobytes()
        if key not in known:
            known[key] = float(np.einsum("msy,s->", case.loss_by_year(plan, draw[:, None]), chance))
        totals.append(known[key])
    return float(np.quantile(totals, 0.05)), float(np.quantile(totals, 0.95))
