"""When the straight way fails: follow the answer from an easier market, or say why there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from supplygraph.engine.complementarity.market import Floats, Ints, Parts
    from supplygraph.engine.complementarity.newton import Point

#: First and shortest step on the way from the easier market (0) to the one asked about (1).
_FIRST, _SHORTEST = 0.25, 1.0 / 256
#: Linear systems on the way, at most.
_SYSTEMS = 600
#: A round that is no better than this share of the best so far counts as stalled; so many may.
_CLOSER, _STALLED = 0.9, 6
#: Losses below this share of a usual price are no proof.
_PROOF = 1e-7


def follow(parts: Parts, way: Callable[[Parts, Point | None], tuple[Point | None, int]]) -> tuple[Point | None, int]:
    """Follow the answer from the market without floors, duties in proportion and slopes between activities.

    ``way`` solves one market from a point. Steps that fail are halved.
    """
    at, steps = way(_easier(parts, 0.0, None), None)
    if at is None:
        return None, steps
    calm, done, step = at, 0.0, _FIRST
    while done < 1.0:
        goal = min(1.0, done + step)
        found, taken = way(_easier(parts, goal, calm) if goal < 1.0 else parts, at)
        steps += taken
        if found is None:
            step /= 2
            if step < _SHORTEST or steps > _SYSTEMS:
                return None, steps
            continue
        at, done, step = found, goal, 2 * step
    return at, steps


def as_duties(
    parts: Parts, way: Callable[[Parts, Point | None], tuple[Point | None, int]], aim: float
) -> tuple[Point | None, int]:
    """Solve the market with its floors and duties in proportion as fixed duties, over and over.

    Each round is a convex program; the duties follow from its prices, until they stay. As a levy rises, the exporter's
    price falls by less, so rounds of levies alone come closer by a constant factor. Stops where they do not.
    """
    plain = replace(_easier(parts, 0.0, None), cross=parts.cross)
    duty, steps = np.zeros(len(parts.cost)), 0
    at: Point | None = None
    best: tuple[float, Point | None] = (np.inf, None)
    stalled = 0
    while steps < _SYSTEMS and stalled < _STALLED:
        at, taken = way(replace(plain, cost=plain.cost + duty), at)
        steps += taken
        if at is None:
            break
        miss = parts.residual(*at)[1]
        stalled = 0 if miss < _CLOSER * best[0] else stalled + 1
        best = min(best, (miss, at), key=lambda one: one[0])
        if miss <= aim:
            break
        duty = _duty(parts, plain, at)
    return best[1], steps


def _duty(parts: Parts, plain: Parts, at: Point) -> Floats:
    """Return by how much each activity's loss exceeds that in the plain market."""
    return np.asarray(parts.sides(*at).loss - plain.sides(*at).loss)


def _easier(parts: Parts, share: float, calm: Point | None) -> Parts:
    """Return the market with a share of what makes it hard; floors start where they do not bind."""
    cost, revenue = parts.least_cost, parts.least_revenue
    if calm is None:
        cost = revenue = np.full(len(parts.cost), -np.inf)
    else:
        sides = parts.sides(*calm)
        cost = cost - (1 - share) * _most(cost - sides.cost)
        revenue = revenue - (1 - share) * _most(revenue - sides.revenue)
    plain = parts.balance
    into, out = (-plain).maximum(0.0), plain.maximum(0.0)
    cross = None if parts.cross is None or share == 0 else share * parts.cross
    return replace(
        parts, pay=into + share * (parts.pay - into), earn=out + share * (parts.earn - out), cross=cross,
        least_cost=cost, least_revenue=revenue,
    )  # fmt: skip


def _most(above: Floats) -> float:
    found = above[np.isfinite(above)]
    return max(float(found.max(initial=0.0)), 0.0)


def endless(parts: Parts) -> tuple[Ints, Ints, float] | None:
    """Return activities that gain without limit at any prices, the markets they touch, and the gain per unit.

    Prices of an equilibrium leave no gain to what has neither slope nor limit: ``(earn - pay)' p <= cost``. Where no
    prices do (a linear program; its dual is the circle of activities that gains), there is no equilibrium. None where
    nothing is proved.
    """
    from scipy.sparse import csc_array, eye_array, hstack, vstack

    from supplygraph.engine.solver import Solver

    flat = (parts.own <= 0) & ~np.isfinite(parts.upper) & ~np.isfinite(parts.least_cost)
    if parts.cross is not None:
        flat &= np.diff(parts.cross.tocsr().indptr) == 0
    which = np.flatnonzero(flat)
    floored = which[np.isfinite(parts.least_revenue[which])]
    if not len(which):
        return None
    rows = vstack([parts.gap[:, which].T, (-parts.pay[:, floored]).T])
    limit = np.concatenate([parts.cost[which], (parts.cost - parts.least_revenue)[floored]])
    count, height = rows.shape
    body = csc_array(hstack([rows, -eye_array(count)]))
    charge = np.concatenate([np.zeros(height), np.ones(count)])
    lower = np.concatenate([np.full(height, -np.inf), np.zeros(count)])
    no_end = np.full(height + count, np.inf)
    answer = Solver(charge, lower, no_end, body, np.full(count, -np.inf), limit).solve()
    weights = np.abs(answer.dual)
    owner = np.concatenate([which, floored])
    used = weights > _PROOF
    worth = float(np.median(parts.worths))
    if answer.objective <= _PROOF * worth:
        return None
    activities = np.unique(owner[used])
    touched = np.unique((abs(parts.balance) + parts.pay + parts.earn).tocsc()[:, activities].indices)
    return activities, touched.astype(np.int64), float(answer.objective / max(weights.max(), 1e-300))
