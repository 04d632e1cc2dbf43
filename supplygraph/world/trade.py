"""Customs statistics: which rows are sound, the bands they give, and how well the flows agree with them.

A record says what share of an importer's purchases came from where (or of an exporter's sales went where).
Shares survive what tonnes do not: another year, a rough metal content, a code that holds only part of a
product. Each becomes a band in tonnes on the flow between two countries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.world import flows
from supplygraph.world.closing import EU, EUROPEAN_UNION
from supplygraph.world.pairs import by_country

if TYPE_CHECKING:
    from supplygraph.world.balance import Floats
    from supplygraph.world.flows import Estimate

#: Half width of a band by confidence of the record.
WIDTH = {"high": 0.10, "medium": 0.20, "low": 0.35}
#: Pairs below this share of the recorded trade are noise for a band (they still count in the fit).
LEAST_SHARE = 0.01
MOST_BANDS = 40
FOLDS = 5
#: Spread of freight between sellers, USD per gross tonne: one figure for all, chosen on the recorded trade of eight
#: products (mean share misplaced without customs rows .35 at 45, .38 at 23, .35 at 90). Per tonne of metal where
#: the gross weight is unknown.
THETA_USD_T, DEFAULT_USD_T = 45.0, 75.0
#: Records in which a pair without a row is a zero.
COMPLETE = ("imports", "imports_t")
BANDS = ("exporter", "importer", "low_t", "high_t", "reference", "confidence")
FIT = ("mineral", "product", "case", "pairs", "correlation", "misplaced_share", "year")
COLUMNS = (
    "mineral",
    "product",
    "exporter",
    "importer",
    "year",
    "share",
    "quantity_t",
    "measure",
    "used_for",
    "reference",
    "confidence",
)


@dataclass(frozen=True)
class Code:
    """How one customs code enters one product.

    ``measure``: ``imports`` (importers record every exporter that appears: a pair without a row is a zero; the
    code is part of the product, so only shares count), ``imports_t`` (the same, and the code is the whole
    product, so that its tonnes count), ``imports_listed`` and ``exports_listed`` (shares, and only the
    partners listed are known).
    ``factor`` (tonnes of metal per gross tonne) replaces the file's; a row outside the bounds on its unit
    value, in USD per kilogram gross, is another good under the same code.
    """

    mineral: str
    product: str
    hs6: str
    reference: str
    confidence: str
    measure: str = "imports"
    year: int = 2024
    factor: float | None = None
    by_exporter: dict[str, float] = field(default_factory=dict)
    least_usd_kg: float = 0.0
    most_usd_kg: float = float("inf")
    exporters: frozenset[str] | None = None
    importers: frozenset[str] | None = None


_COMTRADE, _BACI, _CHINA, _PRESS = "comtrade-imports", "baci-hs17", "comtrade-china-exports", "china-customs-press"
#: Spodumene: lithium content implied by mine output and Chinese imports; others as the Chinese average of 2024.
_SPODUMENE = {"AUS": 0.0225, "ZWE": 0.0159, "NGA": 0.0183, "BRA": 0.0183, "CAN": 0.0183, "NAM": 0.0183}
#: Finland and Canada, both large buyers of cobalt feed, leave the codes out of what they report.
_COBALT = frozenset({"CHN", "JPN", "KOR", "BEL", "NOR"})
_CLASS_1 = frozenset({"AUS", "CAN", "CHN", "FIN", "FRA", "GBR", "JPN", "KOR", "MDG", "NOR", "RUS", "ZAF"})
CODES = (
    Code("cobalt", "cobalt-mined", "810520", _COMTRADE, "medium", factor=0.30, most_usd_kg=12.0, importers=_COBALT),
    Code("cobalt", "cobalt-mined", "282200", _COMTRADE, "medium", factor=0.30, most_usd_kg=12.0, importers=_COBALT),
    Code("cobalt", "cobalt-mined", "260500", _COMTRADE, "medium", importers=_COBALT),
    # cobalt that travels in nickel intermediates: 1.8 % of wet hydroxide, 4.5 % of mixed sulphide, 1 % of matte
    Code(
        "cobalt",
        "cobalt-mined",
        "750120",
        _COMTRADE,
        "low",
        factor=0.018,
        by_exporter={"PHL": 0.045},
        importers=_COBALT,
    ),
    Code("cobalt", "cobalt-mined", "750110", _COMTRADE, "low", factor=0.01, importers=_COBALT),
    Code("cobalt", "cobalt-refined", "810520", _COMTRADE, "medium", factor=1.0, least_usd_kg=15.0),
    Code("cobalt", "cobalt-refined", "282200", _COMTRADE, "medium", factor=0.72, least_usd_kg=12.0),
    Code("nickel", "nickel-mined", "260400", _COMTRADE, "medium"),
    Code("nickel", "nickel-intermediate", "750110", _COMTRADE, "medium"),
    # the Philippine plants ship mixed sulphide (55 % nickel), at twice the unit value of wet hydroxide
    Code("nickel", "nickel-intermediate", "750120", _COMTRADE, "medium", by_exporter={"PHL": 0.55}),
    # pig iron and ferronickel (720260) are not in the file, so their makers are left out
    Code("nickel", "nickel-refined", "750210", _COMTRADE, "medium", exporters=_CLASS_1),
    Code("nickel", "nickel-refined", "283324", _COMTRADE, "medium", exporters=_CLASS_1),
    Code(
        "lithium",
        "lithium-mined",
        "253090",
        _COMTRADE,
        "medium",
        by_exporter=_SPODUMENE,
        least_usd_kg=0.35,
        exporters=frozenset(_SPODUMENE),
    ),
    Code("lithium", "lithium-refined", "283691", _COMTRADE, "high", measure="imports_t"),
    Code("lithium", "lithium-refined", "282520", _COMTRADE, "high", measure="imports_t"),
    Code("graphite", "graphite-mined", "2504", "comtrade-hs4-2023", "low", measure="imports_listed", year=2023),
    Code("graphite", "graphite-refined", "380110", _CHINA, "low", measure="exports_listed", least_usd_kg=2.0),
    Code("copper", "copper-mined", "260300", _PRESS, "low", measure="imports_listed"),
    Code("copper", "copper-smelted", "740200", _PRESS, "low", measure="imports_listed"),
    Code("copper", "copper-refined", "740311", _BACI, "high", measure="imports_t"),
    Code("antimony", "antimony-refined", "811010", _BACI, "medium"),
    Code("magnet_rare_earths", "magnet_rare_earths-magnet", "850511", _BACI, "medium", factor=0.36, least_usd_kg=20.0),
)


def select(bilateral: pd.DataFrame, codes: tuple[Code, ...] = CODES) -> pd.DataFrame:
    """Choose the sound rows of a customs table and turn them into shares by product and country pair.

    Parameters
    ----------
    bilateral
        Columns hs6, exporter_iso3, importer_iso3, year, quantity_t_gross, contained_factor, value_usd, note;
        ``WLD`` as exporter is a total. Rows marked IMPLAUSIBLE or SUSPECT, or without a weight, are dropped.
    codes
        Which codes make which product.

    Returns
    -------
    pandas.DataFrame
        The columns of ``data/facts/trade_shares.csv``. ``share`` is of the importer's record over all
        partners (of the exporter's for ``exports_listed``); ``quantity_t`` is contained metal.
    """
    sound = bilateral[
        ~bilateral["note"].fillna("").str.contains("IMPLAUSIBLE|SUSPECT") & bilateral["quantity_t_gross"].gt(0)
    ]
    parts = []
    for code in codes:
        rows = sound[(sound["hs6"] == code.hs6) & (sound["year"] == code.year)].copy()
        total = rows["exporter_iso3"] == "WLD"
        unit = rows["value_usd"] / rows["quantity_t_gross"] / 1000
        known = unit.notna() & rows["value_usd"].gt(0)
        fits = ~known | ((unit >= code.least_usd_kg) & (unit <= code.most_usd_kg))
        if code.exporters is not None:
            fits &= rows["exporter_iso3"].isin(code.exporters) | total
        if code.importers is not None:
            fits &= rows["importer_iso3"].isin(code.importers)
        rows, total = rows[fits], total[fits]
        factor = (
            rows["exporter_iso3"]
            .map(code.by_exporter)
            .fillna(rows["contained_factor"] if code.factor is None else code.factor)
        )
        weak = rows["note"].fillna("").str.contains("estimated by UNSD|transit country|re-import")
        parts.append(
            pd.DataFrame(
                {
                    "mineral": code.mineral,
                    "product": code.product,
                    "exporter": rows["exporter_iso3"],
                    "importer": rows["importer_iso3"],
                    "year": code.year,
                    "quantity_t": rows["quantity_t_gross"] * factor,
                    "measure": code.measure,
                    "reference": code.reference,
                    "confidence": np.where(weak, "low", code.confidence),
                }
            ).dropna(subset=["quantity_t"])
        )
    table = pd.concat(parts, ignore_index=True)
    rank = {"high": 0, "medium": 1, "low": 2}
    table["weak"] = table["confidence"].map(rank)
    keys = ["mineral", "product", "exporter", "importer", "year", "measure", "reference"]
    table = table.groupby(keys, as_index=False).agg(quantity_t=("quantity_t", "sum"), weak=("weak", "max"))
    table["confidence"] = table["weak"].map({v: k for k, v in rank.items()})
    world = table["exporter"].eq("WLD")
    totals = table[world].set_index(["product", "importer"])["quantity_t"]
    table = table[~world & table["exporter"].ne(table["importer"])].copy()
    whose = np.where(table["measure"].eq("exports_listed"), table["exporter"], table["importer"])
    summed = table.groupby([table["product"], whose])["quantity_t"].transform("sum")
    pairs = pd.MultiIndex.from_arrays([table["product"], table["importer"]])
    given = pd.Series(totals.reindex(pairs).to_numpy(), index=table.index)
    table["share"] = table["quantity_t"] / given.fillna(summed)
    table["used_for"] = "fit"
    return table[list(COLUMNS)].sort_values(list(COLUMNS[:5]), ignore_index=True)


def records(mineral: str, product: str) -> pd.DataFrame:
    """Return the customs shares of one product (empty where no code is sound)."""
    table = facts.read("facts/trade_shares.csv")
    return table[(table["mineral"] == mineral) & (table["product"] == product)].reset_index(drop=True)


@dataclass(frozen=True)
class _Cells:
    """Country pairs that the record speaks about: what it says, and where they lie in the flow."""

    table: pd.DataFrame  # exporter, importer, quantity_t (0 = recorded as none), share, measure, width, ...
    supply: pd.Series[Any]
    intake: pd.Series[Any]
    union: bool  # the European Union's use is booked in one place: its members count as one importer

    def lump(self, by_country: pd.Series[Any]) -> pd.Series[Any]:
        """Add the members of a union up."""
        if not self.union:
            return by_country
        table = by_country.rename("t").reset_index()
        table["importer"] = _member(table["importer"])
        return table.groupby(["exporter", "importer"])["t"].sum()

    def flow(self, by_country: pd.Series[Any]) -> Floats:
        """Model tonnes of each cell."""
        by_country = self.lump(by_country)
        pairs = pd.MultiIndex.from_frame(self.table[["exporter", "importer"]])
        return np.asarray(by_country.reindex(pairs).fillna(0.0), dtype=float)


def _member(country: pd.Series[Any]) -> pd.Series[Any]:
    """Replace the members of the European Union by the union."""
    return country.where(~country.isin(EU), EUROPEAN_UNION)


def _as_union(record: pd.DataFrame) -> pd.DataFrame:
    """Add the importers of the European Union up; what members sell to each other stays inside."""
    table = record.assign(importer=_member(record["importer"]))
    table = table[~(table["importer"].eq(EUROPEAN_UNION) & table["exporter"].isin(EU))]
    rank = {"high": 0, "medium": 1, "low": 2}
    table["weak"] = table["confidence"].map(rank)
    keys = [c for c in table.columns if c not in {"quantity_t", "share", "confidence", "weak"}]
    table = table.groupby(keys, as_index=False).agg(
        quantity_t=("quantity_t", "sum"), share=("share", "sum"), weak=("weak", "max")
    )
    return table.assign(confidence=table["weak"].map({v: k for k, v in rank.items()}))


def _cells(record: pd.DataFrame, origins: pd.DataFrame, destinations: pd.DataFrame) -> _Cells:
    union = bool(destinations["node"].astype(str).str.endswith("-euu").any())
    takers = destinations
    if union:
        record, takers = _as_union(record), destinations.assign(country=_member(destinations["country"]))
    supply = origins.groupby("country")["supply_t"].sum()
    intake = takers.groupby("country")["intake_t"].sum()
    supply, intake = supply[supply > 0], intake[intake > 0]
    rows = record[record["exporter"].isin(supply.index) & record["importer"].isin(intake.index)]
    complete = record[record["measure"].isin(COMPLETE) & record["importer"].isin(intake.index)]
    if len(complete):
        known = sorted(set(complete["exporter"]) & set(supply.index))
        every = pd.MultiIndex.from_product(
            [known, sorted(complete["importer"].unique())], names=["exporter", "importer"]
        ).to_frame(index=False)
        home = every["exporter"].eq(every["importer"])
        if union:
            home |= every["importer"].eq(EUROPEAN_UNION) & every["exporter"].isin(EU)
        rows = every[~home].merge(rows, how="left")
        rows["measure"] = rows["measure"].fillna(complete["measure"].iloc[0])
        rows["quantity_t"] = rows["quantity_t"].fillna(0.0)
    rows = rows.sort_values(["exporter", "importer"], ignore_index=True)
    return _Cells(rows, supply, intake, union)


def _targets(cells: _Cells, plain: pd.Series[Any]) -> Floats:
    """Tonnes that the record implies for each cell, given how much the plain estimate trades.

    Where the record is complete, the share is taken at the end for which the pair weighs more (its share of
    all that this end trades abroad, times the part that it trades abroad at all): a share near one hardly
    changes from year to year, and there the statistics, not the estimate, set the total.
    """
    table = cells.table
    plain = cells.lump(plain)
    seller, buyer = plain.index.get_level_values(0), plain.index.get_level_values(1)
    abroad = plain[(seller != buyer) & ~((buyer == EUROPEAN_UNION) & seller.isin(EU))]
    bought, sold = abroad.groupby(level=1).sum(), abroad.groupby(level=0).sum()
    modelled = pd.Series(cells.flow(plain), index=table.index)
    quantity = table["quantity_t"]
    imports = table["importer"].map(bought).fillna(0.0)
    exports = table["exporter"].map(sold).fillna(0.0)
    listed = np.where(table["measure"].eq("exports_listed"), exports, imports) * table["share"].fillna(0.0)

    def part(by: str) -> tuple[pd.Series[Any], pd.Series[Any]]:
        total = quantity.groupby(table[by]).transform("sum")
        return quantity / total.where(total > 0), modelled.groupby(table[by]).transform("sum")

    share_in, base_in = part("importer")
    share_out, base_out = part("exporter")
    traded_in = base_in / table["importer"].map(cells.intake)
    traded_out = base_out / table["exporter"].map(cells.supply)
    weighs_more = (share_out * traded_out).fillna(0.0) > (share_in * traded_in).fillna(0.0)
    full = np.where(weighs_more, share_out * base_out, share_in * base_in)
    implied = np.where(table["measure"].eq("imports"), full, listed)
    return np.nan_to_num(np.where(table["measure"].eq("imports_t"), quantity, implied))


def _bands(cells: _Cells, plain: pd.Series[Any]) -> pd.DataFrame:
    """Bands of the pairs that matter, largest first."""
    table = cells.table.assign(target_t=_targets(cells, plain))
    width = table["confidence"].map(WIDTH).fillna(WIDTH["low"])
    table["low_t"], table["high_t"] = table["target_t"] * (1 - width), table["target_t"] * (1 + width)
    least = LEAST_SHARE * table["quantity_t"].sum()
    used = table[(table["quantity_t"] >= least) & (table["target_t"] > 0) & table["used_for"].eq("fit")]
    used = used.sort_values(["quantity_t", "exporter", "importer"], ascending=[False, True, True], kind="stable")
    return used.head(MOST_BANDS)[list(BANDS)].reset_index(drop=True)


def bands(
    mineral: str, product: str, origins: pd.DataFrame, destinations: pd.DataFrame, *, plain: Floats
) -> pd.DataFrame:
    """Return the bands of one product as :func:`supplygraph.world.flows.estimate` takes them.

    Parameters
    ----------
    mineral, product
        What is shipped.
    origins, destinations
        As for the estimate.
    plain
        Flow estimated without bands; it says how much each country trades at all.
    """
    record = records(mineral, product)
    if not len(record):
        return pd.DataFrame(columns=list(BANDS))
    return _bands(_cells(record, origins, destinations), by_country(plain, origins, destinations))


def accepted(mineral: str, product: str, report: pd.DataFrame) -> pd.DataFrame:
    """Return the bands that an estimate took in.

    Parameters
    ----------
    mineral, product
        What is shipped.
    report
        Of the estimate.

    Returns
    -------
    pandas.DataFrame
        product, exporter, importer, low_t, high_t, confidence, reference.
    """
    rows = report[report["kind"].eq("band") & report["verdict"].isin(["acts", "inside"])]
    rows = rows.rename(columns={"origin": "exporter", "destination": "importer"}).assign(product=product)
    record = records(mineral, product)
    if len(record) and rows["importer"].eq(EUROPEAN_UNION).any():
        record = pd.concat([record, _as_union(record)], ignore_index=True)
    known = record.drop_duplicates(["exporter", "importer"])[["exporter", "importer", "confidence"]]
    rows = rows.merge(known, on=["exporter", "importer"], how="left")
    columns = ["product", "exporter", "importer", "low_t", "high_t", "confidence", "reference"]
    return rows[columns].sort_values(["exporter", "importer"], ignore_index=True)


#: Words of a restriction that name the form in which ore, or refined metal, is traded.
_RAW, _MADE = r"concentrate|all grades|unprocessed REE", r"dual-use|all .* products|metal"
#: A ban counts for the flows of a year if it was in force for at least this part of it.
MOST_OF_A_YEAR = 0.8


def bans(mineral: str, product: str) -> pd.DataFrame:
    """Return the export bans on a product that held for most of its base year.

    Returns
    -------
    pandas.DataFrame
        Columns exporter, importer (missing = everyone), reference; from ``data/facts/restrictions.csv``.

    Examples
    --------
    >>> bans("nickel", "nickel-mined")["exporter"].tolist()
    ['IDN']
    """
    chain = facts.read("facts/chains.csv")
    chain = chain[chain["product"] == product]
    rows = facts.read("facts/restrictions.csv")
    rows = rows[rows["type"].eq("ban") & rows["mineral"].str.split(";").map(lambda names: mineral in names)]
    if not len(chain):
        rows = rows.iloc[:0]
    else:
        year = int(chain["year"].iloc[0])
        first, last = np.datetime64(f"{year}-01-01"), np.datetime64(f"{year}-12-31")
        start = np.maximum(pd.to_datetime(rows["effective_date"]).to_numpy(dtype="datetime64[D]"), first)
        end = pd.to_datetime(rows["end_date"].fillna(str(last))).to_numpy(dtype="datetime64[D]")
        days = (np.minimum(end, last) - start).astype(int)
        words = _RAW if chain["stage"].iloc[0] == "mining" else _MADE
        held = days >= MOST_OF_A_YEAR * 365
        rows = rows[
            held & rows["product"].str.contains(words, regex=True) & ~rows["product"].str.contains("technology")
        ]
    return pd.DataFrame(
        {
            "exporter": rows["country"],
            "importer": rows["target"].where(rows["target"] != "ALL"),
            "reference": rows["reference"],
        }
    ).reset_index(drop=True)


def _spread(product: str) -> float:
    """Spread of freight per tonne of metal: by the gross weight of a bundled product, else the default."""
    chain = facts.read("facts/chains.csv")
    gross = chain.loc[chain["product"] == product, "gross_t_per_t"]
    return THETA_USD_T * float(gross.iloc[0]) if len(gross) else DEFAULT_USD_T


def _score(observed: Floats, modelled: Floats) -> tuple[float, float]:
    """Correlation, and the share of tonnes in the wrong cell (half the L1 distance of the two patterns)."""
    if observed.sum() <= 0 or modelled.sum() <= 0:
        return float("nan"), float("nan") if observed.sum() <= 0 else 1.0
    a, b = observed / observed.sum(), modelled / modelled.sum()
    misplaced = float(np.abs(a - b).sum() / 2)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan"), misplaced
    return float(np.corrcoef(a, b)[0, 1]), misplaced


def estimate(
    mineral: str, product: str, origins: pd.DataFrame, destinations: pd.DataFrame, *, cost: Floats, **given: Any
) -> tuple[Estimate, pd.DataFrame]:
    """Estimate one product's flows with its customs record, and say how well they agree.

    Parameters
    ----------
    mineral, product, origins, destinations, cost
        As for :func:`supplygraph.world.flows.estimate`.
    given
        ``owners``, ``links``, ``ties`` and, if wanted, ``theta`` (by default 45 USD per gross tonne, so
        that ores do not obey distance more than metal), ``bans`` (by default those of most of the base year),
        ``tail``, ``least_t``, ``most_pairs``.

    Returns
    -------
    (Estimate, pandas.DataFrame)
        The estimate and its fit: see :func:`fit`.
    """
    given = {"theta": _spread(product), "bans": bans(mineral, product), **given}
    whole = {**given, "tail": 0.0, "least_t": 0.0}

    def run(limits: pd.DataFrame, options: dict[str, Any]) -> Estimate:
        return flows.estimate(origins, destinations, cost=cost, bands=limits, **options)

    def told(found: Estimate) -> pd.Series[Any]:
        return by_country(found.flow, origins, destinations)

    none = pd.DataFrame(columns=list(BANDS))
    record = records(mineral, product)
    cells = _cells(record, origins, destinations) if len(record) else None
    if cells is None or not len(cells.table):
        return run(none, given), pd.DataFrame(columns=list(FIT))
    plain = told(run(none, whole))
    limits = _bands(cells, plain)
    final = run(limits, given)
    pairs = list(zip(cells.table["exporter"], cells.table["importer"], strict=True))
    rank = {pair: k for k, pair in enumerate(zip(limits["exporter"], limits["importer"], strict=True))}
    folds = len(limits) if len(limits) < 2 * FOLDS else FOLDS
    held = cells.flow(plain)
    if folds:
        # a pair without a band of its own is judged by the fit of the fold that its position falls into
        fold = np.array([rank.get(pair, k) % folds for k, pair in enumerate(pairs)])
        for number in range(folds):
            kept = limits[np.arange(len(limits)) % folds != number].reset_index(drop=True)
            held = np.where(fold == number, cells.flow(told(run(kept, whole))), held)
    observed = cells.table["quantity_t"].to_numpy(dtype=float)
    rows = []
    for case, modelled in (("without", cells.flow(plain)), ("with", cells.flow(told(final))), ("held_out", held)):
        correlation, misplaced = _score(observed, modelled)
        rows.append((mineral, product, case, len(pairs), correlation, misplaced, int(record["year"].iloc[0])))
    return final, pd.DataFrame(rows, columns=list(FIT))


def proposed(
    mineral: str, product: str, origins: pd.DataFrame, destinations: pd.DataFrame, *, cost: Floats, **given: Any
) -> pd.DataFrame:
    """Return the bands that an estimate is offered; parameters as for :func:`estimate`."""
    plain = without(mineral, product, origins, destinations, cost=cost, tail=0.0, least_t=0.0, **given)
    return bands(mineral, product, origins, destinations, plain=plain.flow)


def without(
    mineral: str,
    product: str,
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    *,
    cost: Floats,
    bands: pd.DataFrame | None = None,
    **given: Any,
) -> Estimate:
    """Estimate one product's flows from these bands alone; parameters as for :func:`estimate`."""
    given = {"theta": _spread(product), "bans": bans(mineral, product), **given}
    limits = pd.DataFrame(columns=list(BANDS)) if bands is None else bands
    return flows.estimate(origins, destinations, cost=cost, bands=limits, **given)


def fit(
    mineral: str, product: str, origins: pd.DataFrame, destinations: pd.DataFrame, *, cost: Floats, **given: Any
) -> pd.DataFrame:
    """Compare the flows with the customs record, country pair by country pair.

    Returns
    -------
    pandas.DataFrame
        One row for each case: ``without`` the customs rows, ``with`` them, and ``held_out`` (each pair judged
        by a fit that did not see it: five folds, or one pair at a time where there are few). ``pairs`` counts
        the country pairs compared; ``misplaced_share`` is half the L1 distance between the pattern recorded
        and the pattern modelled; ``correlation`` is Pearson's, over pairs. Empty without a sound record.
    """
    return estimate(mineral, product, origins, destinations, cost=cost, **given)[1]
