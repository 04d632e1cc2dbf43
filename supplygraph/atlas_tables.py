"""The tables of an atlas chapter: as files for spreadsheets, and as plain values for its page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.maps.sheet import shown
from supplygraph.network.formats import for_people

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.results import Result

_SHARES = {"mining": "mining", "refining": "refining", "owners": "refining_by_owner"}
_OF = {"mining": "mining", "refining": "refining", "owners": "refining, by owner"}


def key_figures(answers: Mapping[str, Result], forge: Mapping[str, Any]) -> pd.DataFrame:
    """Return the chapter's numbers that stand in no row of another table, indexed by a short key.

    Parameters
    ----------
    answers
        Answers of the chapter by name.
    forge
        What the chapter says of the rerouting, see ``atlas.summary``.
    """
    rows: list[tuple[str, str, float | None, float | None, float | None, str]] = []
    for key, name in _SHARES.items():
        if name in answers:
            told = answers[name]
            rows.append((f"hhi_{key}", f"HHI of {_OF[key]}", float(told.hhi), float(told.hhi_low), float(told.hhi_high),
                         "index from 0 to 1"))  # fmt: skip
    cut, unmet = forge["cut_t"], forge["zone_unmet_t"]
    lost = f"if {forge['refiner_name']} halves its exports"
    singles = (
        ("zone_demand_t", "Demand in the zone", forge["zone_demand_t"], "t a year"),
        ("cut_t", f"Lost at once in the zone, {lost}", cut, "t a year"),
        ("zone_unmet_t", "Unmet in the zone after rerouting", unmet, "t a year"),
        ("recovered", "Part of the loss brought back by rerouting", (cut - unmet) / cut if cut > 0 else None, "share"),
        ("ruled_zone_unmet_t", "Unmet if refining must be aligned", forge["ruled_zone_unmet_t"], "t a year"),
        ("rest_unmet_t", "Unmet outside the zone after rerouting", forge["rest_unmet_t"], "t a year"),
        ("added_cost_usd_t", "Change of freight by rerouting", forge["added_cost_usd_t"], "USD per tonne delivered"),
    )
    rows += [(key, words, value, None, None, unit) for key, words, value, unit in singles]
    columns = ["key", "figure", "value", "value_low", "value_high", "unit"]
    return pd.DataFrame(rows, columns=columns).set_index("key")


def write_tables(
    folder: Path, named: Iterable[tuple[str, pd.DataFrame]], net: SupplyNetwork, quality: pd.DataFrame
) -> list[dict[str, Any]]:
    """Write each table as ``folder / name.csv`` and return what its page says of it, as plain values.

    Parameters
    ----------
    folder
        Where the files go; the page of tables stands one folder above.
    named
        Tables by name; their index becomes columns.
    net
        The network, for the titles of the sources.
    quality
        Rows of :func:`supplygraph.datasets` of the mineral, for years and sources.
    """
    titles = net.references["title"]
    told = []
    for name, frame in named:
        flat = _flat(frame)
        for_people(flat).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        stages = quality[quality["stage"] == name.removesuffix("_by_owner")]
        year, source = _stated(stages if len(stages) else quality, titles)
        first = flat.head(shown(len(flat)))
        told.append(
            {
                "name": name,
                "columns": [str(column) for column in flat.columns],
                "rows": len(flat),
                "cells": json.loads(first.to_json(orient="values", double_precision=15)),
                "csv": f"{folder.name}/{name}.csv",
                "year": "" if name == "evidence" else year,
                "source": "stands in each row" if name == "evidence" else source,
            }
        )
    return told


def _stated(quality: pd.DataFrame, titles: pd.Series[Any]) -> tuple[str, str]:
    """Return the years and the titles of the statistics that a table rests on."""
    years = sorted({int(year) for year in quality["year"].dropna()})
    span = "" if not years else f"{years[0]}" if len(years) == 1 else f"{years[0]} to {years[-1]}"
    cited = list(dict.fromkeys(str(titles.get(key, key)) for key in quality["reference"].dropna()))
    return span, "; ".join(cited)


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the index as columns; an index that a column repeats, or that has no name, is dropped."""
    known = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(known).reset_index(drop=True) if known else frame.reset_index(drop=True)
