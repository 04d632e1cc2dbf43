"""Solve a market: from a start if there is one, exactly, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplygraph.engine.complementarity.exact import Guess, exact
from supplygraph.engine.complementarity.hard import as_duties, endless, follow
from supplygraph.engine.complementarity.newton import Point, Pull
from supplygraph.errors import InfeasibleError

if TYPE_CHECKING:
    from supplygraph.engine.complementarity.market import Bools, Floats, Ints, Market, Parts

#: Largest residual of an answer, relative to usual sizes; what the exact step aims at. Where several sets of activities
#: fit an answer equally well the exact step finds none, and pulls end at what rounding leaves, some 1e-8.
_GOOD, _AIM = 1e-7, 1e-12
#: Largest residual as it stands; with numbers above 1e7, as a share of them (rounding is 1e-16).
_PLAIN, _ROUNDING = 1e-6, 1e-13
#: Rounds of the exact step from a warm start, and after a strong and a weak pull.
_WARM, _EARLY, _LATE = 12, 1, 6
#: Pulls at most, and those that may fail; their first strength, the factor between two, the weakest and strongest,
#: and what is called weak.
_PULLS, _FAILED, _FIRST, _FACTOR, _WEAKEST, _STRONGEST, _WEAK = 40, 5, 0.3, 10.0, 1e-6, 30.0, 2e-3
#: A pull of the weakest strength must leave less than this share of what the one before left.
_BETTER = 0.9


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
    idle
        Markets in which nothing runs: their price is any between what is bid and what is asked, near the start.
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
    idle: Bools


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

    Where an exporter at its limit sells under a levy only, any price between its cost and the floor less freight is an
    equilibrium: the levy takes what the exporter does not. The one near the start is given.

    Examples
    --------
    Made at 5 + x, shipped for 3, bought at 20 - x; what lands below 16 is lifted to it.

    >>> import numpy as np
    >>> from scipy.sparse import csc_array
    >>> from supplygraph.engine.complementarity.market import Market
    >>> out = csc_array(np.array([[1.0, 0, 0], [0, 1, 0]]))
    >>> into = csc_array(np.array([[0.0, 1, 0], [0, 0, 1]]))
    >>> cost, slope = np.array([5.0, 3, -20]), np.array([1.0, 0, 1])
    >>> solve(Market(out, into, cost, slope)).p.round(9).tolist()
    [11.0, 14.0]
    >>> held = solve(Market(out, into, cost, slope, least_cost=np.array([np.nan, 16, np.nan])))
    >>> held.p.round(9).tolist(), held.levy.round(9).tolist()
    ([9.0, 16.0], [0.0, 4.0, 0.0])
    """
    parts, steps, nothing = market.parts, 0, Point(np.zeros(market.activities), np.zeros(market.markets))
    at = nothing
    if start is not None and start.x.shape == parts.cost.shape and len(start.p) == market.markets:
        at, steps = Point(np.clip(start.x, 0.0, parts.upper), start.p), _WARM
        found = exact(parts, at, rounds=_WARM, good=_AIM)
        if found is not None:
            return _checked(parts, found[0], found[1], "exact from the start")
    point, taken = _pulled(parts, at)
    steps += taken
    if point is None and at is not nothing:  # a start that is far off can be worse than none
        point, taken = _pulled(parts, nothing)
        steps += taken
    if point is not None:
        return _checked(parts, point, steps, "proximal Newton")
    circle = endless(parts)
    if circle is not None:
        raise _no_end(circle)
    point, taken = as_duties(parts, lambda easier, near: _pulled(easier, near or nothing), _AIM)
    steps += taken
    if point is not None and parts.residual(*point)[1] <= _GOOD:
        return _checked(parts, point, steps, "fixed duties, round by round")
    point, taken = follow(parts, lambda easier, near: _pulled(easier, near or nothing))
    if point is None:
        raise _not_found(parts, steps + taken)
    return _checked(parts, point, steps + taken, "followed from the market without floors")


def _no_end(circle: tuple[Ints, Ints, float]) -> InfeasibleError:
    activities, markets, gain = circle
    message = (
        f"there is no equilibrium: at any prices, activities {_some(activities)} together gain up to {gain:.6g} a unit "
        f"in markets {_some(markets)}, and nothing limits them. Give one of them a slope or a limit (a supply without "
        "a slope below a demand without one, or a circle with a negative cost, has no end)."
    )
    return InfeasibleError(message, {"activities": activities, "markets": markets, "gain": gain})


def _not_found(parts: Parts, steps: int) -> InfeasibleError:
    why = {
        True: "it is monotone, so its numbers are likely too far apart to be solved in double precision",
        False: "it is not monotone (floors, duties in proportion or slopes between activities outweigh own slopes), "
        "so it may have none",
    }[parts.monotone]
    found = f"no equilibrium of this market was found in {steps} systems"
    return InfeasibleError(f"{found}: {why}. No near answer is given.")


def _some(numbers: Ints) -> str:
    shown = ", ".join(str(number) for number in numbers[:6])
    return shown + (f", … ({len(numbers)} in all)" if len(numbers) > 6 else "")


def _pulled(parts: Parts, at: Point) -> tuple[Point | None, int]:
    """Pull, answer, and let go, until the exact answer is in reach."""
    steps, failed, y, strength, last = 0, 0, at.x[parts.coupled], _FIRST, np.inf
    for _ in range(_PULLS):
        pull = Pull(parts, at, strength)
        p, other, reply, taken, gap = pull.solve(at.p, y)
        steps += taken
        if gap > 100 * pull.clear:  # no answer to this pull: a stronger one is easier
            strength, failed = strength * _FACTOR, failed + 1
            if strength > _STRONGEST or failed > _FAILED:
                break
            continue
        at, y = Point(reply.x, p), other
        first = Guess(reply.free, (reply.x >= parts.upper) & (parts.upper > 0), reply.levied, reply.supported)
        found = exact(parts, at, first, rounds=_LATE if strength < _WEAK else _EARLY, good=_AIM)
        if found is not None:
            return found[0], steps + found[1]
        miss = parts.residual(*at)[1]
        if miss <= _AIM:
            return at, steps
        if strength <= _WEAKEST and miss > _BETTER * last:  # weaker pulls bring nothing more
            break
        strength, last = max(strength / _FACTOR, _WEAKEST), miss
    return (at if parts.residual(*at)[1] <= _GOOD else None), steps


def _checked(parts: Parts, at: Point, steps: int, method: str) -> Solution:
    """Return the answer with all that follows from it."""
    cost, revenue, loss = parts.sides(at.x, at.p)
    plain, relative = parts.residual(*at)
    largest = max(float(np.abs(at.x).max(initial=0.0)), float(np.abs(cost).max(initial=0.0)), 1.0)
    if relative > _GOOD or plain > max(_PLAIN, _ROUNDING * largest):
        what = f"its conditions fail by {plain:.1e} ({relative:.1e} of usual sizes)"
        raise InfeasibleError(f"the numbers of this market are too far apart: {what}. Give them in closer units.")
    full = np.isfinite(parts.upper) & (at.x >= parts.upper)
    idle = abs(parts.balance) @ (at.x > 0).astype(np.float64) == 0
    return Solution(
        at.x, at.p, np.where(full, np.maximum(-loss, 0.0), 0.0), np.maximum(parts.least_cost - cost, 0.0),
        np.maximum(parts.least_revenue - revenue, 0.0), plain, relative, steps, method, parts.monotone,
        idle,
    )  # fmt: skip
