"""What the atlas asks about policy: price floors, where to build, what to stockpile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, InfeasibleError
from supplygraph.response.compare import compare
from supplygraph.response.invest import invest
from supplygraph.response.prices.equilibrium import equilibrium
from supplygraph.response.prices.sweep import price_floor_sweep
from supplygraph.response.stockpile import project_vault
from supplygraph.scenario.instruments import PriceFloor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.results import Result
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Shock

#: No zone floor has been published. The atlas shows a row of levels, as multiples of the reference price, and draws one
#: of them; none is a proposal.
LEVELS, DRAWN = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5), 1.2
#: Draws behind the intervals of prices; points of the frontier; paths of disruptions behind the stockpile.
_DRAWS, _POINTS, _PATHS = 20, 6, 100
#: Rows of the page, per mineral.
_ROWS = 6
#: Days of the zone's demand in stock, in the comparison of policies; the published aim of Project Vault.
_DAYS = 60


def questions(
    net: SupplyNetwork, zone: Alignment, tier: str, shock: Shock
) -> tuple[dict[str, Result], dict[str, str]]:
    """Return the answers about policy of a mineral by name, and why one is missing.

    Names: ``floor`` (the drawn level, with intervals), ``floors`` (all levels), ``build`` (projects, no budget limit,
    with the frontier of loss against cost) and ``policies`` (side by side after the shock).
    """
    answers: dict[str, Result] = {}
    missing: dict[str, str] = {}
    product = _refined(net)
    price = float(net.products["price_usd_t"].get(product, np.nan))
    if np.isnan(price):
        missing["floor"] = "no price of the refined product is known"
    else:
        inside = (zone, tier)
        try:
            answers["floor"] = equilibrium(net, PriceFloor(product, DRAWN * price, zone=inside), draws=_DRAWS)
            answers["floors"] = price_floor_sweep(net, product, [level * price for level in LEVELS], inside)
        except (DataError, InfeasibleError) as error:
            answers.pop("floor", None)
            missing["floor"] = str(error).split("\n")[0]
    try:
        answers["build"] = invest(net, budget=None, frontier=("loss", "cost"), points=_POINTS)
    except (DataError, InfeasibleError) as error:
        missing["build"] = str(error).split("\n")[0]
    answers["policies"] = compare(net, _policies(net, zone, tier, answers.get("build")), shock=shock, alignment=zone,
                                  zone=tier)  # fmt: skip
    return answers, missing


def _policies(net: SupplyNetwork, zone: Alignment, tier: str, built: Any) -> dict[str, dict[str, Any] | None]:
    """Return what is held against each other: no policy, two rules, a stock, and the projects where any is funded."""
    uses = net.processes[net.processes["role"] == "use"]
    demand = uses["activity_t"].groupby(uses["node"].map(net.nodes["country"])).sum()
    inside = demand[demand.index.isin(zone.members(tier))] * _DAYS / 365
    found: dict[str, dict[str, Any] | None] = {
        "No policy": None,
        "Refining aligned": {"require": tier, "stages": ("refining",)},
        "At most 65 % from one country": {"cap": "eu"},
        f"{_DAYS} days of stock in the zone": {"stock": {str(key): float(value) for key, value in inside.items()}},
    }
    if built is not None and built.figures["funded"]:
        found["Projects that would help"] = {"projects": built}
    return found


def _refined(net: SupplyNetwork) -> str:
    """Return the product that refineries make; the first where there are several."""
    refined = net.products[net.products["stage"].isin(["refining", "separation"])].sort_values("order", kind="stable")
    return str(refined.index[0]) if len(refined) else ""


def told(answers: Mapping[str, Result], missing: Mapping[str, str]) -> dict[str, Any]:
    """Return what the policy page says of a mineral, as plain values."""
    found: dict[str, Any] = {"missing": dict(missing)}
    if "floor" in answers:
        found["floor"] = _floor(answers["floor"], answers["floors"])
    if "build" in answers:
        found["build"] = _build(answers["build"])
    if "policies" in answers:
        found["policies"] = _side_by_side(answers["policies"])
    return found


def _side_by_side(answer: Result) -> dict[str, Any]:
    columns = ["demand_t", "unmet_t", "zone_unmet_t", "stock_t", "hhi", "largest", "largest_share", "added_freight_usd",
               "public_usd"]  # fmt: skip
    rows = answer.table[columns].reset_index().assign(row=range(1, len(answer.table) + 1))
    return {
        "shock": answer.params["shock"],
        "words": answer.explain(),
        "rows": [{name: _plain(value) for name, value in row.items()} for row in rows.to_dict("records")],
    }


def _floor(drawn: Result, sweep: Result) -> dict[str, Any]:
    figures = drawn.figures
    kept = ("zone_price_before_usd_t", "zone_price_usd_t", "zone_output_before_t", "zone_output_t",
            "zone_output_low_t", "zone_output_high_t", "cost_to_users_usd", "cost_to_users_low_usd",
            "cost_to_users_high_usd", "revenue_usd", "buying_t", "buying_usd", "held")  # fmt: skip
    columns = ["zone_price_usd_t", "zone_output_t", "imports_t", "cost_to_users_usd", "revenue_usd", "held", "buying_t"]
    levels = sweep.table[columns].reset_index().assign(multiple=list(LEVELS), row=range(1, len(sweep.table) + 1))
    return {
        "multiple": DRAWN,
        "words": drawn.explain(),
        "figures": {name: _plain(figures.get(name)) for name in kept},
        "levels": [{name: _plain(value) for name, value in row.items()} for row in levels.to_dict("records")],
    }


def _build(answer: Result) -> dict[str, Any]:
    table = answer.table.assign(row=range(1, len(answer.table) + 1))
    chosen = table[table["funded"]].sort_values("loss_avoided_last_t", ascending=False, kind="stable").head(_ROWS)
    columns = ["name", "stage", "country", "year", "start", "capacity_t", "capex_usd", "capex_low_usd",
               "capex_high_usd", "loss_avoided_last_t", "row"]  # fmt: skip
    figures = answer.figures
    kept = ("loss_before_t", "loss_after_t", "loss_after_low_t", "loss_after_high_t", "cost_usd", "gap", "funded",
            "hhi_before", "hhi_after")  # fmt: skip
    return {
        "words": answer.explain(),
        "candidates": len(table),
        "left_out": len(answer.tables["left_out"]),
        "horizon": list(answer.params["horizon"]),
        "figures": {name: _plain(figures[name]) for name in kept},
        "rows": [{name: _plain(value) for name, value in row.items()} for row in chosen[columns].to_dict("records")],
    }


def vault(net: SupplyNetwork) -> tuple[Result, dict[str, Any]]:
    """Ask what Project Vault should hold of the atlas's minerals; return the answer and what the page says of it."""
    answer = project_vault(net, n=_PATHS)
    cover = answer.tables["cover"].reset_index()
    columns = ["product", "mineral", "demand_t", "hold_t", "value_usd", "days_of_cover", "days_low", "days_high",
               "unmet_t", "shortfall_t", "chance_short"]  # fmt: skip
    names = ("loss_before_usd", "loss_after_usd", "cost_usd", "budget_usd", "aim_days", "aim_cost_usd", "aim_loss_usd",
             "equal_days", "gap")  # fmt: skip
    plain = {
        "words": answer.explain(),
        "paths": _PATHS,
        "figures": {name: _plain(answer.figures.get(name)) for name in names},
        "rows": [{name: _plain(value) for name, value in row.items()} for row in cover[columns].to_dict("records")],
    }
    return answer, plain


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is missing stays missing."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    return value if isinstance(value, str) else float(value)
