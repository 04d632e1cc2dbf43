"""GeoPolRisk: the geopolitical supply risk of what a country imports.

``score = HHI x sum_i g_i f_i / (p + F)``, between 0 and 1, with the HHI of world production (0 to 1), ``f_i`` what the
country imports from i, ``F`` their sum, ``p`` its domestic production and ``g_i`` the political instability of i, from
0 (stable) to 1. The sum is the *import risk*. The characterisation factor of life-cycle assessment is the score times
the price (Gemechu et al. 2016, J. Ind. Ecol. 20; Santillan-Saldivar et al. 2022, Int. J. Life Cycle Assess. 27;
Koyamparambath et al. 2024, Resour. Conserv. Recycl. 209).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import governance, quantities, spread, stages
from supplygraph.measures.concentration import concentration
from supplygraph.measures.import_reliance import trade
from supplygraph.measures.quantities import of_tonnes
from supplygraph.results import Result
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

    Tonnes = pd.Series | Mapping[str, float]
    Told = tuple[str, str, str]

_VARYING = ("score", "import_risk", "hhi")


class GeoPolRiskResult(Result):
    """GeoPolRisk score of one importer.

    ``table`` is indexed by supplying country: ``imports_t``, ``share`` (of imports and domestic production),
    ``instability`` (0 to 1), ``risk`` (their product), ``rank``. ``missing`` says which figures are missing, and why.
    """

    @property
    def score(self) -> float:
        """The score, 0 to 1."""
        return float(self.figures["score"])

    @property
    def import_risk(self) -> float:
        """Imports weighed with the instability of where they are from, over imports and domestic production."""
        return float(self.figures["import_risk"])

    @property
    def hhi(self) -> float:
        """Concentration of world production, 0 to 1."""
        return float(self.figures["hhi"])


def instability(stability: float) -> float:
    """Turn an estimate of political stability (-2.5 to 2.5, higher is better) into instability, 0 to 1.

    Examples
    --------
    >>> instability(2.5), instability(0.0), instability(-2.5)
    (0.0, 0.5, 1.0)
    """
    return min(1.0, max(0.0, (2.5 - stability) / 5.0))


def geopolrisk(
    what: SupplyNetwork | Ensemble | None = None,
    *,
    importer: str | None = None,
    stage: str = "refining",
    blocs: Blocs | None = None,
    hhi: float | None = None,
    production: Tonnes | None = None,
    imports: Tonnes | None = None,
    domestic: float | None = None,
    stability: Tonnes | None = None,
    import_risk: float | None = None,
    price_usd_t: float | None = None,
    copper_usd_t: float | None = None,
) -> GeoPolRiskResult:
    """Measure the geopolitical supply risk of what a country imports.

    Parameters
    ----------
    what
        A network with one mineral in the stage, or an ensemble of it. Left out, the published inputs count.
    importer
        On a network: the country (or bloc) that imports.
    stage, blocs
        On a network: whose products are imported; ``blocs`` makes several countries one importer.
    hhi
        Concentration of world production on the scale 0 to 1; or
    production
        World production in tonnes by country, without any total; its own production of the importer is then known.
    imports
        Imports in tonnes by country of origin; ``OTH`` is what has no name.
    domestic
        Domestic production of the importer in tonnes.
    stability
        Political stability by country as the World Bank estimates it (-2.5 to 2.5, higher is better), turned into
        instability by ``g = (2.5 - stability) / 5``. Left out: the bundled estimates of 2023.
    import_risk
        The import risk as published, in place of imports.
    price_usd_t
        Price in USD per tonne. Left out, a network's own price of the stage's product.
    copper_usd_t
        Characterisation factor of copper for the same importer and year in USD per tonne, for the factor in copper
        equivalents.

    Returns
    -------
    GeoPolRiskResult
        ``score`` (0 to 1), ``import_risk``, ``hhi``, each with ``_low`` and ``_high``;
        ``characterisation_usd_t`` (score times price) and ``characterisation_kg_cu`` (per kg, in kg of copper).

    Raises
    ------
    DataError
        If the inputs cannot be right (an HHI above 1, totals among the rows, scores on another scale): all are listed.
    UnknownNameError
        If there is no such stage or importer.

    Examples
    --------
    >>> told = geopolrisk(hhi=0.5, imports={"CHN": 60.0, "AUS": 20.0}, domestic=20.0,
    ...                   stability={"CHN": -0.5, "AUS": 1.0}, price_usd_t=1000.0)
    >>> round(told.import_risk, 3), round(told.score, 3), round(told.characterisation_usd_t)
    (0.42, 0.21, 210)

    Notes
    -----
    What is imported from a country without a stability score makes the score missing (other tools put 0.5); its bounds
    let that instability run from 0 to 1, as for imports without a name, which otherwise add nothing. Stability is one
    of the six indicators, not their mean. Linear in the shipments.
    """
    options = {"importer": importer, "stage": stage, "blocs": blocs, "stability": stability, "price_usd_t": price_usd_t}
    plain = {"hhi": hhi, "production": production, "imports": imports, "domestic": domestic, "import_risk": import_risk}
    if isinstance(what, Ensemble):
        asked = spread.Spread(columns=("imports_t", "share", "risk"), rank="risk", figures=_VARYING)
        return spread.over(what, geopolrisk, asked, **options, **plain, copper_usd_t=copper_usd_t)
    price = _checked("price_usd_t", price_usd_t, math.inf)
    copper = _checked("copper_usd_t", copper_usd_t, math.inf)
    if what is None:
        title, world, found, why = _published(importer, plain, stability)
    else:
        title, world, found, why = _of_network(what, importer, stage, blocs, plain, stability)
        price = _price(what, stage) if math.isnan(price) else price
    table, risk = found
    figures = _figures(world, risk, price, copper)
    why += _lacking(figures, price)
    return GeoPolRiskResult(
        title=title,
        table=table,
        params={name: value for name, value in options.items() if isinstance(value, (str, float, int))},
        network=what,
        figures=figures,
        tables={"missing": governance.missing_table(why)},
        explanation=_words(table, figures, why),
    )


def _checked(name: str, value: object, most: float, remedy: str = "") -> float:
    """Return a number from 0 to a largest one; missing where it is not given."""
    if value is None:
        return math.nan
    found = quantities.number(value)
    if found is None or not 0.0 <= found <= most or math.isinf(found):
        said = f"{value!r} is no number from 0{'' if math.isinf(most) else f' to {most:g}'}."
        raise DataError("this input cannot be right", [Problem(name, said, remedy)])
    return found


def _published(
    importer: str | None, plain: Mapping[str, Any], stability: Tonnes | None
) -> tuple[str, tuple[float, float, float], tuple[pd.DataFrame, tuple[float, float, float]], list[Told]]:
    """Return title, HHI, imports with their risk, and what is missing, from published inputs."""
    both = [
        Problem(one, f"given together with {other}.", "Give one of the two.")
        for one, other in (("hhi", "production"), ("import_risk", "imports"))
        if plain[one] is not None and plain[other] is not None
    ]
    if both:
        raise DataError("two sources of the same number", both)
    why: list[Told] = []
    divide = "The score needs the scale 0 to 1: divide by 10 000."
    world = (_checked("hhi", plain["hhi"], 1.0, divide),) * 3
    domestic = _checked("domestic", plain["domestic"], math.inf)
    if plain["production"] is not None:
        counted = of_tonnes(plain["production"], label="production")
        world = (counted.hhi, counted.hhi, counted.hhi_high)
        if math.isnan(domestic) and importer is not None:
            domestic = float(counted.tonnes.get(importer, 0.0))
    if math.isnan(world[0]):
        why.append(("score", "hhi", "neither hhi nor production is given"))
    title = f"GeoPolRisk{f' of {importer}' if importer else ''}"
    if plain["imports"] is None:
        risk = _checked("import_risk", plain["import_risk"], 1.0)
        if math.isnan(risk):
            why.append(("import_risk", "imports", "neither imports nor import_risk are given"))
        return title, world, (_suppliers({}, 0.0, {}), (risk,) * 3), why
    counted = of_tonnes(plain["imports"], label="import")
    if importer is not None and importer in counted.tonnes.index:
        problem = Problem(f"import {importer!r}", "the importer cannot import from itself.", "Give it as domestic.")
        raise DataError("these imports cannot be right", [problem])
    if math.isnan(domestic):
        why.append(("import_risk", "domestic", "domestic production is not given (0 if there is none)"))
    rest = max(0.0, counted.total - math.fsum(counted.tonnes))
    named = {str(key): float(tonnes) for key, tonnes in counted.tonnes.items()}
    return title, world, _weigh(named, rest, domestic, stability, why), why


def _of_network(
    network: SupplyNetwork, importer: str | None, stage: str, blocs: Blocs | None, plain: Mapping[str, Any],
    stability: Tonnes | None,
) -> tuple[str, tuple[float, float, float], tuple[pd.DataFrame, tuple[float, float, float]], list[Told]]:  # fmt: skip
    """Return the same from a network."""
    problems = [
        Problem(name, "given beside a network, which has its own.", "Give one of the two.")
        for name, value in plain.items()
        if value is not None
    ]
    if importer is None:
        problems.append(Problem("importer", "not given.", 'Say who imports: importer="DEU".'))
    if problems:
        raise DataError("these inputs do not go together", problems)
    moved = trade(network, stage, blocs)
    known = {*moved.production.index, *moved.flows["source"], *moved.flows["target"]} - {""}
    if importer not in known:
        raise UnknownNameError.of("importer", importer, known)
    whole = concentration(network, stage=stage, wgi=False)
    into = moved.of(str(importer)).set_index("source")["flow_t"]
    why: list[Told] = []
    by_country = into.drop("", errors="ignore")
    if blocs is not None:  # a bloc that exports is several countries: their stability differs
        by_country = _members(network, stage, blocs, str(importer))
    rest = max(0.0, math.fsum(into) - math.fsum(by_country))
    domestic = float(moved.production.get(importer, 0.0))
    minerals = ", ".join(sorted(set(network.processes["mineral"]))).replace("_", " ")
    title = f"GeoPolRisk of {importer}: {minerals}, {stage}"
    weighed = _weigh({str(key): float(value) for key, value in by_country.items()}, rest, domestic, stability, why)
    return title, (whole.hhi, whole.hhi_low, whole.hhi_high), weighed, why


def _members(network: SupplyNetwork, stage: str, blocs: Blocs, importer: str) -> pd.Series:
    """Return what a bloc imports, by country of origin outside it."""
    flows = trade(network, stage).flows
    bloc = stages.bloc_of(sorted({*flows["source"], *flows["target"]} - {""}), blocs)
    inside = flows["target"].map(bloc) == importer
    outside = (flows["source"] != "") & (flows["source"].map(bloc) != importer)
    found: pd.Series = flows[inside & outside].groupby("source")["flow_t"].sum()
    return found


def _weigh(
    imports: Mapping[str, float], rest: float, domestic: float, stability: Tonnes | None, why: list[Told]
) -> tuple[pd.DataFrame, tuple[float, float, float]]:
    """Return the suppliers and the import risk with its bounds; note who has no score."""
    given = stability is not None
    scores = governance.stability_by_country() if stability is None else governance.given_wgi(stability, "stability")
    unstable = {country: instability(scores[country]) if country in scores else math.nan for country in imports}
    source = "as given" if given else f"World Bank {governance.WGI_YEAR}"
    why += [
        ("import_risk", country, f"no political stability ({source})")
        for country, value in unstable.items()
        if math.isnan(value) and imports[country] > 0
    ]
    whole = math.fsum(imports.values()) + rest + domestic
    table = _suppliers(imports, whole, unstable)
    if not whole > 0:
        if not math.isnan(whole):
            why.append(("import_risk", "imports", "nothing is imported or made"))
        return table, (math.nan,) * 3
    share = table["share"].to_numpy()
    g = table["instability"].to_numpy()
    known = math.fsum(share * g)
    low = math.fsum(share * np.where(np.isnan(g), 0.0, g))
    high = math.fsum(share * np.where(np.isnan(g), 1.0, g)) + rest / whole
    return table, (known, low, high)


def _suppliers(imports: Mapping[str, float], whole: float, unstable: Mapping[str, float]) -> pd.DataFrame:
    """Return the table of suppliers, the riskiest first."""
    tonnes = np.array(list(imports.values()), dtype=np.float64)
    g = np.array([unstable[country] for country in imports], dtype=np.float64)
    share = tonnes / whole if whole > 0 or math.isnan(whole) else np.full(len(tonnes), np.nan)
    index = pd.Index(list(imports), name="country", dtype="str")
    table = pd.DataFrame({"imports_t": tonnes, "share": share, "instability": g, "risk": share * g}, index=index)
    order = np.lexsort((index.to_numpy(dtype=str), -np.nan_to_num(table["risk"].to_numpy(), nan=np.inf)))
    table = table.iloc[order]
    table["rank"] = np.arange(1, len(table) + 1)
    return table


def _price(network: SupplyNetwork, stage: str) -> float:
    """Return the price of what a stage makes, where one is known."""
    inside = stages.in_stage(network, stage).to_numpy(dtype=bool)
    made = network.processes["output"][inside].dropna().unique()
    prices = network.products["price_usd_t"].reindex(made).dropna().unique()
    return float(prices[0]) if len(prices) == 1 else math.nan


def _figures(
    world: tuple[float, float, float], risk: tuple[float, float, float], price: float, copper: float
) -> dict[str, float]:
    figures: dict[str, float] = {}
    for end, concentrated, exposed in zip(("", "_low", "_high"), world, risk, strict=True):
        figures |= {f"score{end}": concentrated * exposed, f"import_risk{end}": exposed, f"hhi{end}": concentrated}
    factor = figures["score"] * price
    figures["characterisation_usd_t"] = factor
    if not math.isnan(copper):
        figures["characterisation_kg_cu"] = factor / copper if copper > 0 else math.nan
    return figures


def _lacking(figures: Mapping[str, float], price: float) -> list[Told]:
    """Say why scores and factors are missing that follow from others."""
    found = []
    if math.isnan(figures["import_risk"]):
        found.append(("score", "import_risk", "the import risk is missing"))
    if math.isnan(figures["characterisation_usd_t"]):
        reason = "no price is known" if math.isnan(price) else "the score is missing"
        found.append(("characterisation_usd_t", "price_usd_t" if math.isnan(price) else "score", reason))
    return found


def _words(table: pd.DataFrame, figures: Mapping[str, float], why: list[Told]) -> str:
    names = quantities.country_names()
    words = []
    if not math.isnan(figures["score"]):
        words.append(
            f"Score {figures['score']:.3f} of 1: concentration of production {figures['hhi']:.3f} times import risk "
            f"{figures['import_risk']:.3f}."
        )
    top = table[table["risk"] > 0].head(3)
    if len(top):
        told = [f"{names.get(str(country), country)} {risk:.3f}" for country, risk in top["risk"].items()]
        words.append(f"The risk comes from {', '.join(told)}.")
    if not math.isnan(figures["characterisation_usd_t"]):
        words.append(f"At its price, {figures['characterisation_usd_t']:,.0f} USD of each tonne are at risk.")
    words += [f"{figure} is missing: {item}: {reason}." for figure, item, reason in why]
    return " ".join(words)
