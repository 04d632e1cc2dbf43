"""Solve a market: from a start if there is one, exactly, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.complementarity.exact import Guess, exact
from supplygraph.engine.complementarity.newton import Point, Pull
from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    from supplygraph.engine.complementarity.market import Floats, Market, Parts

#: Largest residual of an answer, relative to usual sizes; what the exact step aims at.
_GOOD, _AIM = 1e-9, 1e-12
#: Rounds of the exact step from a warm start, and after a strong and a weak pull.
_WARM, _EARLY, _LATE = 12, 1, 6
#: Pulls at most; their first strength, the factor between two, the weakest and strongest, and what is called weak.
_PULLS, _FIRST, _FACTOR, _WEAKEST, _STRONGEST, _WEAK = 40, 0.3, 10.0, 1e-6, 30.0, 2e-3


@dataclass(frozen=True, eq=False)
class Solution:
    """An answer of :func:`solve`.

    Attributes
    ----------
    x, p
        Activities and prices.
    rent
        What one more unit of an activity at its limit would earn; 0 elsewhere.
    levy, gap
        Per activity: how far its cost side was lifted to ``least_cost``, its revenue side to ``least_revenue``.
    residual, relative
        The largest natural residual of all conditions, as it stands and relative to usual sizes.
    iterations
        Linear systems solved.
    method
        ``"exact from the start"``, ``"proximal Newton"`` or a fallback by name.
    unique
        Whether prices of goods in use are proved to be the only ones (a monotone market).
    """

    x: Floats
    p: Floats
    rent: Floats
    levy: Floats
    gap: Floats
    residual: float
    relative: float
    iterations: int
    method: str
    unique: bool


def solve(market: Market, *, start: Solution | None = None) -> Solution:
    """Solve a market for activities and prices.

    Parameters
    ----------
    market
        The activities.
    start
        An answer for a market of the same shape: a sweep over floors takes one to three systems each.

    Returns
    -------
    Solution
        Exact up to rounding. Where activities or prices are not unique: those near the start.

    Raises
    ------
    InfeasibleError
        If there is no equilibrium, or none was found; an answer that is only near is never returned.

    Notes
    -----
    The proximal point method (Rockafellar 1976) with a semismooth Newton method inside (Qi & Sun 1993): activities
    are eliminated, so a step costs one system of the size of the markets. Its guess of what runs is then solved
    exactly.
    """
    parts, steps = market.parts, 0
    if start is not None and start.x.shape == parts.cost.shape and len(start.p) == market.markets:
        at = Point(start.x, start.p)
        found = exact(parts, at, rounds=_WARM, good=_AIM)
        if found is not None:
            return _checked(parts, found[0], found[1], "exact from the start")
        steps = _WARM
    else:
        at = Point(np.zeros(market.activities), np.zeros(market.markets))
    point, taken = _pulled(parts, at)
    if point is None:
        raise InfeasibleError("no equilibrium was found")
    return _checked(parts, point, steps + taken, "proximal Newton")


def _pulled(parts: Parts, at: Point) -> tuple[Point | None, int]:
    """Pull, answer, and let go, until the exact answer is in reach."""
    steps, y, strength = 0, at.x[parts.coupled], _FIRST
    for _ in range(_PULLS):
        pull = Pull(parts, at, strength)
        p, other, reply, taken, gap = pull.solve(at.p, y)
        steps += taken
        if gap > 100 * pull.clear:  # no answer to this pull: a stronger one is easier
            strength *= _FACTOR
            if strength > _STRONGEST:
                break
            continue
        at, y = Point(reply.x, p), other
        first = Guess(reply.free, (reply.x >= parts.upper) & (parts.upper > 0), reply.levied, reply.supported)
        found = exact(parts, at, first, rounds=_LATE if strength < _WEAK else _EARLY, good=_AIM)
        if found is not None:
            return found[0], steps + found[1]
        if parts.residual(*at)[1] <= _AIM:
            return at, steps
        strength = max(strength / _FACTOR, _WEAKEST)
    return (at if parts.residual(*at)[1] <= _GOOD else None), steps


def _checked(parts: Parts, at: Point, steps: int, method: str) -> Solution:
    """Return the answer with all that follows from it."""
    cost, revenue, loss = parts.sides(at.x, at.p)
    plain, relative = parts.residual(*at)
    full = np.isfinite(parts.upper) & (at.x >= parts.upper)
    return Solution(
        at.x, at.p, np.where(full, np.maximum(-loss, 0.0), 0.0), np.maximum(parts.least_cost - cost, 0.0),
        np.maximum(parts.least_revenue - revenue, 0.0), plain, relative, steps, method, parts.monotone,
    )  # fmt: skip
