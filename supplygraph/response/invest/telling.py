"""A plan in words: what is funded, what it avoids, what is assumed, and what cannot be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.response.words import number, percent, usd

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.response.invest.build import Built

#: Projects named at most.
_NAMED = 6


def explain(built: Built, table: pd.DataFrame, figures: dict[str, Any], params: dict[str, Any]) -> str:
    """Return the answer in words."""
    lines = [_plan(table, figures, params), _gain(figures, params), *_assumed(built, params)]
    if figures["capex_high_usd"] > figures["capex_usd"] > 0:
        ends = f"{usd(figures['capex_low_usd'])} and {usd(figures['capex_high_usd'])}"
        line = f"Capital cost of what is funded: {usd(figures['capex_usd'])}, estimated between {ends}."
        if table["funded_if_dear"].notna().all():
            kept = int((table["funded"] & table["funded_if_dear"]).sum())
            left = max(figures["loss_before_t"] - figures["loss_after_dear_t"], 0.0)
            line += (
                f" If all cost what they may at most, the best plan avoids {number(left)} t, and {kept} of the "
                f"{int(table['funded'].sum())} are still in it."
            )
        lines.append(line)
    if len(built.left_out):
        first = built.left_out["reason"].value_counts()
        told = "; ".join(f"{count} because {reason}" for reason, count in first.head(3).items())
        lines.append(
            f"Left out: {_count(len(built.left_out))} ({told}). Nobody knows whether they are better or worse."
        )
    lines.append(
        "It cannot say whether a project pays its owner, what prices will do, or whether more would come of a project "
        "than its announced capacity."
    )
    return "\n".join(lines)


def _why_nothing(table: pd.DataFrame, told: str, objective: str) -> str:
    open_ = table[table["role"] == "candidate"]
    if open_.empty:
        return "there is no candidate that could be, with a capacity and a capital cost and open to the funder"
    worth = open_.filter(like="loss_avoided_alone").to_numpy(dtype=float)
    if objective == "loss" and not (worth > 0).any():
        stages = ", ".join(sorted(set(open_["stage"].astype(str).str.replace(";", " and "))))
        return f"no candidate avoids any loss; what they add ({stages}) is not what is short in these scenarios"
    return f"with {told} no candidate improves the objective ({objective})"


def _count(number_of: int) -> str:
    return f"{number_of} project{'s' * (number_of != 1)}"


def _plan(table: pd.DataFrame, figures: dict[str, Any], params: dict[str, Any]) -> str:
    funded = table[table["funded"] & table["public_usd"].notna()].sort_values("year", kind="stable")
    budget = params["budget_usd"]
    told = "no limit on money" if params["budget_by_year_usd"] is None and budget == float("inf") else (
        usd(budget) if params["budget_by_year_usd"] is None else "the yearly budgets"
    )  # fmt: skip
    if funded.empty:
        return f"Nothing is funded: {_why_nothing(table, told, str(params['objective']))}."
    names = [
        f"{row['name']} in {row['year']} (output from {row['start']})" for _, row in funded.head(_NAMED).iterrows()
    ]
    more = f" and {len(funded) - _NAMED} more" if len(funded) > _NAMED else ""
    proved = f"proved best to {100 * figures['gap']:.2g} %" if figures["optimal"] else (
        f"not proved best when time ran out: at most {100 * figures['gap']:.2g} % better is possible"
    )  # fmt: skip
    return f"With {told}, {usd(figures['cost_usd'])} of public money: {', '.join(names)}{more}; {proved}."


def _gain(figures: dict[str, Any], params: dict[str, Any]) -> str:
    before, after = figures["loss_before_t"], figures["loss_after_t"]
    span = f"{params['horizon'][0]} to {params['horizon'][1]}"
    line = (
        f"Expected unmet demand {span}: {number(before)} t before, {number(after)} t after "
        f"({percent(before - after, before)} less"
    )
    if figures["loss_after_high_t"] > figures["loss_after_low_t"]:
        line += f"; 5 to 95 % of draws of success: {number(figures['loss_after_low_t'])} to "
        line += f"{number(figures['loss_after_high_t'])} t"
    line += ")."
    if figures["hhi_before"] == figures["hhi_before"]:
        line += f" Mean HHI of refining: {figures['hhi_before']:.4f} before, {figures['hhi_after']:.4f} after."
    return line


def _assumed(built: Built, params: dict[str, Any]) -> list[str]:
    dangers = "; ".join(f"{name} ({chance:.3g} a year)" for name, chance in params["scenarios"].items())
    lines = [f"Largest assumption, the scenarios: {dangers}."]
    if len(params["scenarios"]) == 1 and next(iter(params["scenarios"].values())) == 1:
        lines[0] += " The loss is that of years in which this happens, not its average over all years."
    pace = {
        "keeps_pace": "What stands today grows with demand, so that only shocks make a shortage",
        "today": "Nothing is built beside the projects, so that growing demand alone makes a shortage",
    }[params["existing"]]
    demand = "demand stays as today" if params["demand"] is None else f"demand: {params['demand']}"
    lines.append(f"{pace}; {demand}. Plants of today can be turned up by {_ramp(params['ramp'])} within a year.")
    if params["for"] != "world":
        lines.append(
            f"Counted is the demand of {params['for']}, served first from all that is left: the least it can lose."
        )
    chance = "Capacity counts with its chance of success" if params["failures"] == "expected" else (
        f"The mean over {params['draws']} draws of success"
    )  # fmt: skip
    told = built.candidates["basis"].fillna("").astype(str)
    if told.str.contains("estimated").any():
        chance += "; chances of failing, and build years where no plan is known, are estimated"
    lines.append(
        f"{chance}. A project can be reached like the sites around it; its own transport limits are not known."
    )
    ahead = built.candidates[built.candidates["role"] == "goes ahead"]
    if len(ahead):
        lines.append(
            f"{_count(len(ahead))} under construction or ramping up: they go ahead by themselves, before and after, "
            f"and no money is asked for them."
        )
    if params["funder"] is not None:
        shut = built.candidates["role"].eq("closed to finance").sum()
        how = f"agreements in force on {params['agreements']}" if params["agreements"] else "no agreements"
        lines.append(f"{params['funder']} pays at home and where {how} open finance: {shut} projects are closed to it.")
    lines.append(
        "HHI: projects make what stands of them, and all that refine today give way in proportion. Money is in dollars "
        f"of {params['price_year']}; a dollar lent counts like a dollar given."
    )
    return lines


def _ramp(ramp: float | None) -> str:
    return "as far as their capacity goes" if ramp is None else f"{100 * ramp:.0f} %"
