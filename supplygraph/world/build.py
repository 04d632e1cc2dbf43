"""From facts to a network: sites, closed books, routes and estimated shipments.

`build` is public, for users' own lists; `build_bundled` makes the networks that are shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.network import formats
from supplygraph.network.network import SupplyNetwork
from supplygraph.network.schema import COUNTRIES, EDGES, NODES, PROCESSES, REFERENCES
from supplygraph.world import books as ledger
from supplygraph.world import chains, shipping, sites, trade
from supplygraph.world.ensemble import ensemble
from supplygraph.world.tallies import STATISTICS, Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.world.chains import Chain
    from supplygraph.world.shipping import Lane
    from supplygraph.world.tallies import Books

#: Draws behind the bounds of shipments and activities.
DRAWS = 200
#: Columns that a user's tables must have.
NEEDS = {
    "facilities": ("facility", "name", "kind", "mineral", "stage", "country", "lon", "lat", "capacity_t", "status",
                   "reference"),
    "production": ("mineral", "stage", "country", "year", "series", "quantity_t", "reference"),
    "demand": ("mineral", "product", "country", "year", "row_set", "quantity_t", "reference"),
    "owners": ("facility", "owner", "share", "reference"),
    "links": ("supplier", "customer", "type", "reference"),
    "ties": ("supplier", "customer", "type", "reference"),
}  # fmt: skip
_OPTIONAL = {
    "facilities": ("product", "operator", "year", "makes", "accepts", "confidence"),
    "production": ("confidence",),
    "demand": ("confidence",),
    "links": ("quantity_t", "unit", "start", "end", "status"),
    "ties": ("quantity_t", "unit", "start", "end", "status"),
}
_MISSING_MEANS = {"status": "current", "confidence": "low"}


@dataclass(frozen=True)
class Built:
    """A network, and what its making has to say.

    Attributes
    ----------
    network
        The network; ``meta`` holds minerals, base year and notes.
    corrections
        What had to give: mineral, stage, country, what, before_t, after_t, factor, reason.
    stages
        One row per stage: statistic against network.
    fit
        How the shipments agree with customs records, by product.
    report
        What each link, tie and customs record did to the estimate.
    lanes
        What each product's estimate was made of.
    """

    network: SupplyNetwork
    corrections: pd.DataFrame
    stages: pd.DataFrame
    fit: pd.DataFrame
    report: pd.DataFrame
    lanes: list[Lane]


def build(
    mineral: str,
    *,
    facilities: pd.DataFrame,
    production: pd.DataFrame,
    demand: pd.DataFrame,
    owners: pd.DataFrame | None = None,
    links: pd.DataFrame | None = None,
    ties: pd.DataFrame | None = None,
    chain: pd.DataFrame | None = None,
    references: pd.DataFrame | None = None,
    name: str | None = None,
) -> SupplyNetwork:
    """Build a network from your own lists.

    Sites are closed to the statistics (each stage keeps its published total; unnamed rests, stock changes and every
    scaling are in ``meta["corrections"]``), joined over ports, straits and borders, and shipments are estimated.

    Parameters
    ----------
    mineral
        Name of the mineral.
    facilities
        One row per site and stage: facility, name, kind (mine, refinery, factory), mineral, stage, country (alpha-3),
        lon, lat, capacity_t, status, reference; optionally operator, year, makes, accepts (``;`` lists of forms),
        confidence. Tonnes of contained metal a year.
    production
        Statistics: mineral, stage, country (alpha-3, ``WLD`` published world total, ``OTH`` unnamed rest), year,
        series, quantity_t (missing = withheld), reference; optionally confidence (high, medium, low).
    demand
        First use: mineral, product, country, year, row_set (``closed``; ``detail`` for members of ``EUU``),
        quantity_t, reference; optionally confidence.
    owners
        facility, owner (alpha-3), share, reference.
    links, ties
        Known supply links (with a page behind them) and guessed ones: supplier, customer (facilities), type,
        reference; optionally quantity_t with unit, start, end, status.
    chain
        Stages as in ``data/facts/chains.csv``; the bundled chain of that mineral if missing.
    references
        Sources (reference, title, ...), besides the bundled ones.
    name
        Name of the network.

    Returns
    -------
    SupplyNetwork
        With bounds of shipments and activities: 5 and 95 % of 200 draws (see `ensemble`). ``meta["statistics"]`` and
        ``meta["bands"]`` keep the totals and the customs records that draws are held by.

    Raises
    ------
    DataError
        If a table lacks a column, a row has no source or names a source that is not listed; all faults at once.
    UnknownNameError
        If no chain is given and none is bundled for that mineral.
    InfeasibleError
        If a site cannot be reached by any route.

    Notes
    -----
    The estimate dominates: a dense balance of order (n + m)^3 per product, a few seconds for some hundred sites.
    """
    given = {
        "facilities": facilities, "production": production, "demand": demand,
        "owners": owners, "links": links, "ties": ties,
    }  # fmt: skip
    tables = _tables(given, _references(references))
    return _build(tables, chains.chain(mineral, chain), _references(references), name).network


def build_bundled(mineral: str) -> Built:
    """Build one of the bundled minerals from the facts under ``data/facts``.

    Raises
    ------
    UnknownNameError
        If the mineral is not bundled.
    """
    chain = chains.chain(mineral)
    names = ("facilities", "production", "demand", "owners", "links", "ties")
    tables = _tables({name: facts.read(f"facts/{name}.csv") for name in names}, _references(None))
    if mineral == "magnet_rare_earths":
        oxides = _keep(chains.chain("rare_earths"), tables)
        mined = {x["facility"]: x["activity_t"] for x in oxides.lines if x["stage"] == "mining" and x["facility"]}
        composition = facts.read("facts/composition.csv")
        magnet = chains.magnet_facilities(tables["facilities"], pd.Series(mined), composition)
        tables["facilities"] = pd.concat([tables["facilities"], magnet], ignore_index=True)
    return _build(tables, chain, _references(None), None)


def write_bundled(chosen: Iterable[str] | None, out: str | Path, *, progress: bool = False) -> None:
    """Build bundled minerals and write each as a folder of CSV files; the same facts give the same bytes.

    Parameters
    ----------
    chosen
        Minerals; all if ``None``.
    out
        Folder for the folders. Beside the network each holds its corrections, stages, fit, and what each link and
        customs record did to the estimate.
    progress
        Show a bar on stderr.

    Raises
    ------
    UnknownNameError
        If a mineral is not bundled; nothing is built then.
    """
    from tqdm.auto import tqdm

    known = chains.minerals()
    names = sorted(set(chosen)) if chosen else known
    for name in names:
        if name not in known:
            raise UnknownNameError.of("mineral", name, known)
    Path(out).mkdir(parents=True, exist_ok=True)
    for name in tqdm(names, disable=not progress, desc="build", unit="mineral"):
        made = build_bundled(name)
        folder = formats.write(made.network, Path(out) / name, format="csv")
        extra = {"corrections": made.corrections, "stages": made.stages, "fit": made.fit, "estimate": made.report}
        formats.write_tables(extra, folder)


# -- checks ----------------------------------------------------------------------------------------------------------


def _references(own: pd.DataFrame | None) -> pd.DataFrame:
    """Return all sources, one row each."""
    names = ("facts/references", "facts/chain_references", "facts/trade_references", "geo/references")
    parts = [facts.read(f"{name}.csv") for name in names]
    table = pd.concat(parts if own is None else [own, *parts], ignore_index=True)
    return table.drop_duplicates("reference").reindex(columns=REFERENCES.names)


def _tables(given: Mapping[str, pd.DataFrame | None], references: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Check the tables and return them with all optional columns."""
    problems: list[Problem] = []
    tables = {}
    known = set(references["reference"])
    for name, frame in given.items():
        needs = NEEDS[name]
        if frame is None:
            tables[name] = pd.DataFrame(columns=[*needs, *_OPTIONAL.get(name, ())])
            continue
        lacking = [column for column in needs if column not in frame.columns]
        problems += [Problem(name, f"column `{column}` is missing.", "Add it.") for column in lacking]
        table = frame.reset_index(drop=True)
        if "reference" in table.columns:
            problems += _sources(name, table, known)
        for column in _OPTIONAL.get(name, ()):
            if column not in table.columns:
                table[column] = _MISSING_MEANS.get(column)
        tables[name] = table
    if not problems:
        problems = _cells(tables)
    if problems:
        raise DataError(
            f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in the tables to build from:", problems
        )
    return tables


def _sources(name: str, table: pd.DataFrame, known: set[str]) -> list[Problem]:
    """Report rows without a source, or whose source is not listed."""
    problems = []
    cells = table["reference"]
    for position in np.flatnonzero(cells.isna() | cells.astype(str).str.strip().eq("")).tolist():
        remedy = "Give every row its source; a guess has one too (say whose)."
        problems.append(Problem(f"{name} row {position + 1}, column `reference`", "is missing.", remedy))
    for position in np.flatnonzero(cells.notna() & ~cells.isin(known) & cells.astype(str).str.strip().ne("")).tolist():
        where = f"{name} row {position + 1}, column `reference`"
        problems.append(Problem(where, f"no source {cells.iloc[position]!r}.", "Add it to `references`."))
    return problems


def _cells(tables: dict[str, pd.DataFrame]) -> list[Problem]:
    """Report facilities that repeat or lie nowhere, and quantities that are no numbers."""
    problems = []
    table = tables["facilities"]
    for position in np.flatnonzero(table.duplicated("facility")).tolist():
        where = f"facilities row {position + 1}, column `facility`"
        problems.append(Problem(where, f"{table['facility'].iloc[position]!r} is given twice."))
    for column, low, high in (("lon", -180, 180), ("lat", -90, 90), ("capacity_t", 0, np.inf)):
        number = pd.to_numeric(table[column], errors="coerce")
        bad = ~number.between(low, high) & (table[column].notna() | (column != "capacity_t"))
        for position in np.flatnonzero(bad).tolist():
            where = f"facilities row {position + 1}, column `{column}`"
            problems.append(Problem(where, f"{table[column].iloc[position]} given, expected {low} to {high}."))
    for name in ("production", "demand"):
        number = pd.to_numeric(tables[name]["quantity_t"], errors="coerce")
        bad = (number < 0) | (number.isna() & tables[name]["quantity_t"].notna())
        for position in np.flatnonzero(bad).tolist():
            where = f"{name} row {position + 1}, column `quantity_t`"
            problems.append(Problem(where, f"{tables[name]['quantity_t'].iloc[position]} given, expected tonnes."))
    return problems


# -- books -----------------------------------------------------------------------------------------------------------


def _keep(chain: Chain, tables: dict[str, pd.DataFrame]) -> Books:
    """Close the books of a mineral over sites that have a node."""
    mineral = chain.mineral
    for step in chain.steps:
        for country in step.restricted:
            if not chains.in_force(mineral, country, step.year):
                said = f"{country} is given for {step.product} in {step.year}, but no ban or quota was in force."
                raise DataError("the chain cannot be right", [Problem("chain, column `restricted`", said)])
    registry = sites.register(tables["facilities"].drop_duplicates("facility"), tables["owners"])
    own = tables["facilities"][tables["facilities"]["mineral"] == mineral]
    own = own.assign(node=own["facility"].map(registry.node_of)).set_index("facility")
    year = next(step.year for step in chain.steps)
    forms = facts.read("facts/forms.csv")
    links = pd.concat([shipping.in_force(tables[name], year) for name in ("links", "ties")], ignore_index=True)
    of_mineral = {name: tables[name][tables[name]["mineral"] == mineral] for name in ("production", "demand")}
    return ledger.keep(
        chain,
        Facts(
            facilities=own,
            production=of_mineral["production"],
            demand=of_mineral["demand"],
            links=links,
            countries=facts.read("facts/countries.csv").set_index("country"),
            shares=facts.read("facts/chain_shares.csv"),
            untraded=frozenset(forms.loc[forms["traded"].isin(["no", "rarely"]), "form"]),
        ),
    )


# -- the network -----------------------------------------------------------------------------------------------------


def _build(tables: dict[str, pd.DataFrame], chain: Chain, references: pd.DataFrame, name: str | None) -> Built:
    """Keep the books, ship every product, and put the tables together."""
    registry = sites.register(tables["facilities"].drop_duplicates("facility"), tables["owners"])
    books = _keep(chain, tables)
    processes = _processes(books)
    unnamed = pd.DataFrame(list(books.nodes.values()), columns=NODES.names)
    nodes = pd.concat([registry.nodes, unnamed], ignore_index=True)
    nodes = nodes[nodes["node"].isin(set(processes["node"]))]
    owners = registry.owners[registry.owners["node"].isin(set(nodes["node"]))]
    draft = shipping.Draft(books, processes, nodes, owners, tables["links"], tables["ties"])
    lanes = [x for x in (shipping.lane(draft, str(product)) for product in chain.products["product"]) if x is not None]
    shipped = [shipping.ship(lane) for lane in lanes]
    edges = pd.concat([x.way.edges for x in lanes], ignore_index=True).drop_duplicates("edge")
    places = pd.concat([nodes, *(x.way.nodes for x in lanes)], ignore_index=True).drop_duplicates("node")
    shipments = pd.concat([x.shipments for x in shipped], ignore_index=True)
    fits = [x.fit for x in shipped if len(x.fit)]
    fit = pd.concat(fits, ignore_index=True) if fits else pd.DataFrame(columns=list(trade.FIT))
    corrections, stages, countries = books.ledger.table(), pd.DataFrame(books.stages), _countries(places, owners)
    rows = processes.drop(columns=["country", "facility", "residual", "stage"])
    known = {
        "statistics": pd.DataFrame(books.statistics, columns=list(STATISTICS)),
        "bands": pd.concat([x.bands for x in shipped], ignore_index=True),
    }
    network = SupplyNetwork(
        nodes=places,
        owners=owners,
        processes=rows,
        edges=edges[EDGES.names],
        shipments=shipments,
        products=chain.products,
        countries=countries,
        references=_cited(
            references, places, owners, rows, edges, shipments, chain.products, countries, stages, *known.values()
        ),
        meta=_meta(chain, stages, corrections, fit, name) | {key: _plain(table) for key, table in known.items()},
    )
    network = ensemble(network, DRAWS, workers=1).bounded()
    report = pd.concat([x.report for x in shipped], ignore_index=True)
    return Built(network, corrections, stages, fit, report, lanes)


def _processes(books: Books) -> pd.DataFrame:
    """Return the processes as a table of the schema, with the columns that the build needs besides."""
    table = books.processes.reindex(columns=[*PROCESSES.names, "country", "facility", "residual", "stage"])
    for column in ("input", "output", "makes", "accepts", "operator", "country"):
        table[column] = table[column].replace("", np.nan).astype("str").where(table[column] != "", np.nan)
    return table.sort_values("process", ignore_index=True)


def _countries(nodes: pd.DataFrame, owners: pd.DataFrame) -> pd.DataFrame:
    """Return the countries that the network names."""
    named = set(nodes["country"].dropna()) | set(owners["owner"].dropna())
    table = facts.read("facts/countries.csv")
    return table[table["country"].isin(named)].reindex(columns=COUNTRIES.names)


def _cited(references: pd.DataFrame, *tables: pd.DataFrame) -> pd.DataFrame:
    """Return the sources that some row names."""
    named = {str(x) for table in tables if "reference" in table for x in table["reference"].dropna()}
    return references[references["reference"].isin(named)]


def _meta(
    chain: Chain, stages: pd.DataFrame, corrections: pd.DataFrame, fit: pd.DataFrame, name: str | None
) -> dict[str, Any]:
    """Return what the network says about itself."""
    mineral = chain.mineral
    years = stages.groupby("stage")["year"].first()
    return {
        "name": name or f"{mineral.replace('_', ' ')}, {max(step.year for step in chain.steps)}",
        "minerals": [mineral],
        "base_years": {mineral: {str(stage): int(year) for stage, year in years.items()}},
        "restrictions": _plain(_in_force(chain)),
        "restricted": {step.product: list(step.restricted) for step in chain.steps if step.restricted},
        "stages": _plain(stages),
        "corrections": _plain(corrections),
        "fit": _plain(fit),
        "notes": [f"{step.product or step.stage}: {step.note}" for step in chain.steps if step.note],
        "weak_spots": _weak_spots(stages, corrections, fit),
    }


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as plain rows."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(k): (round(v, 6) if isinstance(v, float) else v) for k, v in row.items()} for row in rows]


def _in_force(chain: Chain) -> pd.DataFrame:
    """Return the export restrictions of the base year."""
    rows = chains.restrictions(chain.mineral, max(step.year for step in chain.steps))
    return rows[["country", "target", "product", "type", "start", "end", "reference"]]


def _weak_spots(stages: pd.DataFrame, corrections: pd.DataFrame, fit: pd.DataFrame) -> list[str]:
    """Say in words where the network is weakest."""
    said = [
        f"{row['stage']} of {row['product']}: {1 - float(row['named_share']):.0%} of the tonnes at unnamed sites"
        for row in stages.to_dict("records")
        if float(row["named_share"]) < 0.7
    ]
    stock = corrections[corrections["what"].str.startswith("stock")]
    for (stage, what), rows in stock.groupby(["stage", "what"], sort=True):
        tonnes = float((rows["before_t"] - rows["after_t"]).abs().sum())
        said.append(f"{stage}: the statistics disagree by a {what} of {tonnes:.0f} t")
    poor = fit[(fit["case"] == "held_out") & (fit["misplaced_share"] > 0.3)]
    said += [
        f"{row['product']}: {float(row['misplaced_share']):.0%} of customs tonnes held back are misplaced"
        for row in poor.to_dict("records")
    ]
    low = corrections[corrections["what"] == "below half"]
    if len(low):
        said.append(f"{len(low)} listed sites are scaled below half of what was expected of them")
    return said
