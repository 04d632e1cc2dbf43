"""What stands under every chart: unit, year, how sure, and of which network."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph import facts
from supplygraph.maps.plots.style import GAP
from supplygraph.scenario.stages import in_stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplygraph.network.network import SupplyNetwork

#: Letters of a fingerprint that tell networks apart.
_SHORT = 8


def country_names(net: SupplyNetwork | None) -> Mapping[str, str]:
    """Return the name of each country by its code; the network's own come first."""
    own: dict[str, str] = {} if net is None else net.countries["name"].dropna().to_dict()  # type: ignore[assignment]
    return {**_common_names(), **own}


@lru_cache(maxsize=1)
def _common_names() -> Mapping[str, str]:
    table = facts.read("facts/countries.csv")
    return dict(zip(table["country"], table["name"], strict=True))


def site_names(net: SupplyNetwork | None) -> Mapping[str, str]:
    """Return the name of each site."""
    names: dict[str, str] = {} if net is None else net.nodes["name"].to_dict()  # type: ignore[assignment]
    return names


def tail(name: object, state: object) -> str:
    """Return what follows a site's name: the code of its country, unless the name says the country already."""
    if not isinstance(state, str) or str(country_names(None).get(state, "\n")) in str(name):
        return ""
    return f", {state}"


def years(net: SupplyNetwork, stage: str | None = None) -> str:
    """Return the years of the figures, ``2020 to 2024``."""
    found = _of_stage(net, stage)["year"].dropna()
    if found.empty:
        return "year unknown"
    low, high = int(found.min()), int(found.max())
    return str(low) if low == high else f"{low} to {high}"


def doubt(net: SupplyNetwork, stage: str | None = None) -> str:
    """Say how much of what a stage makes is estimated or of low confidence."""
    processes = _of_stage(net, stage)
    made = processes["activity_t"].fillna(0.0)
    if not made.sum() > 0:
        return ""
    weak = float(made[processes["confidence"].isin(["estimated", "low"])].sum() / made.sum())
    where = f"{stage} tonnes" if stage else "tonnes"
    return f"{weak:.0%} of {where} estimated or of low confidence".replace("%", f"{GAP}%")


def _of_stage(net: SupplyNetwork, stage: str | None) -> pd.DataFrame:
    processes = net.processes
    if stage is None:
        return processes
    inside = in_stages(net, (stage,))
    return processes[inside.to_numpy(dtype=bool) & ~processes["role"].isin(["stock", "trade"]).to_numpy()]


def intervals(params: Mapping[str, Any], *, drawn: bool, what: str = "Whiskers", can: bool = True) -> str:
    """Say what the whiskers are, or that there are none and, where they can be had, how to get them."""
    if "draws" not in params:
        return "No intervals: ask it of sg.ensemble(net, 200) for them" if can else "No intervals: one central estimate"
    low, high = (round(100 * end) for end in params["interval"])
    if not drawn:
        return f"{params['draws']} draws, but no interval for this column"
    return f"{what}: {low} to {high}{GAP}% of {params['draws']} draws"


def source(net: SupplyNetwork | None) -> str:
    """Name the package, its version and the network."""
    from supplygraph import __version__

    if net is None:
        return f"supplygraph {__version__}, from quantities given by the caller"
    return f"supplygraph {__version__}, network {net.fingerprint[:_SHORT]}, {len(net.references)} references"


def caption(*parts: str) -> str:
    """Join what is known into one caption."""
    told = [part.strip().rstrip(".") for part in parts if part]
    return ". ".join(part if part.startswith("supplygraph") else f"{part[:1].upper()}{part[1:]}" for part in told) + "."


def number(table: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as numbers, all missing where the table lacks it."""
    if column not in table.columns:
        return pd.Series(float("nan"), index=table.index, dtype="float64")
    return pd.to_numeric(table[column]).astype("float64")
