"""The rules of holders and of the market, laid on the shortfalls: the arrays of the question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supplygraph.response.stockpile.master import Problem
from supplygraph.response.stockpile.recourse import Course

if TYPE_CHECKING:
    from supplygraph.response.stockpile.ask import Options
    from supplygraph.response.stockpile.holders import Holder
    from supplygraph.response.stockpile.recourse import Bools, Floats, Ints
    from supplygraph.response.stockpile.shortfalls import Shortfalls

#: Steps of the supply curve between no buying and the most that may be bought.
_STEPS = 8


def arrays_of(
    options: Options, holders: tuple[Holder, ...], found: Shortfalls, chance: Floats, price: Floats, value: Floats,
    elasticity: Floats, most: Floats, budget: float, months: int,
) -> Problem:
    """Return the question in arrays; ``most`` is what each holder may buy at most, in USD."""
    periods = found.short[0].shape[0]
    courses = [_course(options, holders, found, g, months) for g in range(len(found.products))]
    edge = np.linspace(0.0, 1.0, _STEPS + 1) * options.most_share
    width = np.diff(edge)[None, :] * (found.world * months / 12.0)[:, None]
    # all tonnes of a period pay price (1 + share / elasticity); steps are the chords of what that costs
    paid = edge[None, :] * (1.0 + edge[None, :] / elasticity[:, None])
    steps = np.diff(paid, axis=1) / np.diff(edge)[None, :] * price[:, None]
    busy = np.array([course.short.astype(np.bool_) @ chance for course in courses])
    dearer = np.ones((len(courses), periods)) if options.in_shock == "wait" else 1.0 + float(options.in_shock) * busy
    left = (periods - np.arange(periods)) * months / 12.0
    fee = np.zeros((len(courses), len(holders), periods))
    opening, allowed = np.zeros((len(courses), len(holders))), np.zeros((len(courses), len(holders)), dtype=np.bool_)
    for h, one in enumerate(holders):
        if one.paid_by == "budget":
            fee[:, h] = price[:, None] * (one.upfront + one.fee * left)[None, :]
        for g, name in enumerate(found.products):
            opening[g, h] = float(one.opening_t.get(name, 0.0))
            allowed[g, h] = one.products is None or name in one.products
    # what can never be of use must not be bought
    allowed &= (most > 0)[None, :]
    return Problem(
        courses, chance, value, opening, allowed, width, steps, dearer, fee, price, most, budget,
        options.level if options.risk == "cvar" else 0.0, float(options.hurdle),
    )  # fmt: skip


def serves(one: Holder, consumers: tuple[str, ...]) -> Floats:
    """Return the part of each consumer's shortfall that a holder may serve."""
    own = np.array([one.countries is None or name in one.countries for name in consumers])
    others = np.array([one.shares_with is None or name in one.shares_with for name in consumers])
    return np.where(own, 1.0, np.where(others, one.share, 0.0))


def _course(options: Options, holders: tuple[Holder, ...], found: Shortfalls, good: int, months: int) -> Course:
    """Lay the rules of the holders on the shortfalls of one product."""
    block = found.short[good]
    short = block.sum(axis=1)
    periods, consumers, count = block.shape
    served = np.array([serves(one, found.consumers) for one in holders])
    demand = float(found.demand[good].sum())
    limit = [np.inf if one.release is None else one.release * demand * months / 12.0 for one in holders]
    sets = 1 << len(holders)
    reach = [
        np.einsum("tcs,c->ts", block, np.minimum(_sum(served, group), 1.0)) if consumers else short
        for group in range(sets)
    ]
    most = np.zeros((sets, periods, count))
    for willing in range(sets):
        # those at their limit give it; the others give what they may of the shortfall
        options_of = [
            reach[free] + sum(limit[h] for h in range(len(holders)) if (willing & ~free) >> h & 1)
            for free in range(sets) if not free & ~willing
        ]  # fmt: skip
        most[willing] = np.minimum.reduce(options_of)
    calm = short <= 0
    bought = _bought(calm) if options.in_shock == "wait" else np.broadcast_to(np.arange(periods)[:, None], short.shape)
    fresh = np.array([_fresh(calm, one.refill_months, months) for one in holders])
    return Course(short, most, np.ascontiguousarray(bought), fresh)


def _sum(served: Floats, group: int) -> Floats:
    inside = [h for h in range(len(served)) if group >> h & 1]
    return np.asarray(served[inside].sum(axis=0)) if inside else np.zeros(served.shape[1])


def _bought(calm: Bools) -> Ints:
    """Return how many periods of the plan are bought by the start of each: plans wait while a product is short."""
    periods = len(calm)
    done = np.where(calm, np.arange(1, periods + 1)[:, None], 0)
    last = np.maximum.accumulate(done, axis=0)
    return np.concatenate([np.zeros((1, calm.shape[1]), dtype=np.int64), last[:-1]]).astype(np.int64)


def _fresh(calm: Bools, refill: int | None, months: int) -> Bools:
    """Tell before which periods a stock has just been refilled: short again after enough calm ones."""
    found = np.zeros_like(calm)
    if refill is None:
        return found
    needed = -(-refill // months)
    run = np.zeros(calm.shape[1], dtype=np.int64)
    seen = np.zeros(calm.shape[1], dtype=np.bool_)
    for t in range(len(calm)):
        found[t] = ~calm[t] & (run >= needed) & seen
        seen |= ~calm[t]
        run = np.where(calm[t], run + 1, 0)
    return found
