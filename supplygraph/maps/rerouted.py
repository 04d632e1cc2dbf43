"""What a rerouting tells on its map: a name for what breaks, figures before and after, who goes without."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from supplygraph.network.network import SupplyNetwork

#: Figures that a rerouting has before and after, with the words and the unit of the panel.
_MOVED = (("cost_usd_t", "Freight per tonne", " USD"), ("days", "Days per tonne", " days"),
          ("km", "Way per tonne", " km"))
#: Below this share of all demand nobody goes without.
_TINY = 1e-6


def title(result: Any, net: SupplyNetwork, closed: Iterable[str]) -> str:
    """Return what breaks and which rules hold, in words."""
    params = getattr(result, "params", {})
    shock = params.get("shock")
    name = str(shock) if shock and shock != "no shock" else "Rerouted"
    for node, words in net.nodes["name"].reindex(list(closed)).dropna().items():
        short = re.escape(str(node).removeprefix("passage-"))
        name = re.sub(rf"(?<![\w-])(?:passage-)?{short}(?![\w-])", str(words).replace("\\", r"\\"), name)
    name = name.replace("_", " ")
    return "; ".join([name[:1].upper() + name[1:], *_rules(params)])


def _rules(params: Mapping[str, Any]) -> list[str]:
    """Say what the zone is held to, and how who goes without is chosen where that is not the default."""
    said = [f"zone only through {params['require']} or better"] if params.get("require") else []
    for what, share in (params.get("cap") or {}).items():
        said.append(f"zone takes at most {100 * share:.3g} % from {'one country' if what == 'country' else what}")
    if params.get("prefer"):
        said.append(f"zone pays {params['prefer']:,.0f} USD/t for each tier nearer")
    if said and params.get("by") == "owner":
        said.append("by owner")
    if params.get("objective") == "least_cost":
        said.append("everything at least cost")
    if params.get("rationing") in {"home_first", "zone_first"}:
        said.append(str(params["rationing"]).replace("_", " "))
    return said


def today(result: Any) -> dict[str, object]:
    """Return the figures of a rerouting before the shock, under the words of :func:`afterwards`."""
    figures = getattr(result, "figures", {})
    if "unmet_t" not in figures:
        return {}
    return {"Unmet demand": "0\u00a0t", **_burdens(figures, "before")}


def afterwards(result: Any) -> dict[str, object]:
    """Return the headline figures of a rerouting, rounded: they rest on estimates."""
    figures = getattr(result, "figures", {})
    if "unmet_t" not in figures:
        return dict(getattr(result, "map_kpis", None) or {})
    found: dict[str, object] = {"Unmet demand": _part(figures["unmet_t"], figures["demand_t"])}
    if figures["zone_demand_t"] > 0:
        found["Unmet in the zone"] = _part(figures["zone_unmet_t"], figures["zone_demand_t"])
    found["If nobody rerouted"] = _part(figures["world_cut_t"], figures["demand_t"])
    return found | _burdens(figures, "after")


def _burdens(figures: Mapping[str, Any], when: str) -> dict[str, object]:
    given = ((words, figures.get(f"{when}_{name}", math.nan), unit) for name, words, unit in _MOVED)
    return {words: f"{_round(value)}{unit}" for words, value, unit in given if math.isfinite(value)}


def _part(amount: float, whole: float) -> str:
    """Write tonnes and their share; what is less than half a per cent but not nothing says so."""
    share = 100 * amount / whole if whole > 0 else 0.0
    words = "<1" if 0 < share < 0.5 else f"{share:.0f}"
    return f"{_round(amount)}\u00a0t ({words}\u00a0%)"


def _round(value: float) -> str:
    """Write three digits that count, with thin spaces between thousands."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):,.{max(0, digits)}f}".replace(",", "\u2009")


def short(result: Any) -> pd.DataFrame | None:
    """Return the factories that go without, most tonnes first, with what each lost by the fix."""
    tables = getattr(result, "tables", {})
    if "unmet" not in tables:
        return None
    unmet: pd.DataFrame = tables["unmet"][["demand_t", "unmet_t"]]
    lost = tables["displaced"]["displaced_t"] if "displaced" in tables else unmet["unmet_t"] * 0.0
    table = unmet.assign(displaced_t=lost.reindex(unmet.index).fillna(0.0))
    least = _TINY * float(unmet["demand_t"].sum())
    table = table[(table["unmet_t"] > least) | (table["displaced_t"] > least)]
    return table.sort_values(["unmet_t", "displaced_t"], ascending=False, kind="stable")
