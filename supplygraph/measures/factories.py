"""The concentration behind single factories (or consumer countries), and what sets them apart from the world.

With ``A_vd`` the share of d's demand that was refined at v and ``S^d`` its shares of countries, ``C_d(v) = A_vd
S^d_country(v)`` sums to ``HHI_d``, and ``sum_d w_d HHI_d = HHI + sum_d w_d |S^d - S|^2``. The last term is
*segmentation*: what a factory faces beyond the concentration of the world, because its suppliers are not everybody's.
(With a kernel K, all products are taken in K.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from supplygraph.measures import stages
from supplygraph.measures.centrality_result import CentralityResult
from supplygraph.measures.inescapable import Escape, tables
from supplygraph.measures.mixing import mixed
from supplygraph.measures.spread import Spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.attribution import Attribution, View

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PER = ("factory", "country")
#: Demand of a place that no country is known for, as a row by country.
UNKNOWN = "unknown"
#: What varies between draws.
SPREAD = Spread(
    columns=("demand_t", "hhi", "largest_share", "segmentation"),
    rank="hhi",
    figures=("hhi", "effective_n", "hhi_factories", "segmentation"),
)
_INESCAPABLE = ("inescapable", "inescapable_all")
_NOTHING = 1e-12


class FactoryResult(CentralityResult):
    """Concentration behind each factory or consumer country; ``table`` is indexed by it, the most concentrated first.

    ``table``: ``name``, ``country`` (by factory), ``demand_t`` (``stock_t`` of it is put in stock), ``weight`` (its
    share of all demand that crossed the stage), ``hhi`` (HHI_d), ``hhi_high``, ``largest`` supplier,
    ``largest_share``, ``segmentation`` (|S^d - S|^2), ``hhi_owner`` (the other view), ``largest_owner``,
    ``largest_owner_share``,
    ``inescapable`` (U_d of the largest supplier, its plants of the stage closed), ``inescapable_all`` (all its sites
    closed), ``method`` (how these were found).

    Further tables: ``sites`` (C_d(v): factory, node, ``share`` A_vd, ``centrality``), ``suppliers`` (S^d by supplier),
    ``inescapable`` and ``inescapable_all`` (U_d(c) for every supplier c).
    """

    @property
    def hhi_factories(self) -> float:
        """Mean of the factories' HHI, weighed by their demand: ``hhi + segmentation``."""
        return float(self.figures["hhi_factories"])

    @property
    def segmentation(self) -> float:
        """How much more concentrated factories are on average than the world."""
        return float(self.figures["segmentation"])


def answer(found: Attribution, per: str, params: dict[str, Any], *, inescapable: bool, bounds: bool) -> FactoryResult:
    """Answer per factory or consumer country."""
    label, index = _ends(found, per)
    tonnes = _refined(found, label, len(index))
    crossed = tonnes.sum(axis=1)
    table, split = _table(found, index, label, tonnes)
    figures = found.figures()
    figures["hhi_factories"] = _fsum(split["weight"] * split["hhi"])
    figures["segmentation"] = _fsum(split["weight"] * split["segmentation"])
    shares = _suppliers(found, tonnes, index)
    frames = {"sites": _sites(found, index, tonnes), "suppliers": shares}
    if bounds:
        frames |= _bounds(found, index, label, tonnes, table)
    if inescapable:
        uses = found.net.processes["role"].to_numpy() == "use"
        rows = [np.flatnonzero(uses & (label == row)) for row in range(len(index))]
        escape = Escape(found.net, found.inside, rows)
        reach = tables(escape, _held(found, shares.columns), index, ports=found.by in {"country", "bloc"})
        frames |= dict(zip(_INESCAPABLE, reach, strict=True))
        for name, frame in zip(_INESCAPABLE, reach, strict=True):
            table[name] = _of_largest(frame, table["largest"])
        table["method"] = escape.method
    kept = np.flatnonzero((crossed > 0) | _has_use(found, label, len(index)))
    central = np.nan_to_num(table["hhi"].to_numpy()[kept], nan=-1.0)
    order = kept[np.lexsort((kept, -table["demand_t"].to_numpy()[kept], -central.round(12)))]
    table = table.iloc[order]
    for name, frame in frames.items():
        if name != "sites":
            frames[name] = frame.reindex(table.index)
    what = "factory" if per == "factory" else "consumer country"
    return FactoryResult(
        title=f"Concentration of {found.mineral}, {found.stage}, by {found.by}, per {what}",
        table=table,
        tables=frames,
        params=params,
        network=found.net,
        figures=figures,
        explanation=_words(found, table, figures, per),
    )


def with_inescapable(told: CentralityResult, central: CentralityResult) -> CentralityResult:
    """Add to an answer over draws what the central network alone was asked."""
    table, source = told.table, central.table
    for name in (*_INESCAPABLE, "method"):
        table[name] = source[name].reindex(table.index)
    frames = {name: central.tables[name] for name in _INESCAPABLE}
    return told.extended(tables={"table": table, **frames}, explanation=central.explain())


def _ends(found: Attribution, per: str) -> tuple[Ints, pd.Index]:
    """Return the row of each process where demand ends (-1: of others), and the rows."""
    net, traced = found.net, found.traced
    ends = traced.demand > 0
    if per == "factory":
        rows, place = np.unique(traced.node[ends], return_inverse=True)
        index = net.nodes.index[rows]
    else:
        country = net.nodes["country"].fillna(UNKNOWN).to_numpy(dtype=object)[traced.node[ends]]
        labels, place = np.unique(country.astype(str), return_inverse=True)
        index = pd.Index(labels, dtype="str", name="country")
    label = np.full(len(ends), -1)
    label[ends] = place
    return label, index


def _refined(found: Attribution, label: Ints, rows: int) -> Floats:
    """Return tonnes of demand by row and the site of their last crossing."""
    traced = found.traced
    each = np.zeros((len(found.inside), len(found.sites)))
    each[found.inside, found.site[found.inside]] = 1.0
    share = traced.expect(found.inside, each)
    ends = label >= 0
    tonnes = np.zeros((rows, len(found.sites)))
    np.add.at(tonnes, label[ends], share[ends] * traced.demand[ends, None])
    return tonnes


def _has_use(found: Attribution, label: Ints, rows: int) -> NDArray[np.bool_]:
    has = np.zeros(rows, dtype=np.bool_)
    has[label[(label >= 0) & (found.net.processes["role"].to_numpy() == "use")]] = True
    return has


def _split(view: View, share: Floats) -> dict[str, Floats]:
    """Return HHI_d, its upper bound, the distance to the world, and the largest supplier with its share."""
    by_label = view.kin.shares(share.T)
    apart = by_label - view.by_label[:, None]
    lacks = (by_label[view.kin.lacking(view.by_label)] > 0).any(axis=0)
    hhi = np.where(lacks, np.nan, (by_label * view.kin.kin(by_label)).sum(axis=0))
    between = (apart * view.kin.kin(apart)).sum(axis=0)
    unknown = np.maximum(0.0, 1.0 - by_label.sum(axis=0))
    largest = by_label.argmax(axis=0) if len(by_label) else np.zeros(share.shape[0], dtype=np.int64)
    return {
        "hhi": hhi,
        "hhi_high": hhi + view.kin.heaviest * unknown**2,
        "segmentation": np.full(len(hhi), np.nan) if len(view.lacking) else between,
        "largest": largest,
        "largest_share": by_label.max(axis=0) if len(by_label) else np.zeros(share.shape[0]),
    }


def _table(found: Attribution, index: pd.Index, label: Ints, tonnes: Floats) -> tuple[pd.DataFrame, dict[str, Floats]]:
    net, traced = found.net, found.traced
    ends = label >= 0
    is_use = net.processes["role"].to_numpy() == "use"
    crossed = tonnes.sum(axis=1)
    share = tonnes / np.where(crossed > 0, crossed, 1.0)[:, None]
    own = _split(found.view, share)
    own["weight"] = crossed / found.crossed_t
    by_factory = index.name != "country"
    names = net.nodes["name"].reindex(index) if by_factory else stages.names(net, "country").reindex(index)
    table = pd.DataFrame({"name": names.to_numpy()}, index=index)
    table["name"] = table["name"].fillna(pd.Series(index.astype(str), index=index))
    if by_factory:
        table["country"] = net.nodes["country"].reindex(index)
    table["demand_t"] = np.bincount(label[ends], traced.demand[ends], len(index))
    table["stock_t"] = np.bincount(label[ends], np.where(is_use, 0.0, traced.demand)[ends], len(index))
    table["weight"] = own["weight"]
    sides = [("", own, found.view)]
    if found.other is not None:
        sides.append((f"_{found.other_name}", _split(found.other, share), found.other))
    for ending, split, view in sides:
        for name in ("hhi", "hhi_high") if not ending else ("hhi",):
            table[f"{name}{ending}"] = np.where(crossed > 0, split[name], np.nan)
        named = (crossed > 0) & (split["largest_share"] > 0)
        labels = view.kin.stakes.labels.to_numpy(dtype=object)
        table[f"largest{ending}"] = pd.array(
            [labels[at] if here else None for at, here in zip(split["largest"].astype(int), named, strict=True)],
            dtype="str",
        )
        table[f"largest{ending}_share"] = np.where(named, split["largest_share"], np.nan)
        if not ending:
            table["segmentation"] = np.where(crossed > 0, split["segmentation"], np.nan)
    return table, {name: own[name][crossed > 0] for name in ("weight", "hhi", "segmentation")}


def _suppliers(found: Attribution, tonnes: Floats, index: pd.Index) -> pd.DataFrame:
    """Return the shares of suppliers (columns) in the demand of each row that crossed the stage."""
    crossed = tonnes.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = found.main.shares((tonnes / crossed).T).T
    frame = pd.DataFrame(shares, index=index, columns=found.main.stakes.labels)
    return frame.loc[:, (found.view.by_label > 0)]


def _sites(found: Attribution, index: pd.Index, tonnes: Floats) -> pd.DataFrame:
    """Return C_d(v) of every pair with a share, by row and then the largest first."""
    crossed = tonnes.sum(axis=1)
    share = tonnes / np.where(crossed > 0, crossed, 1.0)[:, None]
    by_label = found.main.shares(share.T)
    ordinary = found.main.ordinary(by_label).T
    central = np.where(found.view.doubtful[None, :], np.nan, share * ordinary)
    row, site = np.nonzero(share > 0)
    order = np.lexsort((site, -share[row, site], row))
    row, site = row[order], site[order]
    key = "factory" if index.name != "country" else "country"
    nodes = found.net.nodes
    place = found.sites[site]
    return pd.DataFrame({
        key: index[row], "node": nodes.index[place], "name": nodes["name"].array.take(place),
        "share": share[row, site], "centrality": central[row, site],
    })  # fmt: skip


def _bounds(
    found: Attribution, index: pd.Index, label: Ints, tonnes: Floats, table: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Add the bounds of HHI_d over all matchings to a table; return those of the shares of suppliers."""
    ranges = mixed(found, label, tonnes)
    known = table["hhi"].notna()
    frames = {}
    for ending, hhi, shares in (
        ("low", ranges.hhi_low, ranges.label_low), ("high", ranges.hhi_high, ranges.label_high)
    ):  # fmt: skip
        table[f"hhi_bound_{ending}"] = np.where(known, hhi, np.nan)
        frame = pd.DataFrame(shares, index=index, columns=found.main.stakes.labels)
        frames[f"suppliers_bound_{ending}"] = frame.loc[:, found.view.by_label > 0]
    return frames


def _held(found: Attribution, labels: pd.Index) -> dict[str, Floats]:
    """Return the share of each node of the network that a supplier holds."""
    from supplygraph.measures.kinship import stakes

    net = found.net
    if found.by_site:
        return {label: (net.nodes.index == label).astype(float) for label in labels}
    every = stakes(net, np.arange(len(net.nodes)), found.by, found.blocs, owners=found.by == "owner")
    place = every.labels.get_indexer(labels)
    return {label: every.held[:, at] for label, at in zip(labels, place, strict=True)}


def _of_largest(frame: pd.DataFrame, largest: pd.Series) -> Floats:
    column = frame.columns.get_indexer(pd.Index(largest))
    values = np.column_stack([frame.to_numpy(), np.full(len(frame), np.nan)])
    return cast("Floats", values[np.arange(len(frame)), column])


def _fsum(values: Floats) -> float:
    return math.nan if np.isnan(values).any() else math.fsum(values)


def _words(found: Attribution, table: pd.DataFrame, figures: dict[str, float], per: str) -> str:
    told = []
    ends = "factories" if per == "factory" else "consumer countries"
    if not math.isnan(figures["segmentation"]):
        told.append(
            f"The HHI behind {ends} is {figures['hhi_factories']:.4f} on average: {figures['hhi']:.4f} as in the "
            f"world, and {figures['segmentation']:.4f} because their suppliers are not everybody's (segmentation)."
        )
    first = table[table["hhi"].notna() & table["largest"].notna()].head(1)
    told += [
        f"{name} is the most concentrated: {share:.0%} from {largest}."
        for name, share, largest in zip(first["name"], first["largest_share"], first["largest"], strict=True)
    ]
    if "inescapable" in table.columns:
        told += _inescapable_words(found, table, ends)
    return " ".join([*told, *found.missing_words()])


def _inescapable_words(found: Attribution, table: pd.DataFrame, ends: str) -> list[str]:
    asked = table[table["inescapable"].notna()]
    if asked.empty:
        return []
    use = asked["demand_t"] - asked["stock_t"]
    mean = float((asked["inescapable"] * use).sum() / use.sum())
    bound = "" if "exact" in str(asked["method"].iloc[0]) else "at least "
    closed = f"With the {found.stage} of their largest supplier closed and all other capacity theirs"
    return [f"{closed}, {ends} would still go without {bound}{mean:.0%} of their demand."]

