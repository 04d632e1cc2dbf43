"""The exact answer for a guess of what runs, what is at its limit, and which floors bind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.complementarity.newton import Point

if TYPE_CHECKING:
    from supplygraph.engine.complementarity.market import Bools, Floats, Parts

#: A whiff on the diagonal picks the point nearest to the guess where there is a choice; refinement takes it out.
_WHIFF, _REFINED = 1e-7, 40
#: Running activities for each market, at most, for a guess to be worth solving.
_CROWD = 6


class Guess(NamedTuple):
    """Which activities run between their limits, which are at the upper one, and whose floors bind."""

    free: Bools
    full: Bools
    levied: Bools
    supported: Bools


def guess(parts: Parts, at: Point) -> Guess:
    """Return what a point suggests: an activity runs where it is larger than its loss, each relative to its size."""
    cost, revenue, loss = parts.sides(at.x, at.p)
    wish = at.x / parts.sizes - loss / parts.worths
    full = wish >= parts.upper / parts.sizes
    return Guess((wish > 0) & ~full, full, cost < parts.least_cost, revenue < parts.least_revenue)


def exact(parts: Parts, at: Point, first: Guess | None = None, *, rounds: int, good: float) -> tuple[Point, int] | None:
    """Return the answer and the rounds it took if some guess on the way holds; None if none does.

    Each round solves the conditions of the guess as equations, then guesses anew from what came out (a primal-dual
    active set).
    """
    now, trusted = first or guess(parts, at), at
    seen: set[bytes] = set()
    for taken in range(1, rounds + 1):
        if int(now.free.sum()) > _CROWD * len(at.p) + len(parts.coupled) + 50:
            return None
        mark = np.packbits(np.concatenate(now)).tobytes()
        if mark in seen:
            return None
        seen.add(mark)
        found = _equations(parts, now, trusted)
        if found is None:
            return None
        clipped = Point(np.clip(found.x, 0.0, parts.upper), found.p)
        if parts.residual(*clipped)[1] <= good:
            return clipped, taken
        now, trusted = guess(parts, found), found
    return None


def _equations(parts: Parts, now: Guess, at: Point) -> Point | None:
    """Solve ``loss = 0`` of what runs and ``balance x = 0`` of all markets."""
    from scipy.sparse import block_array, csc_array, diags_array
    from scipy.sparse.linalg import splu

    free, height = now.free, len(at.p)
    x = np.where(now.full, parts.upper, np.where(free, at.x, 0.0))
    count = int(free.sum())
    plain, market = (~now.levied[free]).astype(np.float64), (~now.supported[free]).astype(np.float64)
    own = diags_array(plain * parts.own[free])
    rest = np.zeros(len(free))
    if parts.cross is not None:
        own = own + diags_array(plain) @ parts.cross[free][:, free]
        rest = parts.cross @ np.where(free, 0.0, x)
    prices = csc_array((parts.pay[:, free] @ diags_array(plain) - parts.earn[:, free] @ diags_array(market)).T)
    body = parts.balance[:, free]
    cost = np.where(now.levied, parts.least_cost, parts.cost + rest)[free]
    revenue = np.where(now.supported, parts.least_revenue, 0.0)[free]
    target = np.concatenate([revenue - cost, -(parts.balance @ np.where(free, 0.0, x))])
    # Numbers near 1 on both sides; a row of an activity and its column weigh alike, as do those of a market.
    wide = np.concatenate([np.sqrt(parts.sizes / parts.worths)[free], np.sqrt(parts.worth / parts.size)])
    scale = diags_array(wide)
    matrix = csc_array(scale @ block_array([[own, prices], [body, csc_array((height, height))]]) @ scale)
    try:
        solve = splu(csc_array(matrix + _WHIFF * diags_array(np.ones(count + height)))).solve
    except RuntimeError:
        return None
    found = _refined(solve, matrix, target * wide, np.concatenate([x[free], at.p]) / wide) * wide
    if not np.isfinite(found).all():
        return None
    x[free] = found[:count]
    return Point(x, found[count:])


def _refined(solve: object, matrix: object, target: Floats, found: Floats) -> Floats:
    """Improve a solution with an inverse that is only near, as long as that helps."""
    best, best_error = found, np.inf
    for _ in range(_REFINED):
        left = target - matrix @ found  # type: ignore[operator]
        error = float(np.abs(left).max(initial=0.0))
        if not np.isfinite(error) or error > 4 * best_error:
            break
        if error < best_error:
            gained = error < 0.5 * best_error
            best, best_error = found, error
            if not gained:
                break
        found = found + solve(left)  # type: ignore[operator]
    return best
