"""Policies side by side on one map: a stop of the slider for each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplygraph.maps.scenarios import Scenario
    from supplygraph.network.network import SupplyNetwork


def tells(result: Any) -> bool:
    """Whether an answer compares policies."""
    return "countries" in getattr(result, "tables", {}) and bool(getattr(result, "plans", None))


def drawable(result: Any, net: SupplyNetwork) -> tuple[dict[str, Any], list[str]]:
    """Return the reroutings whose ways lie on the network drawn, and the names of the others."""
    edges = set(net.edges.index)

    def lies(plan: Any) -> bool:
        ways = plan.tables["shipments_after"]["route"].str.split(";").explode().dropna()
        return bool(ways.isin(edges).all())

    plans = {name: plan for name, plan in result.plans.items() if lies(plan)}
    return plans, [name for name in result.plans if name not in plans]


def named(states: Sequence[Scenario], plans: Mapping[str, Any]) -> list[Scenario]:
    """Return the states, today first, under the names of their policies."""
    last = len(plans) + 1
    renamed = [replace(state, name=name) for name, state in zip(plans, states[1:last], strict=True)]
    return [states[0], *renamed, *states[last:]]


def told(result: Any, left: Sequence[str]) -> str:
    """Say what the map cannot show."""
    words = f" All after the same shock: {result.params['shock']}." if result.params["shock"] else ""
    stocked = [str(name) for name, tonnes in result.table["stock_t"].items() if tonnes > 0]
    if stocked:
        words += f" Releases of stock ({', '.join(stocked)}) are in the table, not on the map."
    return words + (f" On a network of their own, so not here: {', '.join(left)}." if left else "")
