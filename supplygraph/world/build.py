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
from supplygraph.network.schema import COUNTRIES, EDGES, NODES, PROCESSES, REFERENCES, SHIPMENTS
from supplygraph.world import books as ledger
from supplygraph.world import chains, flows, routes, sites, trade
from supplygraph.world.tallies import RULES, Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.world.chains import Chain
    from supplygraph.world.tallies import Books

#: Reference of shipments that no page reports.
ESTIMATE = "flow-estimate"
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
    "links": ("quantity_t", "unit", "start", "end", "status"),
    "ties": ("quantity_t", "unit", "start", "end", "status"),
}
#: Units of published links that are tonnes of contained metal.
_CONTAINED = ("t Co", "t Ni", "t REO")
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
    """

    network: SupplyNetwork
    corrections: pd.DataFrame
    stages: pd.DataFrame
    fit: pd.DataFrame
    report: pd.DataFrame


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
        series, quantity_t (missing = withheld), reference.
    demand
        First use: mineral, product, country, year, row_set (``closed``; ``detail`` for members of ``EUU``),
        quantity_t, reference.
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
    parts = [facts.read(f"{name}.csv") for name in ("facts/references", "facts/chain_references", "geo/references")]
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
    links = pd.concat([_links(tables["links"], year), _links(tables["ties"], year)], ignore_index=True)
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


def _links(table: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the links in force in a year: current ones, and those that ended later."""
    if not len(table):
        return table
    status = table["status"].fillna("current").astype(str)
    end = pd.to_numeric(table["end"].astype(str).str[:4], errors="coerce")
    ended = status.str.match(r"(?:stopped|ended|lapsed)") & (end >= year)
    return table[(status == "current") | ended].reset_index(drop=True)


# -- the network -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Draft:
    """What shipping needs to know."""

    books: Books
    processes: pd.DataFrame
    nodes: pd.DataFrame
    owners: pd.DataFrame
    links: pd.DataFrame
    ties: pd.DataFrame


@dataclass(frozen=True)
class _Shipped:
    """One product on its way."""

    way: routes.Transport
    shipments: pd.DataFrame
    fit: pd.DataFrame
    report: pd.DataFrame


def _build(tables: dict[str, pd.DataFrame], chain: Chain, references: pd.DataFrame, name: str | None) -> Built:
    """Keep the books, ship every product, and put the tables together."""
    registry = sites.register(tables["facilities"].drop_duplicates("facility"), tables["owners"])
    books = _keep(chain, tables)
    processes = _processes(books)
    unnamed = pd.DataFrame(list(books.nodes.values()), columns=NODES.names)
    nodes = pd.concat([registry.nodes, unnamed], ignore_index=True)
    nodes = nodes[nodes["node"].isin(set(processes["node"]))]
    owners = registry.owners[registry.owners["node"].isin(set(nodes["node"]))]
    draft = _Draft(books, processes, nodes, owners, tables["links"], tables["ties"])
    shipped = [x for x in (_ship(draft, str(product)) for product in chain.products["product"]) if x is not None]
    edges = pd.concat([x.way.edges for x in shipped], ignore_index=True).drop_duplicates("edge")
    places = pd.concat([nodes, *(x.way.nodes for x in shipped)], ignore_index=True).drop_duplicates("node")
    shipments = pd.concat([x.shipments for x in shipped], ignore_index=True)
    fits = [x.fit for x in shipped if len(x.fit)]
    fit = pd.concat(fits, ignore_index=True) if fits else pd.DataFrame(columns=list(trade.FIT))
    corrections, stages, countries = books.ledger.table(), pd.DataFrame(books.stages), _countries(places, owners)
    rows = processes.drop(columns=["country", "facility", "residual", "stage"])
    network = SupplyNetwork(
        nodes=places,
        owners=owners,
        processes=rows,
        edges=edges[EDGES.names],
        shipments=shipments,
        products=chain.products,
        countries=countries,
        references=_cited(references, places, owners, rows, edges, shipments, chain.products, countries, stages),
        meta=_meta(chain, stages, corrections, fit, name),
    )
    return Built(network, corrections, stages, fit, pd.concat([x.report for x in shipped], ignore_index=True))


def _processes(books: Books) -> pd.DataFrame:
    """Return the processes as a table of the schema, with the columns that the build needs besides."""
    table = books.processes.reindex(columns=[*PROCESSES.names, "country", "facility", "residual", "stage"])
    for column in ("input", "output", "makes", "accepts", "operator", "country"):
        table[column] = table[column].replace("", np.nan).astype("str").where(table[column] != "", np.nan)
    return table.sort_values("process", ignore_index=True)


def _ends(table: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    """Return the places of some processes, one row per node."""
    at = nodes.set_index("node").loc[sorted(set(table["node"])), ["name", "country", "lon", "lat"]]
    at.index.name = "node"
    return at


def _ship(draft: _Draft, product: str) -> _Shipped | None:
    """Route one product and estimate who ships it to whom."""
    processes, chain = draft.processes, draft.books.chain
    out = processes[(processes["output"] == product) & (processes["activity_t"] > 0)].set_index("process")
    into = processes[(processes["input"] == product) & (processes["activity_t"] > 0)].set_index("process")
    if not len(out) or not len(into):
        return None
    out = out.assign(supply_t=out["activity_t"])
    recovery = into["recovery"].where(into["role"] == "transform", 1.0).fillna(1.0)
    into = into.assign(intake_t=into["activity_t"] / recovery)
    into["intake_t"] *= out["supply_t"].sum() / into["intake_t"].sum()  # the books agree to rounding
    held = _stocks(out, into)
    out, into = out[out["role"] != "stock"], into[into["role"] != "stock"]
    out = out.assign(supply_t=out["supply_t"] - held.groupby("origin")["flow_t"].sum().reindex(out.index).fillna(0.0))
    into = into.assign(
        intake_t=into["intake_t"] - held.groupby("destination")["flow_t"].sum().reindex(into.index).fillna(0.0)
    )
    dust = 1e-12 * float(out["supply_t"].sum())  # what is left of a site whose every tonne goes into stock
    out, into = out[out["supply_t"] > dust], into[into["intake_t"] > dust]
    table = chain.products
    gross = float(table.loc[table["product"] == product, "gross_t_per_t"].iloc[0])
    starts, ends = _ends(out, draft.nodes), _ends(into, draft.nodes)
    way = routes.transport(product, gross, starts, ends)
    i, j = starts.index.get_indexer(pd.Index(out["node"])), ends.index.get_indexer(pd.Index(into["node"]))
    year = chain.makers(product).year
    found, fit = trade.estimate(
        chain.mineral,
        product,
        out,
        into,
        cost=way.cost[np.ix_(i, j)],
        owners=draft.owners,
        links=_between(_links(draft.links, year), out, into),
        ties=_between(_links(draft.ties, year), out, into),
    )
    shipments = _shipments(way, found, out.assign(at=i), into.assign(at=j), held)
    return _Shipped(way, shipments, fit, found.report.assign(product=product))


def _between(links: pd.DataFrame, out: pd.DataFrame, into: pd.DataFrame) -> pd.DataFrame:
    """Return links between facilities as links between processes, with tonnes of metal where they are given."""
    columns = ["origin", "destination", "flow_t", "reference"]
    if not len(links):
        return pd.DataFrame(columns=columns)
    rows = links.assign(
        flow_t=pd.to_numeric(links["quantity_t"], errors="coerce").where(
            links["unit"].astype(str).str.startswith(_CONTAINED)
        )
    )
    left = out.reset_index()[["process", "facility"]].rename(columns={"process": "origin", "facility": "supplier"})
    right = into.reset_index()[["process", "facility"]].rename(
        columns={"process": "destination", "facility": "customer"}
    )
    rows = rows.merge(left[left["supplier"] != ""], on="supplier").merge(right[right["customer"] != ""], on="customer")
    rows = rows.drop_duplicates(["origin", "destination"])
    return rows.sort_values(["origin", "destination"], ignore_index=True)[columns]


def _stocks(out: pd.DataFrame, into: pd.DataFrame) -> pd.DataFrame:
    """Return what goes into and out of stock: always on the site of those who make it or take it."""
    rows = []
    for side, other, amount, keys in (
        (into, out, "intake_t", ("destination", "origin")),
        (out, into, "supply_t", ("origin", "destination")),
    ):
        tonnes = "supply_t" if amount == "intake_t" else "intake_t"
        for process, row in side[side["role"] == "stock"].iterrows():
            here = other[(other["node"] == row["node"]) & (other["role"] != "stock")]
            parts = here[tonnes] * (float(row[amount]) / float(here[tonnes].sum()))
            rows += [{keys[0]: process, keys[1]: one, "flow_t": float(part)} for one, part in parts.items() if part > 0]
    return pd.DataFrame(rows, columns=["origin", "destination", "flow_t"])


def _shipments(
    way: routes.Transport, found: flows.Estimate, out: pd.DataFrame, into: pd.DataFrame, held: pd.DataFrame
) -> pd.DataFrame:
    """Return the shipments of one product: a pair over several routes is several shipments."""
    rows = [
        {**row, "product": way.product, "route": None, "basis": "estimated", "reference": RULES}
        for row in held.to_dict("records")
    ]
    for a, b in np.argwhere(found.flow > 0).tolist():
        same = out["node"].iloc[a] == into["node"].iloc[b]
        parts: list[tuple[tuple[str, ...], float]]
        parts = [((), 1.0)] if same else way.split(int(out["at"].iloc[a]), int(into["at"].iloc[b]))
        reported = found.basis[a, b] == "reported"
        rows += [
            {
                "origin": out.index[a],
                "destination": into.index[b],
                "product": way.product,
                "route": ";".join(route) if route else None,
                "flow_t": float(found.flow[a, b]) * share,
                "basis": str(found.basis[a, b]),
                "reference": str(found.reference[a, b]) if reported else ESTIMATE,
            }
            for route, share in parts
        ]
    table = pd.DataFrame(rows).sort_values(["origin", "destination", "route"], ignore_index=True)
    width = max(4, len(str(len(table))))
    table["shipment"] = [f"{way.product}-{k + 1:0{width}d}" for k in range(len(table))]
    return table.reindex(columns=SHIPMENTS.names)


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

    def plain(table: pd.DataFrame) -> list[dict[str, Any]]:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        return [{str(k): (round(v, 6) if isinstance(v, float) else v) for k, v in row.items()} for row in rows]

    years = stages.groupby("stage")["year"].first()
    return {
        "name": name or f"{mineral.replace('_', ' ')}, {max(step.year for step in chain.steps)}",
        "minerals": [mineral],
        "base_years": {mineral: {str(stage): int(year) for stage, year in years.items()}},
        "restrictions": plain(_in_force(chain)),
        "restricted": {step.product: list(step.restricted) for step in chain.steps if step.restricted},
        "stages": plain(stages),
        "corrections": plain(corrections),
        "fit": plain(fit),
        "notes": [f"{step.product or step.stage}: {step.note}" for step in chain.steps if step.note],
        "weak_spots": _weak_spots(stages, corrections, fit),
    }


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
