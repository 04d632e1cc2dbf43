"""What the authorities publish: figures to hold our own against, each with its year, source and precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Columns of :func:`claims`.
COLUMNS = (
    "claim", "mineral", "stage", "figure", "country", "owner", "published", "published_low", "published_high", "year",
    "independent", "note", "reference", "confidence",
)  # fmt: skip
#: Largest countries of a statistic that are compared one by one.
_LARGEST = 3
#: What the USGS calls a mineral, and the stage at which the United States import it.
_USGS = {
    "antimony": ("antimony", "refining"), "cobalt": ("cobalt", "refining"), "copper": ("copper", "refining"),
    "gallium": ("gallium", "refining"), "germanium": ("germanium", "refining"), "graphite": ("graphite", "mining"),
    "lithium": ("lithium", "refining"), "nickel": ("nickel", "refining"), "rare earths": ("rare_earths", "separation"),
    "tungsten": ("tungsten", "refining"),
}  # fmt: skip
_PERCENT = 0.005
_EU_STUDY = "mean of about 2016-2020, as the study of 2023 took it"
_US_MEAN = "mean of 2021-2024; ours is of the base year"
_US_SCOPE = "the United States' own scope: scrap counts as production, and stock changes are in it"


def claims(mineral: str, inputs: Iterable[tuple[str, str, int]]) -> pd.DataFrame:
    """Return the published figures about a mineral.

    Parameters
    ----------
    mineral
        Its name.
    inputs
        Stage, series and year of the statistics that the network was closed to: what they say is no independent
        witness.

    Returns
    -------
    pandas.DataFrame
        One row per figure. ``figure`` is ``world_t``, ``share`` (of ``country`` in the stage), ``owner_share`` (of
        ``owner`` in the stage in ``country``), ``top3_share``, ``hhi``, ``net_import_reliance`` (of ``country``),
        ``import_share`` (of the imports of ``country``, from ``owner``) or ``supply_risk``. ``published``, with the
        range ``published_low`` to ``published_high`` that its printed digits or its qualifier leave open; ``year``;
        ``independent``; ``note``, ``reference``, ``confidence``.

    Examples
    --------
    >>> told = claims("cobalt", [("mining", "usgs-mcs2026", 2025)])
    >>> told.query("figure == 'net_import_reliance'")[["published", "published_low", "published_high"]].values.tolist()
    [[0.79, 0.785, 0.795]]
    """
    used = set(inputs)
    parts = [*_statistics(mineral, used), *_european(mineral), *_american(mineral), *_told(mineral)]
    table = pd.DataFrame(parts, columns=list(COLUMNS[1:]))
    table.insert(0, "claim", [f"{mineral}-{number + 1:02d}" for number in range(len(table))])
    return table.set_index("claim")


def _row(mineral: str, stage: str, figure: str, value: float, give: float | tuple[float, float], **more: Any) -> Any:
    low, high = give if isinstance(give, tuple) else (value - give, value + give)
    if figure not in {"world_t", "supply_risk"}:
        low, high = max(low, 0.0), min(high, 1.0)
    return {
        "mineral": mineral, "stage": stage, "figure": figure, "published": value, "published_low": low,
        "published_high": high, "independent": True, "note": "", **more,
    }  # fmt: skip


def _statistics(mineral: str, used: set[tuple[str, str, int]]) -> Iterator[Any]:
    """Yield world totals and the largest shares of each production statistic."""
    table = facts.read("facts/production.csv")
    table = table[(table["mineral"] == mineral) & ~table["stage"].str.endswith("_capacity")]
    chain = facts.read("facts/chains.csv").query("mineral == @mineral").drop_duplicates(["statistic_stage", "series"])
    factors = chain.set_index(["statistic_stage", "series"])["factor"]
    told = table[["stage", "series", "year"]].drop_duplicates().sort_values(["stage", "series", "year"])
    for stage, series, year in told.itertuples(index=False, name=None):
        rows = table[(table["stage"] == stage) & (table["series"] == series) & (table["year"] == year)]
        given = rows.dropna(subset="quantity_t")
        source = {"year": int(year), "independent": (stage, series, int(year)) not in used}
        for world in given[given["country"] == "WLD"].to_dict("records"):
            total, factor = float(world["quantity_t"]), float(factors.get((stage, series), 1.0))
            more = {**source, "reference": world["reference"], "confidence": world["confidence"]}
            if factor != 1.0:
                more["note"] = f"printed as {total:,.0f} {world['unit_basis']}, of which {factor:.3g} count"
            yield _row(mineral, stage, "world_t", total * factor, _half_digit(total) * factor, **more)
        own = given[given["country"] != "WLD"]
        named = own[own["country"] != "OTH"].sort_values(["quantity_t", "country"], ascending=[False, True])
        if len(own) < 2 or not (given["country"] == "WLD").any():
            continue  # a list of some countries has no shares
        for country in named.head(_LARGEST).to_dict("records"):
            share = float(country["quantity_t"]) / float(own["quantity_t"].sum())
            more = {**source, "reference": country["reference"], "confidence": country["confidence"]}
            yield _row(mineral, stage, "share", share, _PERCENT, country=country["country"], **more)


def _half_digit(value: float) -> float:
    """Return half of the last printed digit of a rounded number."""
    digits = f"{value:.0f}"
    return 0.5 * 10.0 ** (len(digits) - len(digits.rstrip("0")))


def _european(mineral: str) -> Iterator[Any]:
    """Yield the world shares and the supply risk of the EU study of 2023."""
    table = facts.read("facts/trade_parameter.csv")
    table = table[(table["mineral"] == mineral) & table["global_supply_share_pct"].notna()]
    for stage in sorted(set(table["stage"])):
        rows = table[table["stage"] == stage]
        largest = rows.sort_values(["global_supply_share_pct", "country"], ascending=[False, True]).head(_LARGEST)
        for row in largest.to_dict("records"):
            share = float(row["global_supply_share_pct"]) / 100
            more = {"year": 2018, "note": _EU_STUDY, "reference": row["reference"], "confidence": row["confidence"]}
            yield _row(mineral, stage, "share", share, _PERCENT, country=row["country"], **more)
    materials = facts.read("facts/materials.csv")
    materials = materials[(materials["mineral"] == mineral) & materials["supply_risk_eu_2023"].notna()]
    for row in materials.to_dict("records"):
        more = {
            "year": 2023, "note": "ours: the network's shares with the other inputs of the study",
            "reference": row["supply_risk_reference"], "confidence": row["confidence"],
        }  # fmt: skip
        yield _row(mineral, row["stage"], "supply_risk", float(row["supply_risk_eu_2023"]), 0.05, **more)


def _american(mineral: str) -> Iterator[Any]:
    """Yield what the USGS says of the imports of the United States."""
    for row in facts.read("facts/usgs_net_import_reliance.csv").to_dict("records"):
        name, stage = _usgs(str(row["commodity"]))
        if name != mineral:
            continue
        text = str(row["net_import_reliance_pct_2025"])
        value = float(text.removeprefix(">")) / 100
        give = (value, 1.0) if text.startswith(">") else _PERCENT
        more = {
            "country": "USA", "year": 2025, "reference": row["reference"], "confidence": row["confidence"],
            "note": f"printed as {text} %; {_US_SCOPE}" if text.startswith(">") else _US_SCOPE,
        }  # fmt: skip
        yield _row(mineral, stage, "net_import_reliance", value, give, **more)
    codes = facts.read("facts/countries.csv").set_index("name")["country"]
    for row in facts.read("facts/usgs_major_import_sources.csv").to_dict("records"):
        name, stage = _usgs(str(row["commodity"]))
        if name != mineral or row["country_2021_24"] == "Other":
            continue
        partner = codes[str(row["country_2021_24"])]
        more = {
            "country": "USA", "owner": partner, "year": 2022, "note": _US_MEAN, "reference": row["reference"],
            "confidence": row["confidence"],
        }  # fmt: skip
        yield _row(mineral, stage, "import_share", float(row["import_pct"]) / 100, _PERCENT, **more)


def _usgs(commodity: str) -> tuple[str, str]:
    told = commodity.lower()
    return next((found for words, found in _USGS.items() if told.startswith(words)), ("", ""))


def _told(mineral: str) -> Iterator[Any]:
    """Yield single figures found in reports (``facts/published.csv``)."""
    table = facts.read("facts/published.csv")
    for row in table[table["mineral"] == mineral].fillna({"note": ""}).to_dict("records"):
        more: dict[str, Any] = {
            "country": row["country"], "owner": row["owner"], "year": int(row["year"]),
            "independent": row["independent"] == "yes", "note": str(row["note"]),
            "reference": row["reference"], "confidence": row["confidence"],
        }  # fmt: skip
        yield _row(mineral, row["stage"], row["figure"], row["level_value"], row["plus_minus_value"], **more)
