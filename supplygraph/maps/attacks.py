"""What joint failures add to the map: what fails together or is protected, how sure that is, and who loses.

A number that the answer does not have stays ``None`` and reads "not computed". The reading side is
``assets/attacks.js``; lines and marks are those of single failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.maps.failures import methods, what, years
from supplygraph.maps.pack import tonne

if TYPE_CHECKING:
    from supplygraph.maps.layers import Payload

#: What an answer must have to be one about joint failures.
_FIGURES = {"loss_t", "bound_t", "gap", "proved", "delivered_t"}
#: Losers sent to the page: all of them are marked, the panel names the first.
_LOSERS = 200


def tells(result: Any) -> bool:
    """Return whether an answer says what failures cost together, or what to protect against them."""
    return set(getattr(result, "figures", {})) >= _FIGURES and "loss_alone_t" in result.table.columns


def touched(result: Any) -> list[str]:
    """Return the sites that an answer is about; they are drawn even where nothing goes through them today."""
    tables = [result.table, *([result.tables["attack"]] if "attack" in result.tables else [])]
    items = pd.Index(sorted({item for table in tables for item in table.index}), dtype="str")
    by = result.params["by"]
    if by == "edge":
        return sorted(set(result.network.edges.loc[items, ["source", "target"]].to_numpy().ravel()))
    return [] if by in {"country", "owner"} else list(items)


def overlay(result: Any, builder: Payload) -> dict[str, Any]:
    """Return what the page shows of the worst set of failures, or of the best defence.

    Parameters
    ----------
    result
        An answer of ``interdict`` or ``defend``.
    builder
        The drawn network.
    """
    params, figures, by = result.params, result.figures, result.params["by"]
    defence, losses = result.tables.get("attack"), result.tables.get("losses")
    shield = defence is not None
    fails = defence if shield else result.table
    return {
        "by": by,
        "k": params["k"],
        "j": params.get("j"),
        "proved": int(figures["proved"]),
        "loss": tonne(figures["loss_t"]),
        "bound": tonne(figures["bound_t"]),
        "before": tonne(figures.get("before_t")),
        "gap": round(float(figures["gap"]), 6),
        "delivered": tonne(figures["delivered_t"]),
        "whose": ", ".join(params["demand"] or ()),
        "shock": str(params["shock"] or ""),
        "method": methods(params["method"]),
        "years": years(builder),
        "protected": _members(builder, by, result.table) if shield else [],
        "fails": _members(builder, by, fails),
        "losers": None if losses is None or (losses.empty and figures["loss_t"] > 0) else _losers(builder, losses),
        "losing": 0 if losses is None else len(losses),
    }


def _members(builder: Payload, by: str, table: pd.DataFrame | None) -> list[list[Any]]:
    """Return a row per item: where it is, its name, country, loss alone, loss without it."""
    if table is None:
        return []
    columns = ["name", "country", "loss_alone_t", "loss_without_it_t"]
    rows = table.reindex(columns=columns).astype(object)
    rows = rows.where(rows.notna(), None)
    return [
        [what(builder, by, item), name, country, tonne(alone), tonne(without)]
        for item, name, country, alone, without in rows.itertuples(name=None)
    ]


def _losers(builder: Payload, losses: pd.DataFrame) -> list[list[Any]]:
    """Return where each loser is (None: not on this map), its name, country, demand and loss, the most first."""
    first = losses.head(_LOSERS)
    columns = (first[name] for name in ("node", "name", "country", "demand_t", "lost_t"))
    return [
        [builder.place.get(node), name, country if isinstance(country, str) else None, tonne(demand), tonne(lost)]
        for node, name, country, demand, lost in zip(*columns, strict=True)
    ]
