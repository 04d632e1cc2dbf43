"""What freight costs and how long it takes, by mode: read from ``data/facts/freight.csv``.

Rates are USD per gross tonne, so that ore and metal compare. Where the table has no row the value is an
assumption and stands here with its name; such legs carry the references ``assumption-land-freight`` and
``assumption-sea-freight``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from supplygraph import facts
from supplygraph.errors import DataError, Problem

#: Assumed, km a day: freight trains and lorries outside Africa.
RAIL_KM_DAY, ROAD_KM_DAY = 400.0, 500.0
#: Assumed, USD per gross t-km at sea for parcels of concentrate; the sourced capesize rates of 0.0013 to 0.0018
#: are for ships ten times larger.
SEA_USD_T_KM = 0.006
#: Assumed, days in port at each end of a voyage.
PORT_DAYS = 1.5
LAND_REFERENCE, SEA_REFERENCE = "assumption-land-freight", "assumption-sea-freight"
#: Countries where southern African rates and speeds hold.
AFRICA = frozenset(
    ["AGO", "BWA", "COD", "KEN", "LSO", "MDG", "MOZ", "MWI", "NAM", "RWA", "SWZ", "TZA", "UGA", "ZAF", "ZMB", "ZWE"]
)
#: Days lost to loading and marshalling a train.
TRAIN_DAYS = 1.0


class Rate(NamedTuple):
    """Freight by one mode: USD per gross t-km, USD per gross t for loading, km a day."""

    usd_t_km: float
    usd_t: float
    km_day: float


def _cell(mode: str, cargo: str, region: str, column: str) -> float:
    """Return one number of the freight table."""
    table = facts.read("facts/freight.csv")
    row = table[(table["mode"] == mode) & (table["cargo"] == cargo) & (table["region"] == region)]
    if len(row) != 1 or row[column].isna().any():
        problem = Problem(f"facts/freight.csv, {mode}, {cargo}, {region}", f"no single value of `{column}`.")
        raise DataError("freight rates are missing", [problem])
    return float(row[column].iloc[0])


@lru_cache(maxsize=4)
def land_rate(mode: str, *, africa: bool) -> Rate:
    """Return the rate by ``rail`` or ``road``.

    Rail: dry bulk, USA, or general, southern Africa (km a day: copper concentrate, COD-AGO); road: dry bulk,
    USA, or general, southern Africa (km a day: copper, COD-TZA). Loading a train costs a transload.

    Examples
    --------
    >>> land_rate("rail", africa=False)
    Rate(usd_t_km=0.0356, usd_t=15.33, km_day=400.0)
    """
    cargo, region = ("general", "southern Africa") if africa else ("dry bulk", "USA")
    per_km = _cell(mode, cargo, region, "usd_per_t_km")
    if mode == "rail":
        speed = _cell("rail", "copper concentrate", "COD-AGO", "speed_km_day") if africa else RAIL_KM_DAY
        return Rate(per_km, transload_usd_t(), speed)
    return Rate(per_km, 0.0, _cell("road", "copper", "COD-TZA", "speed_km_day") if africa else ROAD_KM_DAY)


@lru_cache(maxsize=1)
def transload_usd_t() -> float:
    """Return USD per gross tonne for a change of mode, port calls included (transload, any, USA)."""
    return _cell("transload", "any", "USA", "usd_per_t")


@lru_cache(maxsize=1)
def sea_rate() -> Rate:
    """Return the rate at sea, with one port call as loading (km a day: dry bulk, WLD).

    Examples
    --------
    >>> sea_rate()
    Rate(usd_t_km=0.006, usd_t=15.33, km_day=530.0)
    """
    return Rate(SEA_USD_T_KM, transload_usd_t(), _cell("sea", "dry bulk", "WLD", "speed_km_day"))
