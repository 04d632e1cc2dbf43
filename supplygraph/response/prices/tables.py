"""Tables of an equilibrium: two states side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.response.prices.accounts import State
    from supplygraph.response.prices.base import Base, Floats
    from supplygraph.response.prices.model import Model

#: Tonnes below this share of the largest market are rounding.
LEAST = 1e-9


def market_ids(base: Base) -> pd.Index[str]:
    """Return the ids of markets, ``country:product``."""
    products = base.products[base.product]
    return pd.Index([f"{country}:{product}" for country, product in zip(base.country, products, strict=True)],
                    name="market", dtype="str")  # fmt: skip


def pair_ids(base: Base) -> pd.Index[str]:
    """Return the ids of links, ``origin>destination:product``."""
    links = base.links
    ends = zip(base.country[links.source], base.country[links.target], base.products[base.product[links.target]],
               strict=True)  # fmt: skip
    return pd.Index([f"{one}>{other}:{product}" for one, other, product in ends], name="pair", dtype="str")


def clean(amount: Floats, base: Base) -> Floats:
    """Return tonnes with rounding set to nothing."""
    return np.where(np.abs(amount) <= LEAST * max(float(base.handled.max(initial=0.0)), 1.0), 0.0, amount)


def markets(before: State, after: State) -> pd.DataFrame:
    """One row per (country, product)."""
    base, policy = before.base, after.policy
    floor = np.full(base.markets, np.nan)
    floor[policy.gate_market] = policy.gate_floor
    table = pd.DataFrame({
        "country": pd.Index(base.country, dtype="str"), "product": base.products[base.product],
        "zone": np.isin(base.country, list(policy.members)), "floor_usd_t": floor,
        "price_before_usd_t": before.price, "price_usd_t": after.price, "change_usd_t": after.price - before.price,
    })  # fmt: skip
    for name in ("made", "taken", "imported", "exported"):
        word = {"made": "produced", "taken": "used"}.get(name, name)
        table[f"{word}_before_t"] = clean(getattr(before, f"{name}_at")(), base)
        table[f"{word}_t"] = clean(getattr(after, f"{name}_at")(), base)
    # A market where nothing is made, shipped or used has no price.
    for when in ("_before", ""):
        dead = (table[[f"{word}{when}_t" for word in ("produced", "used", "imported", "exported")]] <= 0).all(axis=1)
        table.loc[dead, f"price{when}_usd_t"] = np.nan
    table["change_usd_t"] = table["price_usd_t"] - table["price_before_usd_t"]
    return table.set_index(market_ids(base))


def makers(before: State, after: State) -> pd.DataFrame:
    """One row per plant, mine or project."""
    base = before.base
    rows = base.makers
    table = pd.DataFrame({
        "name": rows.name, "node": rows.node, "country": base.country[rows.gives],
        "product": base.products[base.product[rows.gives]], "project": rows.project,
        "before_t": clean(before.made, base), "after_t": clean(after.made, base), "capacity_t": rows.capacity,
    })  # fmt: skip
    table["difference_t"] = table["after_t"] - table["before_t"]
    return table.set_index(pd.Index(rows.process, name="process", dtype="str")).sort_index()


def flows(before: State, after: State) -> pd.DataFrame:
    """One row per pair of countries and product that trades before or after."""
    base, links = before.base, before.base.links
    table = pd.DataFrame({
        "origin": base.country[links.source], "destination": base.country[links.target],
        "product": base.products[base.product[links.target]], "before_t": clean(before.flow, base),
        "after_t": clean(after.flow, base), "beyond_today_t": clean(after.more, base),
        "freight_usd_t": links.freight, "freight_basis": np.where(links.routed, "route", "distance, estimated"),
    }, index=pair_ids(base))  # fmt: skip
    table.insert(5, "difference_t", table["after_t"] - table["before_t"])
    return table[(table["before_t"] > 0) | (table["after_t"] > 0)].sort_index()


def duties(after: State) -> pd.DataFrame:
    """One row per pair that an instrument taxes."""
    base, links = after.base, after.base.links
    gated = after.policy.gate >= 0
    table = pd.DataFrame({
        "origin": base.country[links.source], "destination": base.country[links.target],
        "product": base.products[base.product[links.target]], "landed_usd_t": after.landed,
        "tariff_usd_t": after.tariff, "levy_usd_t": after.levy, "duty_usd_t": after.tariff + after.levy,
        "floor_usd_t": np.where(gated, np.append(after.policy.gate_floor, np.nan)[after.policy.gate], np.nan),
        "flow_t": clean(after.flow, base), "revenue_usd": after.duties,
    }, index=pair_ids(base))  # fmt: skip
    return table[after.policy.taxed].sort_index()


def revenue(after: State) -> pd.DataFrame:
    """One row per country that collects duties or pays contracts, USD a year."""
    surplus = after.surplus()
    table = pd.DataFrame({"duties_usd": surplus["duties_usd"], "payments_usd": -surplus["payments_usd"]})
    table["net_usd"] = table["duties_usd"] - table["payments_usd"]
    return table[(table["duties_usd"] != 0) | (table["payments_usd"] != 0)]


def break_even(state: State) -> Floats:
    """Return the price of its output at which each maker runs, USD/t, at the prices of its input in a state.

    The sourced cost and its input; else, for a plant that runs today, where its curve reaches listed capacity;
    else missing.
    """
    rows, curve = state.base.makers, state.fitted.makers
    inputs = np.where(rows.takes >= 0, state.price[rows.takes] / rows.recovery, 0.0)
    known = np.isfinite(rows.cost)
    room = np.isfinite(rows.capacity) & (rows.output > 0)
    full = curve.cost + curve.slope * np.where(room, rows.capacity, 0.0)
    own = np.where(rows.output > 0, rows.cost, curve.cost)  # a drawn cost where the plant is all cost
    return inputs + np.where(known, own, np.where(room, full, np.nan))


def viable(before: State, after: State) -> pd.DataFrame:
    """One row per project, per plant with a sourced cost, a contract, or in a zone with a floor on what it makes."""
    base, rows, policy = before.base, before.base.makers, after.policy
    support = np.zeros(len(rows.output))
    support[policy.contract_maker] = after.support
    covered = np.isin(np.arange(len(rows.output)), policy.contract_maker)
    known, room = np.isfinite(rows.cost), np.isfinite(rows.capacity) & (rows.output > 0)
    chosen = np.flatnonzero(rows.project | known | covered | np.isin(rows.gives, policy.gate_market))
    even = break_even(after)
    received = after.price[rows.gives] + support
    basis = np.select(
        [rows.project, known, room], ["cost of the project", "sourced cost", "curve at full capacity, estimated"],
        "unknown",
    )  # fmt: skip
    table = pd.DataFrame({
        "name": rows.name, "country": base.country[rows.gives],
        "product": base.products[base.product[rows.gives]], "basis": basis, "cost_usd_t": rows.cost,
        "break_even_usd_t": even, "price_before_usd_t": before.price[rows.gives],
        "price_usd_t": after.price[rows.gives], "support_usd_t": support, "before_t": clean(before.made, base),
        "after_t": clean(after.made, base), "capacity_t": rows.capacity,
        "pays_before": _reaches(before.price[rows.gives], break_even(before)), "pays": _reaches(received, even),
    }, index=pd.Index(rows.process, name="process", dtype="str"))  # fmt: skip
    return table.iloc[chosen].sort_index()


def _reaches(price: Floats, even: Floats) -> NDArray[np.bool_]:
    return np.asarray(price >= even - 1e-6 * np.abs(even))


def diversion(before: State, after: State) -> pd.DataFrame:
    """One row per (product, third country): tonnes that now come through it past a duty.

    A third country sells more to those that tax others but not it, and buys more from those that are taxed: the
    smaller of the two increases counts.
    """
    base, links = before.base, before.base.links
    taxed = (after.policy.rate > 0) | (after.policy.specific > 0) | (after.policy.gate >= 0)
    taxed &= base.product[links.target] >= 0
    rise = np.maximum(clean(after.flow - before.flow, base), 0.0)
    # Links into a market that taxes somebody, from one that it does not tax.
    taxes = np.zeros(base.markets, dtype=np.bool_)
    taxes[links.target[taxed]] = True
    source_taxed = np.zeros(base.markets, dtype=np.bool_)
    source_taxed[links.source[taxed]] = True
    onward = taxes[links.target] & ~taxed
    inward = source_taxed[links.source] & ~taxed
    sold = tally(links.source[onward], rise[onward], base.markets)
    bought = tally(links.target[inward], rise[inward], base.markets)
    through = np.minimum(sold, bought)
    rows = np.flatnonzero(through > 0)
    table = pd.DataFrame({
        "country": base.country[rows], "product": base.products[base.product[rows]], "through_t": through[rows],
        "more_sold_t": sold[rows], "more_bought_t": bought[rows],
    }, index=market_ids(base)[rows])  # fmt: skip
    return table.sort_values("through_t", ascending=False, kind="stable")


def missed(model: Model, before: State, after: State) -> pd.DataFrame:
    """One row per product made from a floored one that has no floor itself: what enters the zone in it.

    ``content_t`` is in tonnes of the floored product, over all recoveries on the way.
    """
    base, policy = before.base, after.policy
    inside = np.isin(base.country, list(policy.members))
    links = base.links
    entering = inside[links.target] & ~inside[links.source]
    rows = []
    for number in policy.floored:
        first = str(base.products[number])
        for product, share in sorted(_downstream(model.quotes.chain, first).items()):
            other = int(base.products.get_indexer(pd.Index([product]))[0])
            if other in policy.floored:
                continue
            here = entering & (base.product[links.target] == other)
            one, two = float(before.flow[here].sum()) / share, float(after.flow[here].sum()) / share
            own = entering & (base.product[links.target] == number)
            rows.append((first, product, one, two, two - one, float(after.flow[own].sum())))
    columns = ["product", "enters_as", "content_before_t", "content_t", "difference_t", "product_itself_t"]
    table = pd.DataFrame(rows, columns=columns)
    table.index = pd.RangeIndex(1, len(table) + 1, name="rank")
    return table


def _downstream(chain: dict[tuple[str, str], float], first: str) -> dict[str, float]:
    """Return all products made from one, with the share that arrives there."""
    found: dict[str, float] = {}
    ready = [(first, 1.0)]
    while ready:
        now, share = ready.pop()
        for (one, other), recovery in chain.items():
            if one == now and other != first and share * recovery > found.get(other, 0.0):
                found[other] = share * recovery
                ready.append((other, share * recovery))
    return found
