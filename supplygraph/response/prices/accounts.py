"""What an equilibrium means: who makes, ships and pays what, and who gains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import tally

if TYPE_CHECKING:
    from supplygraph.response.prices.base import Base, Floats
    from supplygraph.response.prices.calibration import Calibrated
    from supplygraph.response.prices.market import Found, Layout
    from supplygraph.response.prices.policy import Policy

#: Columns of who gains; each is a change in USD a year.
PARTIES = ("consumers_usd", "producers_usd", "traders_usd", "stocks_usd", "duties_usd", "payments_usd")


@dataclass(frozen=True, eq=False)
class State:
    """An equilibrium in words of the network; all arrays by market, maker, link or gate of the base."""

    fitted: Calibrated
    policy: Policy
    layout: Layout
    found: Found

    @property
    def base(self) -> Base:
        """Markets and activities."""
        return self.fitted.base

    @cached_property
    def price(self) -> Floats:
        """USD/t per market."""
        return self.found.p[: self.base.markets]

    @cached_property
    def covered(self) -> Floats:
        """Tonnes under each contract."""
        return self.found.x[self.layout.covered.span]

    @cached_property
    def beyond(self) -> Floats:
        """Tonnes of each maker beyond its contract."""
        return self.found.x[self.layout.makers.span]

    @cached_property
    def made(self) -> Floats:
        """Tonnes of each maker."""
        count = len(self.beyond)
        return self.beyond + tally(self.policy.contract_maker, self.covered, count)

    @cached_property
    def used(self) -> Floats:
        """Tonnes of final use, by use."""
        return self.found.x[self.layout.uses.span]

    @cached_property
    def today(self) -> Floats:
        """Tonnes on each link within today's relations."""
        return self.found.x[self.layout.links.span]

    @cached_property
    def more(self) -> Floats:
        """Tonnes on each link beyond them."""
        return self.found.x[self.layout.more.span]

    @cached_property
    def flow(self) -> Floats:
        """Tonnes on each link."""
        return self.today + self.more

    @cached_property
    def levy(self) -> Floats:
        """USD/t that the levy adds on each link: the gate's where something passes, else floor less landed price."""
        policy, gated = self.policy, self.policy.gate >= 0
        levy = np.zeros(len(gated))
        if not gated.any():
            return levy
        gate = policy.gate[gated]
        passing = (self.flow[gated] > 0) & (self.found.x[self.layout.gates.span][gate] > 0)
        missing = np.maximum(policy.gate_floor[gate] - self.landed[gated], 0.0)
        levy[gated] = np.where(passing, self.found.levy[self.layout.gates.span][gate], missing)
        return levy

    @cached_property
    def landed(self) -> Floats:
        """USD/t at which a tonne would land over each link, tariff included, before any levy.

        What flows lands at its marginal cost; over a link without flow the usual difference to the
        origin's price (at least freight) counts.
        """
        links, fitted, policy = self.base.links, self.fitted, self.policy
        usual = fitted.links.cost + fitted.relation(fitted.links.start)
        usual = np.where(links.flow > 0, usual, fitted.more.cost)
        within = fitted.links.cost + fitted.relation(self.today)
        beyond = fitted.more.cost + fitted.more.slope * self.more
        way = np.select([self.today > 0, self.more > 0], [within, beyond], usual)
        value = self.price[links.source] + way
        return (1 + policy.rate) * value + policy.specific

    @cached_property
    def tariff(self) -> Floats:
        """USD/t of tariff on each link."""
        policy = self.policy
        value = (self.landed - policy.specific) / (1 + policy.rate)
        return policy.rate * value + policy.specific

    @cached_property
    def duties(self) -> Floats:
        """USD a year collected on each link: tariff on the value of each tranche, and the levy."""
        links, fitted, policy = self.base.links, self.fitted, self.policy
        paid = np.zeros(len(links.flow))
        within = fitted.links.cost + fitted.relation(self.today)
        for way, flow in ((within, self.today), (fitted.more.cost + fitted.more.slope * self.more, self.more)):
            paid += flow * (policy.rate * (self.price[links.source] + way) + policy.specific)
        return paid + np.where(self.flow > 0, self.flow * self.levy, 0.0)

    @cached_property
    def support(self) -> Floats:
        """USD/t that each contract pays (negative = the payer takes a share of the upside)."""
        policy = self.policy
        price = self.price[self.base.makers.gives[policy.contract_maker]]
        keep = 1 - policy.contract_upside
        earned = np.maximum(keep * price + policy.contract_upside * policy.contract_strike, policy.contract_strike)
        return earned - price

    @cached_property
    def payments(self) -> Floats:
        """USD a year that each contract pays."""
        return self.support * self.covered

    def made_at(self) -> Floats:
        """Tonnes made per market."""
        return tally(self.base.makers.gives, self.made, self.base.markets)

    def taken_at(self) -> Floats:
        """Tonnes used per market: by plants and by final users."""
        base, makers = self.base, self.base.makers
        buys = makers.takes >= 0
        intake = tally(makers.takes[buys], (self.made / makers.recovery)[buys], base.markets)
        return intake + tally(base.uses.market, self.used, base.markets)

    def imported_at(self) -> Floats:
        """Tonnes imported per market."""
        return tally(self.base.links.target, self.flow, self.base.markets)

    def exported_at(self) -> Floats:
        """Tonnes exported per market."""
        return tally(self.base.links.source, self.flow, self.base.markets)

    def surplus(self) -> pd.DataFrame:
        """Return who has what, USD a year by country.

        Consumers: the triangle under their demand; producers: sales and contracts less inputs and the area under
        their cost; traders (of the importing country): the rent on relations, whose cost rises with use; stocks: what
        is released less what is put in, at prices; duties collected; payments under contracts (negative).
        """
        base, makers, fitted = self.base, self.base.makers, self.fitted
        price = self.price
        country = pd.Index(base.country)
        parts = {name: pd.Series(dtype="float64") for name in PARTIES}
        triangle = 0.5 * fitted.uses.slope * self.used**2
        parts["consumers_usd"] = pd.Series(triangle).groupby(country[base.uses.market]).sum()
        parts["producers_usd"] = pd.Series(self.profits()).groupby(country[makers.gives]).sum()
        rent = 0.5 * (fitted.relation(self.today) * self.today + fitted.more.slope * self.more**2)
        parts["traders_usd"] = pd.Series(rent).groupby(country[base.links.target]).sum()
        kept = -price[base.stocks.market] * base.stocks.net
        parts["stocks_usd"] = pd.Series(kept).groupby(country[base.stocks.market]).sum()
        parts["duties_usd"] = pd.Series(self.duties).groupby(country[base.links.target]).sum()
        payer = pd.Index(self.policy.contract_payer, dtype="object")
        parts["payments_usd"] = -pd.Series(self.payments).groupby(payer).sum()
        table = pd.DataFrame(parts).fillna(0.0).rename_axis("country").sort_index()
        return table.astype("float64")

    def profits(self) -> Floats:
        """Return what each maker keeps, USD a year."""
        makers, curve, policy = self.base.makers, self.fitted.makers, self.policy
        paid = np.where(makers.takes >= 0, self.price[makers.takes] / makers.recovery, 0.0)
        sales = self.made * (self.price[makers.gives] - paid)
        # Covered tonnes come first on the curve, so the area under it is that of all tonnes together, unless the
        # contract leaves room that is not used.
        first = np.zeros(len(self.made))
        first[policy.contract_maker] = self.covered
        room = np.zeros(len(self.made))
        room[policy.contract_maker] = np.minimum(policy.contract_volume, curve.upper[policy.contract_maker])
        room = np.where(np.isfinite(room), room, 0.0)
        rest = self.beyond
        cost = curve.cost * first + 0.5 * curve.slope * first**2
        cost = cost + (curve.cost + curve.slope * room) * rest + 0.5 * curve.slope * rest**2
        sales = sales + tally(policy.contract_maker, self.payments, len(self.made))
        return sales - cost


def gains(before: State, after: State) -> pd.DataFrame:
    """Return the change of every party's surplus by country, and the sum."""
    one, other = before.surplus(), after.surplus()
    countries = one.index.union(other.index)
    change = other.reindex(countries, fill_value=0.0) - one.reindex(countries, fill_value=0.0)
    return change.assign(total_usd=change.sum(axis=1)).rename_axis("country")


def world(state: State, amount: Floats, inside: np.ndarray | None = None) -> Floats:
    """Return the mean price per product, weighted by what is taken there; NaN where nothing is taken."""
    base = state.base
    weight = amount if inside is None else np.where(inside, amount, 0.0)
    total = tally(base.product, weight, len(base.products))
    spent = tally(base.product, weight * state.price, len(base.products))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, spent / total, np.nan)
