"""An equilibrium in plain words: what happens, what it rests on, what it cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.response.words import usd

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from supplygraph.response.prices.accounts import State
    from supplygraph.response.prices.model import Model
    from supplygraph.scenario.instruments import Instrument

#: Products, places and producers told by name, at most.
_TOLD = 3


def interval(low: float, high: float, digits: str = ",.0f") -> str:
    """Say an interval."""
    return f"{low:{digits}} to {high:{digits}}"


def explain(
    model: Model, after: State, instruments: tuple[Instrument, ...], figures: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
) -> str:
    """Return the answer in words, the largest assumptions and what it cannot say."""
    lines = [f"{'; '.join(one.describe() for one in instruments)}." if instruments else "No instrument: the baseline."]
    lines[0] = lines[0][:1].upper() + lines[0][1:]
    lines += _prices(tables["table"], after)
    if instruments:
        lines += _money(figures)
    lines += _held(tables, after)
    lines += _producers(tables["viable"])
    lines += _ways_around(tables)
    lines += _assumptions(model, figures)
    return "\n".join(lines)


def _prices(table: pd.DataFrame, after: State) -> list[str]:
    from supplygraph.response.prices.intervals import touched

    found = []
    for product in after.base.products[np.flatnonzero(touched(after))]:
        rows = table[table["product"] == product]
        inside = rows[rows["zone"] & (rows["used_t"] > 0)] if rows["zone"].any() else rows[rows["used_t"] > 0]
        if not len(inside) or inside["used_t"].sum() <= 0:
            continue
        weight = inside["used_t"]
        before, now = ((inside[name] * weight).sum() / weight.sum() for name in ("price_before_usd_t", "price_usd_t"))
        place = "the zone" if rows["zone"].any() else "the world"
        words = f"{product}: {place} pays {now:,.0f} USD/t, before {before:,.0f}"
        if "price_low_usd_t" in inside:
            ends = ("price_low_usd_t", "price_high_usd_t")
            low, high = ((inside[name] * weight).sum() / weight.sum() for name in ends)
            words += f" (5 to 95 % of draws: {interval(low, high)})"
        if rows["zone"].any():
            made_before, made = (rows.loc[rows["zone"], name].sum() for name in ("produced_before_t", "produced_t"))
            words += f"; it makes {made:,.0f} t, before {made_before:,.0f}"
        found.append(f"{words}.")
    return found


def _money(figures: Mapping[str, Any]) -> list[str]:
    lost = figures["cost_to_users_usd"]
    sign, verb = (1, "lose") if lost >= 0 else (-1, "gain")
    words = f"Final users there {verb} {usd(sign * lost)} a year"
    if "cost_to_users_low_usd" in figures:
        low, high = sorted(sign * figures[f"cost_to_users_{end}_usd"] for end in ("low", "high"))
        words += f" ({usd(low)} to {usd(high)})"
    words += f"; duties bring {usd(figures['revenue_usd'])}"
    if figures["payments_usd"]:
        words += f"; contracts cost {usd(figures['payments_usd'])}"
    return [f"{words}. The world as a whole changes by {usd(figures['welfare_usd'])}."]


def _held(tables: Mapping[str, pd.DataFrame], after: State) -> list[str]:
    if not after.policy.members:
        return []
    bought = tables["buying"]
    if not len(bought):
        return ["The levy holds the floor in every member that has the product."]
    count, tonnes, cost = len(bought), bought["buying_t"].sum(), bought["cost_usd"].sum()
    worst = ", ".join(f"{row.country} ({row.price_usd_t:,.0f})" for row in bought.head(_TOLD).itertuples())
    several = "s" if count > 1 else ""
    words = (
        f"A levy alone cannot hold the floor in {count} member market{several}: with imports shut out the price there "
        f"stays below it ({worst}), because members can supply more than they use at that price. Holding it would take "
        f"buying {tonnes:,.0f} t a year for {usd(cost)}."
    )
    return [words]


def _producers(viable: pd.DataFrame) -> list[str]:
    if not len(viable):
        return []
    fresh = viable[viable["pays"] & ~viable["pays_before"]]
    lines = []
    if len(fresh):
        names = ", ".join(fresh.sort_values("after_t", ascending=False)["name"].head(_TOLD))
        more = f" and {len(fresh) - _TOLD} more" if len(fresh) > _TOLD else ""
        lines.append(f"It begins to pay for {names}{more} (see `viable`).")
    else:
        lines.append("No further producer reaches the price at which it pays (see `viable`).")
    estimated = int((viable["basis"] == "curve at full capacity, estimated").sum())
    if estimated:
        lines.append(f"{estimated} of these prices are estimated from a curve, as no cost of theirs is known.")
    return lines


def _ways_around(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    lines = []
    diverted = tables["diversion"]
    if len(diverted):
        names = ", ".join(diverted["country"].head(_TOLD))
        lines.append(f"{diverted['through_t'].sum():,.0f} t now come through third countries ({names} first).")
    lines.extend(
        f"What the levy misses: {row.content_t:,.0f} t of {row.product} enter the zone as {row.enters_as} "
        f"(before {row.content_before_t:,.0f}), duty-free."
        for row in tables["missed"].itertuples()
    )
    return lines


def _assumptions(model: Model, figures: Mapping[str, Any]) -> list[str]:
    quoted = model.quotes.table
    implied = quoted.index[quoted["basis"] == "implied"]
    largest = (
        "Largest assumptions: prices of one date for the whole world; curves that are straight lines through today; "
        f"{model.run}-run elasticities, most of them assumed (facts/elasticities.csv); one price per country, so goods "
        "are taxed by where they are shipped from, not where they were mined; duties in force today are part of "
        "today's costs."
    )
    lines = [largest]
    if len(implied):
        lines.append(f"No price is known of {', '.join(implied)}: implied by the chain, with a wide interval.")
    if len(model.fitted.at_a_loss):
        count = len(model.fitted.at_a_loss)
        several = "s" if count > 1 else ""
        lines.append(f"{count} plant{several} would run at a loss today by a sourced cost; kept as they are.")
    if figures.get("draws"):
        lines.append(f"Intervals are 5 to 95 % of {figures['draws']} draws of elasticities, costs and implied prices.")
    lines.append("It cannot say when: the answer compares two states, not the way between them. Flows are estimates.")
    return lines
