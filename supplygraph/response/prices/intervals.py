"""How far answers move when elasticities, costs and implied prices do: draws with a stated seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.response.prices import policy as policies
from supplygraph.response.prices.accounts import gains
from supplygraph.response.prices.model import solve
from supplygraph.response.prices.tables import break_even

if TYPE_CHECKING:
    from supplygraph.response.prices.accounts import State
    from supplygraph.response.prices.base import Floats
    from supplygraph.response.prices.model import Model
    from supplygraph.response.prices.policy import Policy

#: Ends of the intervals, per cent.
ENDS = (5.0, 95.0)


class Drawn(NamedTuple):
    """Answers of all draws, one row each."""

    price: Floats
    change: Floats
    produced: Floats
    imported: Floats
    made: Floats
    break_even: Floats
    flow: Floats
    users: Floats
    revenue: Floats
    payments: Floats
    zone_output: Floats


class Ends(NamedTuple):
    """The low and the high end of an interval."""

    low: Floats
    high: Floats


def ends(draws: Floats) -> Ends:
    """Return the 5 % and the 95 % of draws (rows)."""
    low, high = np.nanpercentile(draws, ENDS, axis=0) if np.isfinite(draws).any() else (draws[0], draws[0])
    return Ends(np.asarray(low), np.asarray(high))


def draw(model: Model, instruments: Policy, after: State, *, draws: int, seed: int) -> Drawn:
    """Solve at drawn elasticities, costs and implied prices.

    Complexity: two equilibria per draw (one without projects), each started from the central answer.
    """
    rows: list[tuple[Floats, ...]] = []
    for fitted in model.drawn(draws, seed):
        free = solve(fitted, policies.nothing(model.base), model.free)
        now = solve(fitted, instruments, after)
        rows.append(_figures(free, now))
    return Drawn(*(np.array(column) for column in zip(*rows, strict=True)))


def _figures(free: State, now: State) -> tuple[Floats, ...]:
    change = gains(free, now)
    return (
        now.price, now.price - free.price, now.made_at(), now.imported_at(), now.made, break_even(now), now.flow,
        np.array(users_cost(now, change)), np.array(change["duties_usd"].sum()),
        np.array(-change["payments_usd"].sum()), np.array(zone_output(now)),
    )  # fmt: skip


def users_cost(state: State, change: object) -> float:
    """Return what final users lose, USD a year: those of the zone, or of all who tax or pay where there is none."""
    members = payers(state)
    consumers = change["consumers_usd"]  # type: ignore[index]
    return -float(consumers[consumers.index.isin(members)].sum())


def payers(state: State) -> tuple[str, ...]:
    """Return the countries whose policy it is: members of the zones, else importers that tax, else payers."""
    instruments, links = state.policy, state.base.links
    if instruments.members:
        return instruments.members
    taxing = set(state.base.country[links.target[instruments.taxed]])
    return tuple(sorted(taxing or set(instruments.contract_payer)))


def touched(state: State) -> np.ndarray:
    """Tell which products the instruments are about."""
    base, instruments = state.base, state.policy
    found = np.zeros(len(base.products), dtype=np.bool_)
    found[base.product[base.links.target[instruments.taxed]]] = True
    found[base.product[base.makers.gives[instruments.contract_maker]]] = True
    found[list(instruments.floored)] = True
    return found


def zone_output(state: State) -> float:
    """Return what the countries of the policy make of the products it is about, t/yr (contracts: those covered)."""
    base = state.base
    home = np.isin(base.country, list(payers(state)))
    if not state.policy.members and not state.policy.taxed.any():
        chosen = np.isin(np.arange(len(base.makers.output)), state.policy.contract_maker)
        return float(state.made[chosen].sum())
    return float(state.made_at()[home & touched(state)[base.product]].sum())
