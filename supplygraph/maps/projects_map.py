"""Projects on the map: candidates by capacity, those that are built filled and named with their year, others hollow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from supplygraph.maps.layers import spaced

if TYPE_CHECKING:
    from supplygraph.maps.layers import Payload

_BN, _MILLION = 1e9, 1e6
#: Rows of the list; the table of the answer has all.
_LISTED = 60
_NOTE = (
    "Capacity with its chance of success. Line: the least and the greatest chance assumed for its status. "
    "Hollow sites are not funded."
)


def tells(result: Any) -> bool:
    """Return whether an answer says where to build."""
    return {"funded", "role", "capacity_end_t"} <= set(result.table.columns)


def overlay(result: Any, builder: Payload) -> dict[str, Any]:
    """Return what the page shows: sizes by capacity, what is filled, rows of popups, and what is funded as a list."""
    table = result.table
    # An answer names the site of a project as the network drawn does.
    site = {name: f"project-{name}" if f"project-{name}" in builder.place else name for name in table.index}
    table = table[[site[name] in builder.place for name in table.index]]
    number = {name: builder.place[site[name]] for name in table.index}
    largest = float(table["capacity_t"].max()) if len(table) else 0.0
    if not largest > 0:
        return {}
    built = table["funded"] | (table["role"] == "goes ahead")
    told = table[table["funded"]] if table["funded"].any() else table
    ranked = [_listed(number[name], row) for name, row in _rows(told)]
    ranked.sort(key=lambda row: (-row[2], row[1]))
    return {
        "label": "Capacity funded" if table["funded"].any() else "Capacity of candidates",
        "sizes": {str(number[name]): round(float(row["capacity_t"]) / largest, 4) for name, row in _rows(table)},
        "filled": sorted(number[name] for name in table.index[built]),
        "rows": {str(number[name]): _popup(row, str(result.params["unit"])) for name, row in _rows(table)},
        "hide": ["passage"], "ranked": ranked[:_LISTED], "more": max(len(ranked) - _LISTED, 0), "unit": "t",
        "note": _NOTE,
    }  # fmt: skip


def figures(result: Any) -> dict[str, str]:
    """Return the key figures of the panel."""
    given, params = result.figures, result.params
    first, last = params["horizon"]
    budget = params["budget_usd"]
    of = f" of {money(budget)}" if math.isfinite(budget) else ""
    table = result.table  # the first row of a decision carries what it asks of the budget
    candidates = int(((table["role"] == "candidate") & table["public_usd"].notna()).sum())
    found = {
        "Funded": f"{given['funded']} of {candidates}",
        "Public money": f"{money(given['cost_usd'])}{of}",
        f"Expected unmet, {first}–{last}": _tonnes(given["loss_before_t"]),
        "With the projects": _tonnes(given["loss_after_t"]),
        "Over draws of success": f"{_tonnes(given['loss_after_low_t'])} to {_tonnes(given['loss_after_high_t'])}",
    }
    if math.isfinite(given["hhi_before"]):
        found["Mean HHI of refining"] = f"{given['hhi_before']:.3f} to {given['hhi_after']:.3f}"
    found["Proved gap"] = f"{100 * given['gap']:.2g} %"
    return found


def words(result: Any) -> str:
    """Return what stands under the title."""
    names = ", ".join(name for name in result.params["scenarios"] if name != "no shock")
    told = f"Scenarios: {names}." if len(names) <= 120 else f"{len(result.params['scenarios'])} scenarios."
    return f"{told} Flows are estimates; capacities and costs of projects are announced, chances assumed by status."


def money(usd: float) -> str:
    """Return dollars for people."""
    if abs(usd) >= _BN:
        return f"{usd / _BN:.3g} bn USD"
    return f"{usd / _MILLION:.3g} m USD" if abs(usd) >= _MILLION else f"{usd:,.0f} USD"


def _tonnes(amount: float) -> str:
    return f"{spaced(amount)} t".replace("\u2009", "\u202f").replace(" t", "\u00a0t")


def _rows(table: Any) -> list[tuple[str, dict[str, Any]]]:
    return list(zip(map(str, table.index), table.to_dict("records"), strict=True))


def _listed(place: int, row: dict[str, Any]) -> list[Any]:
    full = float(row["capacity_t"])
    name = f"{row['name']}, {row['year']}" if row["funded"] else str(row["name"])
    chances = [1.0 - float(row[f"failure{end}"]) for end in ("", "_high", "_low")]
    return [place, name, *(round(full * chance, 1) for chance in chances)]


def _popup(row: dict[str, Any], unit: str) -> list[list[str]]:
    state = {"goes ahead": "goes ahead by itself", "closed to finance": "not open to the funder"}.get(row["role"])
    if state is None:
        state = f"funded in {row['year']}" if row["funded"] else "not funded"
    told = [["In this plan", state]]
    if row["funded"] or row["role"] == "goes ahead":
        told.append(["First output", f"{row['start']}, full from {row['full']}"])
    told.append(["Adds when full", f"{spaced(row['capacity_t'])} t a year"])
    if math.isfinite(row["capex_usd"]):
        bounds = f" ({money(row['capex_low_usd'])} to {money(row['capex_high_usd'])})"
        told.append(
            ["Capital cost", f"{money(row['capex_usd'])}{bounds if row['capex_high_usd'] > row['capex_usd'] else ''}"]
        )
    if row["public_usd"] is not None and math.isfinite(row["public_usd"]):
        told.append(["Asked of the budget", money(row["public_usd"])])
    chance = f"{100 * row['failure']:.0f} % ({100 * row['failure_low']:.0f} to {100 * row['failure_high']:.0f} %)"
    told.append(["Chance of failing, assumed", chance])
    alone = row[f"loss_avoided_alone_{unit}"]
    if alone is not None and math.isfinite(alone):
        what = f"{spaced(alone)} t" if unit == "t" else money(alone)
        told.append(["Avoids by itself", f"{what} over the horizon"])
    if row["basis"]:
        told.append(["Basis", str(row["basis"])])
    return told
