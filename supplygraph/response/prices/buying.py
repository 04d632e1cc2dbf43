"""When a levy cannot hold a floor: how much a state would have to buy at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.response.prices.model import solve
from supplygraph.response.prices.tables import clean, market_ids

if TYPE_CHECKING:
    from supplygraph.response.prices.accounts import State
    from supplygraph.response.prices.base import Ints

#: A price this share below the floor counts as held.
_HELD = 1e-6
#: Rounds in which further markets fall below the floor once others are held.
_ROUNDS = 8
_COLUMNS = ["country", "product", "floor_usd_t", "price_usd_t", "shortfall_usd_t", "buying_t", "cost_usd"]


def below(after: State) -> Ints:
    """Return the gates whose market stands below the floor although nothing comes in from outside."""
    policy = after.policy
    price = after.price[policy.gate_market]
    return np.flatnonzero(price < policy.gate_floor * (1 - _HELD))


def buying(after: State, near: State | None = None) -> tuple[pd.DataFrame, State | None]:
    """Return what buying would hold the floor where the levy cannot, and the equilibrium with it.

    ``near`` is such an equilibrium at another level, to start from.

    The state buys what its own and other members' producers cannot sell at the floor; nothing from outside, since
    imports there are shut out already.

    Returns
    -------
    tuple
        A frame by market (``shortfall_usd_t`` without buying, ``buying_t``, ``cost_usd`` a year, before what is bought
        is used or sold); the state with buyers, None where none is needed.
    """
    policy, base = after.policy, after.base
    gates = below(after)
    # A market that nobody supplies or uses has no price to hold.
    gates = gates[(after.made_at() + after.imported_at())[policy.gate_market[gates]] > 0]
    if not len(gates):
        return pd.DataFrame(columns=_COLUMNS, index=pd.Index([], name="market", dtype="str")), None
    active = np.zeros(len(policy.gate_market), dtype=np.bool_)
    active[gates] = True
    held = after if near is None else near
    for _ in range(_ROUNDS):
        held = solve(after.fitted, policy, held, active)
        more = below(held)
        there = (held.made_at() + held.imported_at())[policy.gate_market[more]] > 0
        more = more[there & ~active[more]]
        if not len(more):
            break
        active[more] = True
    rows = np.flatnonzero(active)
    market = policy.gate_market[rows]
    bought = clean(held.found.x[held.layout.buyers.span][rows], base)
    table = pd.DataFrame({
        "country": base.country[market], "product": base.products[base.product[market]],
        "floor_usd_t": policy.gate_floor[rows], "price_usd_t": after.price[market],
        "shortfall_usd_t": np.maximum(policy.gate_floor[rows] - after.price[market], 0.0), "buying_t": bought,
        "cost_usd": bought * policy.gate_floor[rows],
    }, index=market_ids(base)[market])  # fmt: skip
    return table.sort_values("cost_usd", ascending=False, kind="stable"), held
