"""Price instruments on the map: what prices do in each country, the zone, its duties, and flows before and after."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.maps import zones
from supplygraph.maps.layers import spaced
from supplygraph.network import codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplygraph.maps.layers import Payload

#: Sites of unknown country share this market.
_UNKNOWN = "OTH"
#: Duties drawn at most, the largest revenue first; duties below this many USD/t are none.
_DUTIES, _LEAST_DUTY = 60, 0.5
#: Share of all revenue that a duty must bring to be drawn.
_SEEN = 0.03
_MILLION = 1e6
#: A price that moves by less stands still.
_TINY = 5e-5


def tells(result: Any) -> bool:
    """Whether an answer is about prices under instruments."""
    return {"duties", "viable", "surplus", "missed"} <= set(getattr(result, "tables", {}))


def product_of(result: Any) -> str:
    """Return the product that the map fills countries by: the first with a duty, else that which moves most."""
    duties, table = result.duties, result.table
    if len(duties):
        return str(duties["product"].iloc[0])
    moved = table["change_usd_t"].abs()
    if moved.max() > 0:
        return str(table.loc[moved.idxmax(), "product"])
    order = result.network.products["order"].astype("float64")
    return str(order.idxmax())


def after(result: Any) -> dict[str, Any]:
    """Return the state after: today's shipments in proportion to what each pair of countries trades then.

    Pairs that do not trade today have no route; what they trade is counted in the key figures, not drawn.
    """
    net = result.network
    ships = net.shipments
    place = net.processes["node"].map(net.nodes["country"]).astype(object).fillna(_UNKNOWN)
    origin, destination = (ships[side].map(place) for side in ("origin", "destination"))
    pair = origin + ">" + destination + ":" + ships["product"]
    flows, table = result.flows, result.table
    ratio = (flows["after_t"] / flows["before_t"]).where(flows["before_t"] > 0)
    home = _home(table)
    abroad = pair.map(ratio.to_dict())
    inside = (origin + ":" + ships["product"]).map(home.to_dict())
    factor = np.where(origin == destination, inside.fillna(1.0), abroad.fillna(1.0))
    moved = ships.assign(flow_t=ships["flow_t"] * factor)
    return {"name": "Under the instruments", "shipments": moved[moved["flow_t"] > 0], "kpis": figures(result)}


def _home(table: pd.DataFrame) -> pd.Series:
    """Return how what stays at home changes, by market."""
    before = (table["produced_before_t"] - table["exported_before_t"]).clip(lower=0.0)
    now = (table["produced_t"] - table["exported_t"]).clip(lower=0.0)
    return (now / before).where(before > 0, 1.0)


def overlay(result: Any, builder: Payload, countries: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows: countries by the rise of the price, the zone and its duties."""
    product = product_of(result)
    table = result.table[result.table["product"] == product].set_index("country")
    table = table[table.index.isin(list(countries)) & table["change_usd_t"].notna()]
    rise = (table["change_usd_t"] / table["price_before_usd_t"]).sort_values(ascending=False, kind="stable")
    members = [code for code in result.params["members"] if code in codes.ALPHA3]
    found: dict[str, Any] = {
        "answer": {
            "label": f"Rise of the price of {plain(product)}",
            "shares": {str(code): round(float(value), 4) for code, value in rise.sort_index().items() if value > 0},
            "countries": {str(code): _popup(table.loc[code], str(code), result) for code in table.index},
            "hide": ["names", "passage", "port"], "ranked": _ranked(table, rise, countries), "unit": "%", "more": 0,
            "note": _note(result),
        },
        "fill": "answer",
    }
    return found | zones.overlay(members or None, _duties(result), builder)


def figures(result: Any) -> dict[str, object]:
    """Return the key figures of the panel, with their intervals."""
    given = result.figures
    found: dict[str, object] = {}
    if "zone_price_usd_t" in given and math.isfinite(given["zone_price_usd_t"]):
        before, now = given["zone_price_before_usd_t"], given["zone_price_usd_t"]
        found["Price to users"] = f"{spaced(before)} to {spaced(now)} USD/t"
    found["Users lose"] = _bounded(given, "cost_to_users", "usd")
    found["Duties"] = _bounded(given, "revenue", "usd")
    if given["payments_usd"]:
        found["Contracts"] = _bounded(given, "payments", "usd")
    found["Output"] = f"{spaced(given['zone_output_before_t'])} to {spaced(given['zone_output_t'])} t"
    if given["buying_t"] > 0:
        found["To hold the floor"] = f"{spaced(given['buying_t'])} t to buy"
    new = result.flows.query("before_t == 0")["after_t"].sum()
    if new > 0:
        found["Between new pairs"] = f"{spaced(float(new))} t, not drawn"
    return found


def _bounded(given: Mapping[str, Any], name: str, unit: str) -> str:
    value = given[f"{name}_{unit}"] / _MILLION
    ends = [given.get(f"{name}_{end}_{unit}") for end in ("low", "high")]
    bounds = "" if None in ends else f" ({' to '.join(_short(end / _MILLION) for end in ends if end is not None)})"
    return f"{_short(value)}{bounds} m USD a year"


def _short(value: float) -> str:
    return spaced(value) if abs(value) >= 1000 else f"{value:.3g}"


def _ranked(table: pd.DataFrame, rise: pd.Series, countries: Mapping[str, Any]) -> list[list[Any]]:
    ends = table.reindex(columns=["change_low_usd_t", "change_high_usd_t"]).loc[rise.index]
    bounds = ends.div(table.loc[rise.index, "price_before_usd_t"], axis=0).to_numpy(dtype=np.float64)
    return [
        [str(code), countries[str(code)][0], round(value, 4),
         *(round(end, 4) if math.isfinite(end) else None for end in pair)]
        for code, value, pair in zip(rise.index, rise.to_numpy(dtype=np.float64).tolist(), bounds.tolist(), strict=True)
        if abs(value) > _TINY
    ]  # fmt: skip


def _note(result: Any) -> str:
    draws = result.params["draws"]
    if not draws:
        return "No intervals were asked for."
    return f"Line: 5 to 95 % of {draws} draws of elasticities, costs and implied prices."


def _popup(row: pd.Series, code: str, result: Any) -> list[list[str]]:
    """Return what stands in the popup of a country: its price, what it makes, uses and buys, before and after."""
    told = [["Price", f"{spaced(row['price_before_usd_t'])} to {spaced(row['price_usd_t'])} USD/t"]]
    for name, word in (("produced", "Makes"), ("used", "Uses"), ("imported", "Imports"), ("exported", "Exports")):
        before, now = float(row[f"{name}_before_t"]), float(row[f"{name}_t"])
        if before > 0 or now > 0:
            told.append([word, f"{spaced(before)} to {spaced(now)} t"])
    gains = result.surplus
    if code in gains.index:
        told.append(["Gains in all", f"{_short(float(gains.loc[code, 'total_usd']) / _MILLION)} m USD a year"])
    return told


def _duties(result: Any) -> pd.DataFrame | None:
    """Return the duties that bring most, as the map draws them."""
    rows = result.duties
    known = rows["origin"].isin(codes.ALPHA3) & rows["destination"].isin(codes.ALPHA3)
    rows = rows[known & (rows["duty_usd_t"] > _LEAST_DUTY) & (rows["flow_t"] > 0)]
    rows = rows[rows["revenue_usd"] >= _SEEN * rows["revenue_usd"].sum()]
    if not len(rows):
        return None
    rows = rows.sort_values("revenue_usd", ascending=False, kind="stable").head(_DUTIES)
    return pd.DataFrame({
        "exporter": rows["origin"], "importer": rows["destination"], "product": rows["product"],
        "duty_usd_t": rows["duty_usd_t"].round(0),
    })  # fmt: skip


def plain(text: str) -> str:
    """Return a text with the ids of products in words."""
    return re.sub(r"(?<=[a-z])-(?=[a-z])", ", ", text.replace("_", " "))
