"""What a stock saves in every path, exactly, and the cuts that prove it.

In one path and for one product, holders ``h`` release ``r[h, t]`` tonnes in period ``t``: together at most the
shortfall, each at most its release limit and its share of the shortfall of those it does not hold for, and, since it
was last refilled, never more than it has bought. Stock only flows forward in time, so this is a maximum flow, and by
max-flow min-cut what can be served is the least, over all ways to call each holder *empty* up to some period and
*willing* after it, of what the empty ones own plus what the willing ones may release. The least is found by a
recursion over periods whose state is the set of willing holders: exact, for all paths at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Course:
    """One product in all paths: periods x paths, tonnes.

    Attributes
    ----------
    short
        Shortfall of all consumers together, (T, S).
    most
        Most that a set of holders may release, (2^H, T, S); the set is read from the bits of its number.
    bought
        How many periods of the plan have been bought by the start of a period, (T, S).
    fresh
        Whether a holder has been refilled just before a period, (H, T, S).
    """

    short: Floats
    most: Floats
    bought: Ints
    fresh: Bools

    @property
    def holders(self) -> int:
        """Number of holders."""
        return len(self.fresh)

    def of(self, paths: Ints) -> Course:
        """Return some of the paths."""
        return Course(self.short[:, paths], self.most[:, :, paths], self.bought[:, paths], self.fresh[:, :, paths])


@dataclass(frozen=True, eq=False)
class Cuts:
    """What can be served at most: a constant, and what it counts of each holder's purchases.

    Attributes
    ----------
    served
        Tonnes served at most with the stock asked about, (S,).
    constant
        Tonnes of releases in the least cut, (S,).
    weight
        How often the stock bought by the end of each period of the plan counts, (S, H, T + 1).
    """

    served: Floats
    constant: Floats
    weight: Floats


def cuts(course: Course, stock: Floats) -> Cuts:
    """Return what a stock serves in every path with the cut that proves it.

    Parameters
    ----------
    course
        The product.
    stock
        Tonnes that each holder owns when ``k`` periods of the plan have been bought, (H, T + 1): rises with k.

    Returns
    -------
    Cuts
        ``served = constant + sum(weight x stock)``, and no other stock serves more than the same sum.

    Notes
    -----
    ``O(T 2^H H)`` steps, each over all paths.
    """
    trail, value = _forward(course, stock)
    periods, paths = course.short.shape
    holders = course.holders
    weight = np.zeros((paths, holders, periods + 1))
    everyone = np.arange(paths)
    final = _closing(course, stock, periods)
    total = value + final
    state = np.argmin(total, axis=0)
    served = total[state, everyone]
    last = course.bought[periods - 1]
    for h in range(holders):
        owing = (state >> h & 1) == 0
        weight[everyone[owing], h, last[owing]] += 1.0
    for t in range(periods - 1, -1, -1):
        joined, reset = trail[t]
        before = course.bought[max(t - 1, 0)]
        for h in range(holders - 1, -1, -1):
            took = joined[h][state, everyone]
            pays = took & ~course.fresh[h, t] & (t > 0)
            weight[everyone[pays], h, before[pays]] += 1.0
            state = np.where(took, state & ~(1 << h), state)
        for h in range(holders - 1, -1, -1):
            here = course.fresh[h, t] & (t > 0)
            was_in = reset[h][state, everyone] & here
            pays = here & ~was_in
            weight[everyone[pays], h, before[pays]] += 1.0
            state = np.where(was_in, state | (1 << h), state)
    return Cuts(served, served - np.einsum("shk,hk->s", weight, stock), weight)


def served_by_period(course: Course, stock: Floats) -> Floats:
    """Return tonnes served in each period and path when every tonne is released as early as it is of use, (T, S).

    What can be served up to each period is reached for all periods by one and the same course of releases (the sets of
    demands that a flow can serve are a polymatroid), so the differences are releases.
    """
    found = np.zeros_like(course.short)
    values: list[Floats] = []
    _forward(course, stock, values)
    for t, value in enumerate(values):
        found[t] = np.min(value + _closing(course, stock, t + 1), axis=0)
    return np.diff(found, axis=0, prepend=0.0)


def _closing(course: Course, stock: Floats, until: int) -> Floats:
    """Return what holders that are still called empty own at the end of a period, by state, (2^H, S)."""
    last = course.bought[until - 1]
    owned = stock[:, last]
    total = np.zeros((1 << course.holders, course.short.shape[1]))
    for state in range(1 << course.holders):
        for h in range(course.holders):
            if not state >> h & 1:
                total[state] += owned[h]
    return total


def _forward(
    course: Course, stock: Floats, values: list[Floats] | None = None
) -> tuple[list[tuple[list[Bools], list[Bools]]], Floats]:
    """Run the recursion; return the choices of each period and the value of each state at the end."""
    periods, paths = course.short.shape
    holders, states = course.holders, 1 << course.holders
    value = np.full((states, paths), np.inf)
    value[0] = 0.0
    trail = []
    for t in range(periods):
        owned = stock[:, course.bought[max(t - 1, 0)]]
        reset = []
        for h in range(holders):
            was_in = np.zeros((states, paths), dtype=np.bool_)
            here = course.fresh[h, t]
            if t and here.any():
                for state in range(states):
                    if state >> h & 1:
                        continue
                    willing, empty = value[state | 1 << h], value[state] + owned[h]
                    was_in[state] = willing <= empty
                    value[state] = np.where(here, np.minimum(willing, empty), value[state])
                    value[state | 1 << h] = np.where(here, np.inf, willing)
            reset.append(was_in)
        joined = []
        for h in range(holders):
            took = np.zeros((states, paths), dtype=np.bool_)
            price = np.where(course.fresh[h, t] | (t == 0), 0.0, owned[h])
            for state in range(states):
                if not state >> h & 1:
                    continue
                other = value[state & ~(1 << h)] + price
                took[state] = other < value[state]
                value[state] = np.minimum(value[state], other)
            joined.append(took)
        trail.append((joined, reset))
        value = value + course.most[:, t]
        if values is not None:
            values.append(value)
    return trail, value
