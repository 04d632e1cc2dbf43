"""A rerouting in words: what changed its way, and what the answer says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Expanded, Floats, Ints
    from supplygraph.network.network import SupplyNetwork

_COLUMNS = (
    "destination", "product", "from_before", "from_after", "flow_t", "was", "becomes", "km_added", "days_added",
    "cost_added_usd_t", "words",
)  # fmt: skip


def changed_routes(net: SupplyNetwork, graph: Expanded, table: pd.DataFrame, *, least_t: float) -> pd.DataFrame:
    """Match, at every destination, the tonnes that stopped with the tonnes that started.

    The same origin first (a changed way), then in falling order of tonnes. What stopped without
    a successor has no row: it is unmet, or was not needed any more.

    Returns
    -------
    pandas.DataFrame
        One row per match, largest first, indexed from 1 (``rank``).
    """
    names, rows = net.nodes["name"], []
    told = [_way(net, graph, names, row) for row in table.itertuples()]
    frame = table.assign(way=told, change=table["difference_t"])
    for (destination, product), group in frame.groupby(["destination", "product"], sort=True):
        gone = group[group["change"] < -least_t]
        come = group[group["change"] > least_t]
        for old, new, flow in _matches(gone, come):
            added = {c: new[c] - old[c] for c in ("km", "days", "cost_usd_t")}
            if flow <= least_t:
                continue
            extra = f"{added['km']:+,.0f} km, {added['days']:+.1f} days"
            rows.append((
                destination, product, old["origin"], new["origin"], flow, old["way"], new["way"],
                added["km"], added["days"], added["cost_usd_t"],
                f"{flow:,.0f} t: was {old['way']}; becomes {new['way']} ({extra})",
            ))  # fmt: skip
    found = pd.DataFrame(rows, columns=list(_COLUMNS))
    found = found.sort_values(["flow_t", "destination", "words"], ascending=[False, True, True], ignore_index=True)
    found.index = pd.RangeIndex(1, len(found) + 1, name="rank")
    return found


def _matches(gone: pd.DataFrame, come: pd.DataFrame) -> list[tuple[pd.Series, pd.Series, float]]:
    left = {key: -float(value) for key, value in gone["change"].items()}
    room = {key: float(value) for key, value in come["change"].items()}
    found = []

    def pair(old: object, new: object) -> None:
        flow = min(left[old], room[new])
        if flow > 0:
            left[old] -= flow
            room[new] -= flow
            found.append((gone.loc[old], come.loc[new], flow))

    for old in left:
        for new in room:
            if gone.at[old, "origin"] == come.at[new, "origin"]:
                pair(old, new)
    for old in sorted(left, key=lambda key: (-left[key], str(key))):
        for new in sorted(room, key=lambda key: (-room[key], str(key))):
            pair(old, new)
    return found


def _way(net: SupplyNetwork, graph: Expanded, names: pd.Series, row: object) -> str:
    """Return the stops of a shipment: its origin, ports and straits, its destination."""
    processes, edges, kinds = net.processes, net.edges, net.nodes["kind"]
    first = processes.at[row.origin, "node"]  # type: ignore[attr-defined]
    last = processes.at[row.destination, "node"]  # type: ignore[attr-defined]
    del graph
    stops = [first]
    route = row.route  # type: ignore[attr-defined]
    if isinstance(route, str):
        stops += [edges.at[edge, "target"] for edge in route.split(";")]
    # Between ports, only the straits that a reader knows matter; joints of the lane network have no name.
    said = [str(names.get(stop, stop)) for stop in stops if kinds.get(stop) is not None]
    kept = [name for place, name in enumerate(said) if place == 0 or name != said[place - 1]]
    if first == last:
        return f"{names.get(first, first)} (on site)"
    return " – ".join(kept)


def average(flow: Floats, quantity: Floats, delivered: float) -> float:
    """Return ``sum(flow x quantity)`` per tonne delivered; NaN where nothing is delivered."""
    return float(np.sum(flow * quantity) / delivered) if delivered > 0 else float("nan")


def percent(part: float, whole: float) -> str:
    """Return a share in words."""
    return f"{100 * part / whole:.0f} %" if whole > 0 else "0 %"


def tonnes(amount: float) -> str:
    """Return tonnes for people."""
    return f"{amount:,.0f} t"


def route_text(edges: pd.Index, steps: Ints) -> str | None:
    """Return arcs as edge ids joined by ``;``; missing for an empty route."""
    ids = [str(edges[step]) for step in steps if step >= 0]
    return ";".join(ids) or None
