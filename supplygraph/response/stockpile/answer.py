"""From a plan to tables, figures and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.response.stockpile import told
from supplygraph.response.stockpile.master import losses, risk, spent, stock_of
from supplygraph.response.stockpile.recourse import cuts, served_by_period
from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplygraph.response.stockpile.ask import Ask
    from supplygraph.response.stockpile.master import Plan
    from supplygraph.response.stockpile.recourse import Floats

#: Resamples of the paths behind the intervals of losses.
_RESAMPLES = 400


class Stockpile(Result):
    """The answer of :func:`stockpile`.

    ``table`` has one row per product and holder (index ``stock``): ``hold_t`` once all is bought (with ``hold_low_t``,
    ``hold_high_t``: least and most in plans made from batches of the paths), ``value_usd`` at today's price,
    ``paid_usd_t`` with buying pressure, ``days_of_cover`` of the demand asked about, ``drawn_t`` (expected over the
    horizon, holders in the order given), ``next_tonne_usd_t`` (what one tonne more from the start would save).

    Further tables: ``cover`` (index ``product``), ``purchases``, ``releases`` (by scenario, product and period),
    ``scenarios`` (loss before and after), ``holders``, ``losses`` (expected and tail, before and after, with 5 to 95 %
    of resampled paths), ``curve`` (loss against budget), ``left_out``, ``shortfalls`` (can be asked again).

    Figures (before: with opening stocks and nothing bought): ``loss_before_usd``, ``loss_after_usd`` (expected, with
    ``loss_after_low_usd``, ``loss_after_high_usd``), ``cvar_before_usd``, ``cvar_after_usd``, ``unmet_before_t``,
    ``unmet_after_t``, ``objective_before``, ``objective_after``, ``bound``, ``gap``, ``cost_usd``, ``budget_usd``,
    ``next_dollar_usd`` (what one dollar more would save), ``equal_days`` (what the money buys if every product gets
    the same days), ``equal_loss_usd``, ``network_solves``, and with ``aim_days=`` ``aim_cost_usd``, ``aim_loss_usd``,
    ``aim_reached``.
    """

    if TYPE_CHECKING:
        asked: Ask


def build(
    ask: Ask, plan: Plan, batch: Sequence[Floats], curve: pd.DataFrame, params: dict[str, Any], aim: float | None
) -> Stockpile:
    """Put the answer together."""
    usd = _in_usd(ask)
    before, after = losses(usd, np.zeros_like(plan.buys)), losses(usd, plan.buys)
    cover = _cover(ask, plan, before, after, batch)
    table = _stocks(ask, plan, batch)
    measured = _measures(ask, before.sum(axis=0), after.sum(axis=0))
    figures = _figures(ask, plan, measured, cover) | _equal(ask, usd, plan, aim)
    answer = Stockpile(
        title=told.title(ask),
        table=table,
        params=params,
        network=ask.net,
        explanation=told.explain(ask, plan, figures, cover, len(batch), aim),
        tables={
            "cover": cover, "purchases": _purchases(ask, plan), "releases": _releases(ask, plan),
            "scenarios": _scenarios(ask, before.sum(axis=0), after.sum(axis=0)), "holders": _holders(ask, plan),
            "losses": measured, "curve": curve, "left_out": ask.left_out, "shortfalls": _shortfalls(ask),
        },
        figures=figures,
    )  # fmt: skip
    answer.__dict__["asked"] = ask
    return answer


def _in_usd(ask: Ask) -> Any:
    from dataclasses import replace

    return replace(ask.arrays, value=ask.value_usd)


def held(ask: Ask, buys: Floats) -> Floats:
    """Return tonnes of each product that each holder has once all is bought, (G, H)."""
    return np.asarray(stock_of(ask.arrays, buys)[:, :, -1])


def days(ask: Ask, tonnes: Floats) -> Floats:
    """Return days of the demand asked about that tonnes by product last; NaN without demand."""
    daily: Floats = ask.shortfalls.demand.sum(axis=1) / 365.0
    return np.asarray(np.divide(tonnes, daily, out=np.full(len(daily), np.nan), where=daily > 0))


def _stocks(ask: Ask, plan: Plan, batch: Sequence[Floats]) -> pd.DataFrame:
    final = held(ask, plan.buys)
    low, high = _spread([held(ask, buys) for buys in batch], final)
    paid = _paid(ask, plan)
    drawn, worth = _drawn(ask, plan), next_tonne(ask, plan)
    rows = []
    for g, product in enumerate(ask.shortfalls.products):
        daily = ask.shortfalls.demand[g].sum() / 365.0
        for h, one in enumerate(ask.holders):
            place = one.at
            rows.append((
                f"{product} / {one.name}", product, one.name, one.kind, place, final[g, h], low[g, h], high[g, h],
                ask.arrays.opening[g, h], final[g, h] * ask.price[g], ask.price[g], paid[g],
                final[g, h] / daily if daily > 0 else np.nan, drawn[g, h], worth[g, h],
            ))  # fmt: skip
    columns = ["stock", "product", "holder", "kind", "country", "hold_t", "hold_low_t", "hold_high_t", "opening_t",
               "value_usd", "price_usd_t", "paid_usd_t", "days_of_cover", "drawn_t", "next_tonne_usd_t"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).set_index("stock")


def _spread(batch: list[Floats], final: Floats) -> tuple[Floats, Floats]:
    if not batch:
        return np.full_like(final, np.nan), np.full_like(final, np.nan)
    together = np.array([*batch, final])
    return together.min(axis=0), together.max(axis=0)


def _paid(ask: Ask, plan: Plan) -> Floats:
    """Return USD a tonne paid on average for what is bought, without fees; NaN where nothing is."""
    from dataclasses import replace

    found = np.full(len(ask.price), np.nan)
    for g in range(len(found)):
        tonnes = float(plan.buys[g].sum())
        if tonnes > 0:
            only = np.zeros_like(plan.buys)
            only[g] = plan.buys[g]
            found[g] = spent(replace(ask.arrays, fee=np.zeros_like(ask.arrays.fee)), only) / tonnes
    return found


def _drawn(ask: Ask, plan: Plan) -> Floats:
    """Return expected tonnes drawn by product and holder; earlier holders first, which costs nobody anything."""
    stock = stock_of(ask.arrays, plan.buys)
    found = np.zeros((stock.shape[0], stock.shape[1]))
    for g, course in enumerate(ask.arrays.courses):
        before = 0.0
        for h in range(found.shape[1]):
            some = stock[g].copy()
            some[h + 1 :] = 0.0
            served = float(ask.arrays.chance @ cuts(course, some).served)
            found[g, h], before = served - before, served
    return np.where(found > 1e-9 * max(found.max(initial=0.0), 1e-9), found, 0.0)


def next_tonne(ask: Ask, plan: Plan) -> Floats:
    """Return what one tonne more, bought at the start, would save of the objective, (G, H)."""
    arrays = ask.arrays
    found = np.zeros((plan.buys.shape[0], plan.buys.shape[1]))
    base = losses(arrays, plan.buys)
    now = risk(base.sum(axis=0), arrays.chance, arrays.level)[0]
    stock = stock_of(arrays, plan.buys)
    for g, course in enumerate(arrays.courses):
        step = 1e-6 * max(float(course.short.max(initial=0.0)), 1e-9)
        for h in range(found.shape[1]):
            if not arrays.allowed[g, h]:
                found[g, h] = np.nan
                continue
            more = stock[g].copy()
            more[h, 1:] += step
            lost = arrays.value[g] * np.maximum(course.short.sum(axis=0) - cuts(course, more).served, 0.0)
            then = risk(base.sum(axis=0) - base[g] + lost, arrays.chance, arrays.level)[0]
            found[g, h] = max(now - then, 0.0) / step
    # below what the arithmetic can tell
    floor = 1e-6 * arrays.value
    return np.where(found < floor[:, None], np.where(np.isnan(found), np.nan, 0.0), found)


def _cover(ask: Ask, plan: Plan, before: Floats, after: Floats, batch: Sequence[Floats]) -> pd.DataFrame:
    final = held(ask, plan.buys).sum(axis=1)
    low, high = _spread([held(ask, buys).sum(axis=1) for buys in batch], final)
    chance = ask.arrays.chance
    short = np.array([chance @ course.short.sum(axis=0) for course in ask.arrays.courses])
    value = np.where(ask.value_usd > 0, ask.value_usd, np.nan)
    return pd.DataFrame({
        "mineral": ask.net.products["mineral"].reindex(list(ask.shortfalls.products)).to_numpy(),
        "demand_t": ask.shortfalls.demand.sum(axis=1), "hold_t": final, "value_usd": final * ask.price,
        "days_of_cover": days(ask, final), "days_low": days(ask, low), "days_high": days(ask, high),
        "shortfall_t": short, "unmet_t": (after @ chance) / value,
        "loss_before_usd": before @ chance, "loss_after_usd": after @ chance,
        "chance_short": [float(chance @ (course.short.sum(axis=0) > 0)) for course in ask.arrays.courses],
    }, index=pd.Index(ask.shortfalls.products, name="product", dtype="str"))  # fmt: skip


def _purchases(ask: Ask, plan: Plan) -> pd.DataFrame:
    """One row per product, holder and period in which something is bought."""
    from dataclasses import replace

    free = replace(ask.arrays, fee=np.zeros_like(ask.arrays.fee))
    good, holder, period = np.nonzero(plan.buys > 0)
    price = np.full(plan.buys.shape[::2], np.nan)
    for g, t in {(int(g), int(t)) for g, t in zip(good, period, strict=True)}:
        only = np.zeros_like(plan.buys)
        only[g, :, t] = plan.buys[g, :, t]
        price[g, t] = spent(free, only) / float(only.sum())
    world = ask.shortfalls.world * ask.months / 12.0
    frame = pd.DataFrame({
        "product": [ask.shortfalls.products[g] for g in good],
        "holder": [ask.holders[h].name for h in holder],
        "month": period * ask.months, "buy_t": plan.buys[good, holder, period], "paid_usd_t": price[good, period],
        "share_of_market": plan.buys.sum(axis=1)[good, period] / world[good],
    })  # fmt: skip
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="purchase")
    return frame


def _releases(ask: Ask, plan: Plan) -> pd.DataFrame:
    """One row per scenario, product and period that is short."""
    stock = stock_of(ask.arrays, plan.buys)
    parts = []
    for g, course in enumerate(ask.arrays.courses):
        given = served_by_period(course, stock[g])
        period, path = np.nonzero(course.short > 0)
        parts.append(pd.DataFrame({
            "scenario": path, "product": ask.shortfalls.products[g], "month": period * ask.months,
            "shortfall_t": course.short[period, path], "released_t": np.maximum(given[period, path], 0.0),
        }))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True).sort_values(["scenario", "product", "month"], ignore_index=True)
    frame["unmet_t"] = np.maximum(frame["shortfall_t"] - frame["released_t"], 0.0)
    frame["scenario"] = np.array(ask.labels, dtype=object)[frame["scenario"]] if len(frame) else []
    return frame.astype({"scenario": "str", "product": "str"}).rename_axis("release")


def _shortfalls(ask: Ask) -> pd.DataFrame:
    """One row per scenario, product, consumer and period that is short."""
    parts = []
    for g, block in enumerate(ask.shortfalls.short):
        period, who, path = np.nonzero(block > 0)
        parts.append(pd.DataFrame({
            "scenario": np.array(ask.labels, dtype=object)[path], "product": ask.shortfalls.products[g],
            "country": np.array(ask.shortfalls.consumers, dtype=object)[who], "month": period * ask.months,
            "shortfall_t": block[period, who, path], "probability": ask.arrays.chance[path],
        }))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({"scenario": "str", "product": "str", "country": "str"}).rename_axis("shortfall")


def _scenarios(ask: Ask, before: Floats, after: Floats) -> pd.DataFrame:
    index = pd.Index(ask.labels, name="scenario", dtype="str")
    table = {"probability": ask.arrays.chance, "loss_before_usd": before, "loss_after_usd": after}
    return pd.DataFrame(table, index=index)


def _holders(ask: Ask, plan: Plan) -> pd.DataFrame:
    final, arrays = held(ask, plan.buys), ask.arrays
    periods = plan.buys.shape[2]
    left = (periods - np.arange(periods)) * ask.months / 12.0
    drawn = _drawn(ask, plan)
    rows = {}
    for h, one in enumerate(ask.holders):
        fees = float(np.sum(plan.buys[:, h] * ask.price[:, None] * (one.upfront + one.fee * left)[None, :]))
        refill = float(np.sum(drawn[:, h] * ask.price)) if one.refill_months is not None else 0.0
        rows[one.name] = (one.kind, float(np.sum(final[:, h] * ask.price)), fees, one.paid_by, refill,
                          float(np.sum(arrays.opening[:, h] * ask.price)))  # fmt: skip
    columns = ["kind", "value_usd", "fees_usd", "fees_paid_by", "refill_usd", "opening_usd"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("holder")


def _measures(ask: Ask, before: Floats, after: Floats) -> pd.DataFrame:
    """Return expected and tail loss before and after, with 5 to 95 % of resampled paths where paths were drawn."""
    level = ask.options.level
    chance = ask.arrays.chance
    rows = {}
    rng = np.random.default_rng(0)
    count = len(chance)
    picks = rng.integers(count, size=(_RESAMPLES, count)) if ask.sampled else None
    for name, at in (("expected", 0.0), (f"cvar {100 * level:g} %", level)):
        cells: list[float] = []
        for loss in (before, after):
            cells.append(risk(loss, chance, at)[0])
            if picks is None:
                cells += [np.nan, np.nan]
            else:
                drawn = [_plain(loss[pick], at) for pick in picks]
                cells += [float(value) for value in np.quantile(drawn, [0.05, 0.95])]
        rows[name] = cells
    columns = ["before_usd", "before_low_usd", "before_high_usd", "after_usd", "after_low_usd", "after_high_usd"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("measure")


def _plain(loss: Floats, level: float) -> float:
    return float(loss.mean()) if level <= 0 else risk(loss, np.full(len(loss), 1.0 / len(loss)), level)[0]


def _figures(ask: Ask, plan: Plan, measured: pd.DataFrame, cover: pd.DataFrame) -> dict[str, Any]:
    arrays = ask.arrays
    nothing = losses(arrays, np.zeros_like(plan.buys)).sum(axis=0)
    expected, tail = measured.iloc[0], measured.iloc[1]
    after = risk(plan.by_path, arrays.chance, arrays.level)[0]
    floor = max(plan.loss, 1e-12)
    return {
        "loss_before_usd": float(expected["before_usd"]), "loss_after_usd": float(expected["after_usd"]),
        "loss_after_low_usd": float(expected["after_low_usd"]),
        "loss_after_high_usd": float(expected["after_high_usd"]),
        "cvar_before_usd": float(tail["before_usd"]), "cvar_after_usd": float(tail["after_usd"]),
        "unmet_before_t": float((cover["loss_before_usd"] / ask.value_usd).sum()),
        "unmet_after_t": float(cover["unmet_t"].sum()),
        "objective_before": risk(nothing, arrays.chance, arrays.level)[0], "objective_after": after,
        "bound": float(plan.bound - (plan.loss - after)), "gap": float(max(plan.loss - plan.bound, 0.0) / floor),
        "cost_usd": plan.cost, "budget_usd": arrays.budget, "next_dollar_usd": plan.next_dollar,
        "network_solves": ask.shortfalls.sets,
    }  # fmt: skip


def _equal(ask: Ask, usd: Any, plan: Plan, aim: float | None) -> dict[str, Any]:
    """Return what the same days of everything would cost and lose: as many as the money buys, and those aimed at."""
    found: dict[str, Any] = {}
    low, high = 0.0, 3650.0
    for _ in range(40):
        middle = (low + high) / 2.0
        buys, whole = same_days(ask, middle)
        low, high = (middle, high) if whole and spent(ask.arrays, buys) <= plan.cost else (low, middle)
    buys, _ = same_days(ask, low)
    found["equal_days"] = low
    found["equal_loss_usd"] = float(ask.arrays.chance @ losses(usd, buys).sum(axis=0))
    if aim is not None:
        buys, whole = same_days(ask, aim)
        found |= {
            "aim_days": float(aim), "aim_cost_usd": spent(ask.arrays, buys) if whole else float("nan"),
            "aim_loss_usd": float(ask.arrays.chance @ losses(usd, buys).sum(axis=0)), "aim_reached": whole,
        }  # fmt: skip
    return found


def same_days(ask: Ask, aim: float) -> tuple[Floats, bool]:
    """Return purchases for the same days of every product, as early as the market gives; whether it gives them all.

    Opening stocks count; the first holder that may hold a product buys it.
    """
    goods, holders, periods = ask.arrays.shape
    buys, whole = np.zeros((goods, holders, periods)), True
    wanted = ask.shortfalls.demand.sum(axis=1) / 365.0 * aim - ask.arrays.opening.sum(axis=1)
    most = ask.arrays.width.sum(axis=1)
    for g in range(goods):
        if wanted[g] <= 0:
            continue
        may = np.flatnonzero(ask.arrays.allowed[g])
        if not len(may):
            whole = False
            continue
        taken = np.clip(wanted[g] - np.arange(periods) * most[g], 0.0, most[g])
        buys[g, may[0]] = taken
        whole &= bool(taken.sum() >= wanted[g] * (1 - 1e-9))
    return buys, whole
