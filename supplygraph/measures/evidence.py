"""Evidence: our figures beside those that the authorities publish, and red where they disagree.

For each mineral and stage: world totals, shares, concentration, import reliance, supply risk; ours with its 5 to 95 %
interval, the published one with its year, its source and the range that its printed digits leave open. The two
*agree* where interval and range overlap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem
from supplygraph.measures import spread, stages
from supplygraph.measures.concentration import concentration, production
from supplygraph.measures.import_reliance import Trade, net_import_reliance, trade
from supplygraph.measures.published import claims
from supplygraph.measures.supply_risk import supply_risk
from supplygraph.results import Result
from supplygraph.world.datasets import datasets
from supplygraph.world.ensemble import Ensemble, ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.measures.concentration import ConcentrationResult
    from supplygraph.network.network import SupplyNetwork

#: Where the sources of published figures are described.
_REFERENCES = ("references", "chain_references")
#: Value, lower and upper bound of one of our figures.
Bounds = tuple[float, float, float]
AGREES, DISAGREES, UNKNOWN = "agrees", "disagrees", "not ours to say"
_NOTHING: Bounds = (math.nan, math.nan, math.nan)
#: Bounds that differ by less than this are the same: what rounding leaves.
_ROUNDING = 1e-9


class EvidenceResult(Result):
    """Our figures and the published ones: ``table`` has one row per published figure."""

    @property
    def agreement(self) -> float:
        """Share of the independent figures that agree with ours."""
        return float(self.figures["agreement"])


def evidence(
    net: SupplyNetwork | Ensemble, *, draws: int = 200, seed: int = 0, progress: bool = False
) -> EvidenceResult:
    """Hold our figures against published ones.

    Parameters
    ----------
    net
        A network of one bundled mineral, or an ensemble of one.
    draws, seed
        Draws of the ensemble behind the intervals, where a network is given.
    progress
        Show a bar on stderr.

    Returns
    -------
    EvidenceResult
        Indexed by claim: ``mineral``, ``stage``, ``figure``, ``country``, ``owner``, ``about`` (in words), ``ours``,
        ``ours_low``, ``ours_high``, ``published``, ``published_low``, ``published_high``, ``difference`` (ours less
        published), ``verdict`` (agrees, disagrees, or not ours to say), ``year`` of the published figure, ``our_year``,
        ``independent`` (not among the statistics that the network was closed to), ``note``, ``source``,
        ``reference``, ``confidence``. Figures ``compared``, ``independent``, ``disagree``, ``agreement``.

    Raises
    ------
    DataError
        If the network holds several minerals, or none with published figures.

    Examples
    --------
    >>> import supplygraph as sg
    >>> told = evidence(sg.load("gallium"), draws=20)
    >>> told.table.query("figure == 'share' and country == 'CHN' and year == 2025")["verdict"].tolist()
    ['agrees']

    Notes
    -----
    One pass over the draws. Shares of a country that a statistic does not name may hide in its unnamed rest: the
    upper bound has that rest. A disagreement may be one of years: the note and both years stand beside it.
    """
    if not isinstance(net, Ensemble):
        net = ensemble(net, draws, seed, progress=progress)
    central = net.net
    minerals = sorted(central.processes["mineral"].unique())
    if len(minerals) != 1:
        problem = Problem("network", f"holds {', '.join(minerals)}.", "Ask for one at a time: net.select(mineral=...).")
        raise DataError("published figures are about one mineral", [problem])
    quality = datasets().query("mineral == @minerals[0] and statistic_t == statistic_t")
    asked = claims(minerals[0], zip(quality["stage"], quality["series"], quality["year"], strict=True))
    if asked.empty:
        said = f"no published figure about {minerals[0]} is bundled."
        problem = Problem("network", said, "See data/facts/published.csv for what is.")
        raise DataError("nothing to compare with", [problem])
    counted = spread.over(net, _ours, spread.Spread(columns=("ours",)), asked=asked, whole=frozenset(quality["stage"]))
    table = _compared(asked, counted.table, central)
    witnesses = table[table["independent"] & (table["verdict"] != UNKNOWN)]
    figures = {
        "compared": int((table["verdict"] != UNKNOWN).sum()),
        "independent": len(witnesses),
        "disagree": int((table["verdict"] == DISAGREES).sum()),
        "agreement": float((witnesses["verdict"] == AGREES).mean()) if len(witnesses) else math.nan,
    }
    return EvidenceResult(
        title=f"Evidence for {minerals[0].replace('_', ' ')}",
        table=table,
        params={"draws": net.n, "seed": net.seed, "interval": (spread.LOW, spread.HIGH)},
        network=central,
        figures=figures,
        explanation=_words(table, figures),
        references=sorted(set(table["reference"])),
    )


@dataclass
class _Book:
    """Our figures about one network, each computed once.

    Attributes
    ----------
    whole
        Stages that are closed to a statistic. Others hold only what the listed plants of the next stage take.
    """

    net: SupplyNetwork
    whole: frozenset[str]

    def __post_init__(self) -> None:
        self._asked: dict[tuple[str, str], ConcentrationResult] = {}
        self._traded: dict[str, Trade] = {}

    def trade(self, stage: str) -> Trade:
        """Return who ships the products of a stage to whom."""
        if stage not in self._traded:
            self._traded[stage] = trade(self.net, stage)
        return self._traded[stage]

    def stage(self, stage: str, by: str) -> ConcentrationResult:
        """Return the concentration of a stage."""
        if (stage, by) not in self._asked:
            self._asked[stage, by] = concentration(self.net, stage=stage, by=by)
        return self._asked[stage, by]

    def world_t(self, stage: str) -> Bounds:
        """Tonnes made in a stage."""
        return (float(self.stage(stage, "country").figures["total_t"]),) * 3

    def hhi(self, stage: str) -> Bounds:
        """Concentration of a stage by country."""
        told = self.stage(stage, "country")
        return told.hhi, told.hhi_low, told.hhi_high

    def top3_share(self, stage: str) -> Bounds:
        """Share of the three largest countries; the unnamed rest may be one of them."""
        told = self.stage(stage, "country")
        return told.top3, told.top3, min(1.0, told.top3 + told.unknown_share)

    def share(self, stage: str, country: str) -> Bounds:
        """Share of a country; a country without a name in the stage may be in the unnamed rest."""
        told = self.stage(stage, "country")
        if country in told.table.index:
            return (float(told.table["share"][country]),) * 3
        return 0.0, 0.0, told.unknown_share

    def owner_share(self, stage: str, country: str, owner: str) -> Bounds:
        """Share that one country's owners hold of what a stage makes in another; who is not known may be theirs."""
        inside = stages.in_stage(self.net, stage)
        made = production(self.net, inside)
        node = self.net.processes["node"].reindex(made.index)
        at = made.groupby(node).sum()[lambda t: (self.net.nodes["country"].reindex(t.index) == country).to_numpy()]
        if not at.sum() > 0:
            return _NOTHING
        owners = self.net.owners.reset_index()
        owners = owners[owners["node"].isin(at.index)]
        tonnes = owners["share"] * at.reindex(owners["node"]).to_numpy()
        held = float(tonnes[owners["owner"] == owner].sum() / at.sum())
        return held, held, held + max(0.0, 1.0 - float(tonnes.sum() / at.sum()))

    def net_import_reliance(self, stage: str, country: str) -> Bounds:
        """Net imports of a country over its apparent consumption, as the USGS counts them."""
        figures = net_import_reliance(self.net, of=country, stage=stage).figures
        return (float(figures.get("net_import_reliance", math.nan)),) * 3

    def supply_risk(self, stage: str) -> Bounds:
        """Supply risk as the EU counts it, with the network's world shares."""
        figures = supply_risk(self.net, stage=stage).figures
        sr = float(figures["sr"])
        return sr, float(figures.get("sr_low", sr)), float(figures.get("sr_high", sr))

    def import_share(self, stage: str, country: str, partner: str) -> Bounds:
        """Share of a country's imports of the products of a stage, by the country where they were shipped."""
        bought = self.trade(stage).of(country)
        total = float(bought["flow_t"].sum())
        if not total > 0:
            return _NOTHING
        known, unnamed = (float(bought["flow_t"][bought["source"] == who].sum()) for who in (partner, ""))
        return known / total, known / total, (known + unnamed) / total


def _ours(net: SupplyNetwork, *, asked: pd.DataFrame, whole: frozenset[str]) -> Result:
    """Answer every claim for one network."""
    book = _Book(net, whole)
    ask: dict[str, Callable[[str, str, str], Bounds]] = {
        "world_t": lambda stage, *_: book.world_t(stage),
        "hhi": lambda stage, *_: book.hhi(stage),
        "top3_share": lambda stage, *_: book.top3_share(stage),
        "share": lambda stage, country, _: book.share(stage, country),
        "owner_share": book.owner_share,
        "import_share": book.import_share,
        "net_import_reliance": lambda stage, country, _: book.net_import_reliance(stage, country),
        "supply_risk": lambda stage, *_: book.supply_risk(stage),
    }
    about = asked[["figure", "stage", "country", "owner"]].to_numpy(dtype=object)
    found = [ask[figure](*row) if row[0] in book.whole else _NOTHING for figure, *row in about]
    table = pd.DataFrame(found, columns=["ours", "ours_low", "ours_high"], index=asked.index)
    return Result(title="our figures", table=table, network=net)


def _compared(asked: pd.DataFrame, ours: pd.DataFrame, net: SupplyNetwork) -> pd.DataFrame:
    table = asked.join(ours)
    apart = (table["ours_low"] > table["published_high"] + _ROUNDING) | (
        table["ours_high"] < table["published_low"] - _ROUNDING
    )
    verdict = np.where(table["ours"].isna(), UNKNOWN, np.where(apart, DISAGREES, AGREES))
    years = {}
    for by_stage in net.meta.get("base_years", {}).values():
        years.update(by_stage)
    names = stages.names(net, "country")
    titles = pd.concat([facts.read(f"facts/{name}.csv").set_index("reference")["title"] for name in _REFERENCES])
    table = table.assign(
        difference=table["ours"] - table["published"],
        verdict=verdict,
        our_year=table["stage"].map(years).astype("Int64"),
        about=[_about(row, names) for row in table.to_dict("records")],
        source=[str(titles.get(reference, reference)) for reference in table["reference"]],
    )
    order = [
        "mineral", "stage", "figure", "country", "owner", "about", "ours", "ours_low", "ours_high", "published",
        "published_low", "published_high", "difference", "verdict", "year", "our_year", "independent", "note", "source",
        "reference", "confidence",
    ]  # fmt: skip
    return table[order]


def _about(row: dict[Any, Any], names: pd.Series) -> str:
    """Say in words what a figure is about."""
    country, owner = (str(names.get(row[who], row[who])) for who in ("country", "owner"))
    stage = row["stage"]
    return {
        "world_t": f"World {stage}, t",
        "hhi": f"HHI of {stage}, by country",
        "top3_share": f"Three largest countries in {stage}",
        "share": f"{country} in {stage}",
        "owner_share": f"Owners from {owner} in {stage} in {country}",
        "import_share": f"{owner} in imports of {country}, {stage}",
        "net_import_reliance": f"Net import reliance of {country}, {stage} (USGS)",
        "supply_risk": f"Supply risk of the EU, {stage}",
    }[row["figure"]]


def _words(table: pd.DataFrame, figures: dict[str, Any]) -> str:
    words = [
        f"{figures['compared']} published figures compared, {figures['independent']} of them independent of our inputs."
    ]
    apart = table[table["verdict"] == DISAGREES]
    if apart.empty:
        words.append("All agree within our interval and their printed digits.")
    else:
        worst = apart.assign(size=(apart["difference"] / apart["published"]).abs()).sort_values("size", ascending=False)
        told = [
            f"{row['about']} (ours {_number(row['ours'], row['figure'])}, published "
            f"{_number(row['published'], row['figure'])} for {row['year']})"
            for row in worst.head(3).to_dict("records")
        ]
        words.append(f"{len(apart)} disagree by more than the interval; most of all {'; '.join(told)}.")
    silent = int((table["verdict"] == UNKNOWN).sum())
    if silent:
        why = "no statistic closes that stage of the network, or too little is known"
        words.append(f"{silent} cannot be compared: {why}.")
    return " ".join(words)


def _number(value: float, figure: str) -> str:
    if figure == "world_t":
        return f"{value:,.0f} t"
    return f"{value:.2f}" if figure in {"hhi", "supply_risk"} else f"{value:.0%}"
