"""Import reliance: how much of what a country uses comes from abroad, in the two definitions in use.

USGS, *net import reliance*: (imports - exports + decrease of stocks) / apparent consumption, with apparent consumption
= production + imports - exports + decrease of stocks (Mineral Commodity Summaries, appendix on terms). EU, *import
reliance*: (imports - exports) / (domestic production + imports - exports) (European Commission 2017). They differ in
the stocks, so they have names of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import governance, quantities, spread, stages
from supplygraph.measures.concentration import production as production_of
from supplygraph.results import Result
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

    Tonnes = float | pd.Series | Mapping[str, float]

_USGS, _EU = "net_import_reliance", "import_reliance_eu"
_FLOWS = ("production_t", "imports_t", "exports_t", "stock_decrease_t")
#: The row of plain numbers.
_GIVEN = "given"


class ImportRelianceResult(Result):
    """Import reliance by country.

    ``table`` is indexed by country: ``production_t``, ``imports_t``, ``exports_t``, ``stock_decrease_t`` (USGS only),
    ``apparent_consumption_t``, the reliance under its own name (a fraction) and ``net_exporter``. Asked for one
    country, the same numbers are figures. A net exporter has a negative reliance; the USGS prints "E" instead.
    """


@dataclass(frozen=True)
class Trade:
    """What a stage makes, and who ships it to whom, by country or bloc; an empty name is an unknown one."""

    production: pd.Series
    flows: pd.DataFrame
    stock_decrease: pd.Series

    def of(self, country: str) -> pd.DataFrame:
        """Return what crosses the border into a country: columns ``source``, ``target``, ``flow_t``."""
        flows = self.flows
        return flows[(flows["target"] == country) & (flows["source"] != country)]


def trade(network: SupplyNetwork, stage: str, blocs: Blocs | None = None) -> Trade:
    """Return production, shipments and stock changes of what a stage makes, by country.

    A shipment goes from where it was made (or traded on) to where it is processed, used or stored; a bloc is one
    country.

    Raises
    ------
    DataError
        If nothing of the stage is shipped: final use ships nothing.
    """
    inside = stages.in_stage(network, stage).to_numpy(dtype=bool)
    processes, shipments = network.processes, network.shipments
    products = set(processes["output"][inside].dropna())
    moved = shipments[shipments["product"].isin(products)]
    if moved.empty:
        problem = Problem("shipments", f"nothing that the stage {stage!r} makes is shipped.", "Ask for another stage.")
        raise DataError("no trade to measure", [problem])
    country = network.nodes["country"].reindex(processes["node"]).to_numpy()
    if blocs is not None:
        bloc = stages.bloc_of(sorted(set(country[pd.notna(country)])), blocs)
        country = np.array([bloc.get(code) for code in country], dtype=object)
    where = pd.Series(np.where(pd.isna(country), "", country), index=processes.index)
    ends = {"source": moved["origin"].map(where), "target": moved["destination"].map(where)}
    flows = pd.DataFrame({**ends, "flow_t": moved["flow_t"]}).groupby(["source", "target"], as_index=False).sum()
    freed, kept = processes["output"].isin(products), processes["input"].isin(products)
    stock = (processes["role"] == "stock") & (freed | kept)
    activity = production_of(network, stock | inside)  # refuses unknown ones
    made = activity[inside[(stock | inside).to_numpy(dtype=bool)]]
    change = (freed.astype(float) - kept)[stock] * activity.reindex(stock.index[stock])
    return Trade(made.groupby(where).sum(), flows, change.groupby(where).sum())


def net_import_reliance(
    what: SupplyNetwork | Ensemble | None = None,
    *,
    production: Tonnes | None = None,
    imports: Tonnes | None = None,
    exports: Tonnes | None = None,
    stock_decrease: Tonnes = 0.0,
    of: str | None = None,
    stage: str = "refining",
    blocs: Blocs | None = None,
) -> ImportRelianceResult:
    """Measure net import reliance as the USGS defines it.

    Parameters
    ----------
    what
        A network with one mineral in the stage, or an ensemble of it. Left out, the published numbers count.
    production, imports, exports, stock_decrease
        Tonnes: numbers, or by ISO alpha-3 code. Production includes recycled supply where consumption does, as in most
        chapters of the USGS. The decrease of stocks is none unless given. A missing number (``None``, NaN) makes the
        reliance missing.
    of
        The country (or bloc) whose reliance is wanted as a figure.
    stage
        On a network: whose products are traded. Production is what the sites of the stage in the country make, imports
        and exports are shipments that cross its border.
    blocs
        On a network: the bloc of each country, each one country then: ``{"DEU": "EU", "FRA": "EU", ...}``.

    Returns
    -------
    ImportRelianceResult
        Table by country with ``production_t``, ``imports_t``, ``exports_t``, ``stock_decrease_t``,
        ``apparent_consumption_t``, ``net_import_reliance`` (a fraction) and ``net_exporter``; table ``missing``.

    Raises
    ------
    DataError
        If the numbers cannot be right, or the stage ships nothing.
    UnknownNameError
        If there is no such stage or country.

    Examples
    --------
    US refined copper in 2022, thousand tonnes (USGS Mineral Commodity Summaries 2026): 41 % as published.

    >>> told = net_import_reliance(production=917 + 152, imports=732, exports=27, stock_decrease=117 - 84)
    >>> round(told.net_import_reliance, 3), round(told.apparent_consumption_t)
    (0.408, 1807)

    Notes
    -----
    Linear in the shipments.
    """
    given = {"production_t": production, "imports_t": imports, "exports_t": exports, "stock_decrease_t": stock_decrease}
    return _reliance(what, _USGS, given, of=of, stage=stage, blocs=blocs)


def import_reliance_eu(
    what: SupplyNetwork | Ensemble | None = None,
    *,
    production: Tonnes | None = None,
    imports: Tonnes | None = None,
    exports: Tonnes | None = None,
    of: str | None = None,
    stage: str = "refining",
    blocs: Blocs | None = None,
) -> ImportRelianceResult:
    """Measure import reliance as the EU defines it: net imports over domestic production plus net imports.

    Parameters
    ----------
    what
        A network with one mineral in the stage, or an ensemble of it. Left out, the published numbers count.
    production, imports, exports
        Tonnes: numbers, or by ISO alpha-3 code. A missing number makes the reliance missing.
    of, stage, blocs
        As in :func:`net_import_reliance`; ``blocs`` makes the EU one country, as the definition has it.

    Returns
    -------
    ImportRelianceResult
        Table by country with ``production_t``, ``imports_t``, ``exports_t``, ``apparent_consumption_t``,
        ``import_reliance_eu`` (a fraction) and ``net_exporter``; table ``missing``.

    Raises
    ------
    DataError
        If the numbers cannot be right, or the stage ships nothing.
    UnknownNameError
        If there is no such stage or country.

    Examples
    --------
    >>> told = import_reliance_eu(production=20.0, imports=90.0, exports=10.0)
    >>> told.import_reliance_eu, told.net_exporter
    (0.8, False)

    Notes
    -----
    Linear in the shipments.
    """
    given = {"production_t": production, "imports_t": imports, "exports_t": exports}
    return _reliance(what, _EU, given, of=of, stage=stage, blocs=blocs)


_MEASURES: dict[str, Callable[..., ImportRelianceResult]] = {_USGS: net_import_reliance, _EU: import_reliance_eu}
_TITLES = {_USGS: "Net import reliance (USGS)", _EU: "Import reliance (EU)"}


def _reliance(
    what: SupplyNetwork | Ensemble | None, name: str, given: Mapping[str, Tonnes | None], *, of: str | None, stage: str,
    blocs: Blocs | None,
) -> ImportRelianceResult:  # fmt: skip
    columns = [column for column in _FLOWS if column in given]
    if isinstance(what, Ensemble):
        varying = (*columns, "apparent_consumption_t", name)
        asked = spread.Spread(columns=varying, figures=() if of is None else varying)
        return spread.over(what, _MEASURES[name], asked, of=of, stage=stage, blocs=blocs)
    if what is None:
        table = _plain(given)
        where = "" if len(table) > 1 else str(table.index[0])
        params: dict[str, Any] = {}
        title = _TITLES[name]
    else:
        _nothing_given(given)
        moved = trade(what, stage, blocs)
        table = _of_trade(moved)[columns]
        where, params = "", {"stage": stage}
        title = f"{_TITLES[name]} of {', '.join(sorted(set(what.processes['mineral']))).replace('_', ' ')}, {stage}"
    if of is not None and of not in table.index:
        raise UnknownNameError.of("country in the table", of, table.index)
    return _answer(table, name, title, {**params, "of": of}, of or where, what)


def _nothing_given(given: Mapping[str, Tonnes | None]) -> None:
    """Refuse numbers beside a network."""
    problems = [
        Problem(column.removesuffix("_t"), "given beside a network, which has its own.", "Give one of the two.")
        for column, value in given.items()
        if value is not None and not (isinstance(value, float) and value == 0.0)
    ]
    if problems:
        raise DataError("two sources of the same numbers", problems)


def _of_trade(moved: Trade) -> pd.DataFrame:
    """Return production, trade and stock changes of every country known."""
    abroad = moved.flows[moved.flows["source"] != moved.flows["target"]]
    parts = {
        "production_t": moved.production,
        "imports_t": abroad.groupby("target")["flow_t"].sum(),
        "exports_t": abroad.groupby("source")["flow_t"].sum(),
        "stock_decrease_t": moved.stock_decrease,
    }
    known = sorted({*moved.production.index, *moved.flows["source"], *moved.flows["target"]} - {""})
    table = pd.DataFrame({name: part.reindex(known).fillna(0.0) for name, part in parts.items()}, index=known)
    return table.rename_axis("country")


def _plain(given: Mapping[str, Tonnes | None]) -> pd.DataFrame:
    """Check plain numbers and lay them out by country; what is not given is missing."""
    by_country = {name: dict(value.items()) for name, value in given.items() if isinstance(value, (pd.Series, Mapping))}
    problems: list[Problem] = []
    for name in by_country:
        problems += _bad_keys(given[name], name.removesuffix("_t"))
    rows = sorted({str(key) for column in by_country.values() for key in column}) or [_GIVEN]
    table = pd.DataFrame(index=pd.Index(rows, name="country"))
    for name, value in given.items():
        column = by_country.get(name, dict.fromkeys(rows, value))
        table[name] = [_quantity(column.get(row), name, row, problems) for row in rows]
    if problems:
        raise DataError("these tonnes cannot be right", problems)
    return table


def _bad_keys(column: Any, label: str) -> list[Problem]:
    """Return what is wrong with the keys of a column by country."""
    problems: list[Problem] = []
    seen = set()
    for key in list(column.keys()):
        where = f"{label}[{key!r}]"
        if quantities.is_total(key):
            problems.append(Problem(where, "a total among the countries counts twice.", "Leave it out."))
        elif key not in quantities.country_names():
            problems.append(Problem(where, quantities.unknown_country(key), "Use ISO 3166-1 alpha-3 codes."))
        elif key in seen:
            problems.append(Problem(where, "it stands twice.", "Add the two up."))
        seen.add(key)
    return problems


def _quantity(value: object, name: str, row: str, problems: list[Problem]) -> float:
    """Return one number; ``None`` and NaN are missing."""
    found = math.nan if value is None else quantities.number(value)
    where = name.removesuffix("_t") if row == _GIVEN else f"{name.removesuffix('_t')}[{row!r}]"
    if found is None or math.isinf(found) or (found < 0 and name != "stock_decrease_t"):
        problems.append(Problem(where, f"{value!r} is no quantity.", "Give tonnes, zero or more."))
        return math.nan
    return found


def _answer(
    table: pd.DataFrame, name: str, title: str, params: dict[str, Any], where: str, network: SupplyNetwork | None
) -> ImportRelianceResult:
    net = table["imports_t"] - table["exports_t"] + (table["stock_decrease_t"] if name == _USGS else 0.0)
    consumed = table["production_t"] + net
    table = table.assign(apparent_consumption_t=consumed)
    # What rounding leaves of nothing is nothing.
    table[name] = (net / consumed).where(consumed > 1e-9 * (table["production_t"] + table["imports_t"]))
    table["net_exporter"] = net < 0
    missing = [
        (name, str(country), _why(table.loc[country])) for country in table.index[table[name].isna()]
    ]
    figures: dict[str, Any] = {}
    if where:
        row = table.loc[where].to_dict()
        figures = {str(key): bool(value) if key == "net_exporter" else float(value) for key, value in row.items()}
    return ImportRelianceResult(
        title=title,
        table=table,
        params=params,
        network=network,
        figures=figures,
        tables={"missing": governance.missing_table(missing)},
        explanation=_words(title, table, name, where, missing),
    )


def _why(row: pd.Series) -> str:
    lacking = [column.removesuffix("_t").replace("_", " ") for column in _FLOWS if pd.isna(row.get(column, 0.0))]
    return f"{', '.join(lacking)} not known" if lacking else "no apparent consumption"


def _words(
    title: str, table: pd.DataFrame, name: str, where: str, missing: list[tuple[str, str, str]]
) -> str:
    known = table[table[name].notna()]
    known = known[known.index == where] if where else known.nlargest(3, "imports_t")
    names = quantities.country_names()
    words = [f"{title}:"]
    for country, row in known.iterrows():
        called = "" if country == _GIVEN else f"{names.get(str(country), str(country))} "
        tail = " (a net exporter)" if row["net_exporter"] else ""
        words.append(f"{called}{row[name]:.0%} of {row['apparent_consumption_t']:,.0f} t{tail};")
    told = [f"{item}: {reason}" for _, item, reason in missing if not where or item == where]
    if told:
        words.append(f"missing for {'; '.join(told[:5])}{' and others' if len(told) > 5 else ''};")
    return " ".join(words).rstrip(";:") + "."
