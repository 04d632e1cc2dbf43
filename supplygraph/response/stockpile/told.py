"""A stockpile in words: what it does, and what that rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.response.words import number, percent, usd

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.response.stockpile.ask import Ask, Options
    from supplygraph.response.stockpile.master import Plan

#: A holding below this share of a day's demand is rounding.
_LEAST_DAYS = 1e-4


def title(ask: Ask) -> str:
    """Return what the answer is, in one line."""
    who = ask.shortfalls.consumers
    names = ask.net.countries["name"]
    told = str(names.get(who[0], who[0])) if len(who) == 1 else f"{len(who)} countries"
    return f"What to stockpile: {told}, {usd(ask.arrays.budget)}"


def explain(ask: Ask, plan: Plan, figures: dict[str, Any], cover: pd.DataFrame, batches: int, aim: float | None) -> str:
    """Return the answer in plain words."""
    before, after = figures["loss_before_usd"], figures["loss_after_usd"]
    low, high = figures["loss_after_low_usd"], figures["loss_after_high_usd"]
    said = f" ({usd(low)} to {usd(high)} in resampled paths)" if np.isfinite(low) else ""
    first = (
        f"Within {usd(figures['budget_usd'])} the best plan found spends {usd(plan.cost)} and lowers the expected loss "
        f"over {ask.options.years} years from {usd(before)} to {usd(after)}{said}; in what it minimises "
        f"({_aim(ask.options)}) no plan is more than {100 * figures['gap']:.2g} % better (proved)."
    )
    if before <= 0:
        return "\n".join(["Nothing is ever short for those asked about, so nothing is worth buying.",
                          *_assumptions(ask, batches)])  # fmt: skip
    lines = [first, _most(cover), _next(ask, figures["next_dollar_usd"])]
    if figures["equal_days"] > 0:
        lines.append(
            f"The same money spread as {figures['equal_days']:.0f} days of everything would leave "
            f"{usd(figures['equal_loss_usd'])} of expected loss."
        )
    if aim is not None:
        cost = figures["aim_cost_usd"]
        told = f"costs {usd(cost)}" if np.isfinite(cost) else "is more than may be bought in time"
        lines.append(f"{aim:g} days of everything {told} and would leave {usd(figures['aim_loss_usd'])}.")
    return "\n".join([*lines, *_assumptions(ask, batches)])


def _aim(options: Options) -> str:
    what = {"loss": "the loss", "unmet": "tonnes unmet", "days": "days of demand unmet"}[options.minimise]
    return f"expected, {what}" if options.risk == "expected" else f"mean of the worst {1 - options.level:.3g}, {what}"


def _most(cover: pd.DataFrame) -> str:
    shown = cover[cover["days_of_cover"] > _LEAST_DAYS].sort_values("value_usd", ascending=False, kind="stable")
    if not len(shown):
        return "Nothing is worth buying."
    total = float(cover["value_usd"].sum())
    most = [
        f"{name} {row.days_of_cover:,.0f} days ({percent(float(row.value_usd), total)} of the value)"
        for name, row in shown.head(4).iterrows()
    ]
    return f"Most of it is {', '.join(most)}."


def _next(ask: Ask, dollar: float) -> str:
    unit = {"loss": "USD of loss", "unmet": "t of unmet demand", "days": "days of demand"}[ask.options.minimise]
    if dollar > 0 and (ask.options.minimise != "loss" or dollar > 1e-5):
        return f"One more dollar would save {number(dollar)} {unit}."
    if ask.options.hurdle > 0:
        return f"Money is left: no further dollar saves the {number(ask.options.hurdle)} {unit} that it must at least."
    return (
        "More money would save nothing: what is still lost comes before stocks are filled, exceeds what the rules "
        "release, or cannot be bought."
    )


def _assumptions(ask: Ask, batches: int) -> list[str]:
    return [_shortfalls(ask), _market(ask), _intervals(ask, batches)]


def _shortfalls(ask: Ask) -> str:
    options, sets = ask.options, ask.shortfalls.sets
    if not sets:
        return "Shortfalls are those given."
    easing = (
        f"Rerouting takes {options.adjust_months} months, the shortfall falling evenly meanwhile."
        if options.adjust_months else "Rerouting is counted as done at once, so shortfalls are lower bounds."
    )  # fmt: skip
    return (
        f"Shortfalls are estimated: the network is solved for the best rerouting under each of {sets} sets of "
        f"concurrent disruptions; who goes without is an assumption ({options.rationing.replace('_', ' ')}), and "
        f"today's demand and network hold in all years. {easing}"
    )


def _market(ask: Ask) -> str:
    options = ask.options
    wait = "wait until it is over"
    if options.in_shock != "wait":
        wait = f"go on at {100 * float(options.in_shock):g} % more"
    low, high = float(ask.elasticity.min()), float(ask.elasticity.max())
    several = f"{number(low)} to {number(high)}" if high > low else number(low)
    moves = (
        f"Buying raises the price by the share of the market bought over an elasticity ({several}, low confidence)"
        if np.isfinite(low) else "Buying moves no price"
    )  # fmt: skip
    return (
        f"A lost tonne counts {counted(options)}; what factories lose downstream can be many times its price. "
        f"{moves}; at most {percent(options.most_share, 1)} of world use is bought in any period; purchases planned "
        f"for a period in which a product is short {wait}. Purchases are one plan for all scenarios; releases answer "
        "each, as early as they are of use. A tonne held serves a tonne of final users' demand; quality, ageing and "
        "resale are left out."
    )


def _intervals(ask: Ask, batches: int) -> str:
    if not ask.sampled:
        return "No intervals: the scenarios and their probabilities are taken as given."
    spread = f"least and most of plans from {batches} batches of paths" if batches else "none asked for (batches=0)"
    return (
        f"Intervals: losses 5 to 95 % of resampled paths; holdings {spread}; rates of hazards, prices and elasticities "
        "are not varied: ask again with other ones."
    )


def counted(options: Options) -> str:
    """Return what a lost tonne counts, in words."""
    if options.minimise == "unmet":
        return "one tonne, whatever it is"
    if options.minimise == "days":
        return "its part of a day's demand"
    if options.value is None:
        return "its reference price"
    if isinstance(options.value, (int, float)):
        return f"{number(float(options.value))} times its reference price"
    return "what was given"
