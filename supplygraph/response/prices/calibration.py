"""Curves through the baseline: prices by country, and what each activity would do at other prices.

With no instrument the baseline is the equilibrium, exactly (positive mathematical programming, Howitt 1995): the
marginal cost of everything that runs today equals what it earns today, and rises with its quantity by a stated
elasticity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplygraph.engine.expanded import tally

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.response.prices.base import Base, Floats, Ints
    from supplygraph.response.prices.elasticities import Elasticities

#: What all suppliers of a country lose together makes them cheaper by this share of what one loses to the others: an
#: assumption. At 1 goods from home and from abroad would differ as much as those of two origins, at 0 not at all.
_TOGETHER = 0.25
#: A country's price is not below this share of the world's, whatever freight says.
_LEAST = 0.2
#: Weight of the world price against freight in the fit of prices, so that lone markets have one.
_ANCHOR = 1e-6
#: What a country without stock moves would pay to keep those that stay as they are: times the dearest price.
_KEPT = 20.0


class Curve(NamedTuple):
    """Own marginal cost ``cost + slope x`` up to ``upper``, in USD/t and t/yr; ``start`` is today's quantity."""

    cost: Floats
    slope: Floats
    upper: Floats
    start: Floats


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A baseline with prices and curves.

    Attributes
    ----------
    price
        Per market, USD/t.
    world
        Per product: the reference price.
    makers, uses, stocks, links, more
        Curves; ``more`` are tonnes beyond today's relations (one per link), which pay the relinking cost.
    shared
        Per link: by how much each tonne that arrives within today's relations, from whichever origin, lowers the
        marginal cost of it.
    at_a_loss
        Makers whose sourced cost is above what they earn today: their curve follows the elasticity instead.
    clipped
        Markets whose price was kept from falling too low.
    """

    base: Base
    price: Floats
    world: Floats
    makers: Curve
    uses: Curve
    stocks: Curve
    links: Curve
    more: Curve
    shared: Floats
    at_a_loss: Ints
    clipped: Ints

    def relation(self, today: Floats) -> Floats:
        """Return what today's relations add to marginal cost at some tonnes on each link, USD/t."""
        links = self.base.links
        arrives = tally(links.target, today, self.base.markets)[links.target]
        return self.links.slope * today - self.shared * arrives


def calibrate(
    base: Base, world: pd.Series, elasticities: Elasticities, *, run: str, relink_usd_t: float,
    where: dict[str, Floats] | None = None, costs: Floats | None = None,
) -> Calibrated:
    """Fit prices and curves to a baseline.

    Parameters
    ----------
    base
        Markets and activities.
    world
        World price by product, USD/t.
    elasticities
        Of all products.
    run
        In the short run nobody makes more than listed capacity; in the long run curves go on.
    relink_usd_t
        What a tonne beyond today's relations pays on top of its way.
    where
        Places of elasticities between low (-1) and high (1), per kind and product; None = central.
    costs
        Sourced costs of makers for this draw, USD/t; None = central.

    Notes
    -----
    Prices by country minimise the sum over used links of tonnes times the squared gap between price difference and
    freight, with the mean over what is handled equal to the world price.

    Slopes are ``p / (elasticity q)`` of supply and demand. The cost of a link rises by ``p / (elasticity x0)
    [(x - s X) + s (X - X0) / 4]``, with ``s`` its share today in all arrivals ``X``: it loses the share ``elasticity x
    disadvantage`` to other origins, while what all origins lose together to home goods counts a quarter.

    More than today goes between any two markets at the fitted difference or freight, whichever is more, plus the
    relinking cost; its slope is that of a link as large as both ends would have if all traded in proportion (handled
    there x handled here / handled in all). A sourced cost below today's earnings is where the plant would stop: there
    its curve starts.
    """
    product = base.product
    reference = world.reindex(base.products).to_numpy(dtype=np.float64)
    price, clipped = _prices(base, reference)
    at = {
        kind: elasticities.at(kind, base.products, None if where is None else where.get(kind))[product]
        for kind in ("supply", "demand", "origins")
    }
    makers, at_a_loss = _makers(base, price, at["supply"], run, base.makers.cost if costs is None else costs)
    uses = base.uses
    wanted = price[uses.market]
    slope = wanted / (at["demand"][uses.market] * uses.taken)
    many = np.full(len(uses.market), np.inf)
    links, shared, more = _links(base, price, at["origins"], relink_usd_t)
    held = _KEPT * float(reference.max(initial=1.0))
    stocks = Curve(
        np.full(len(base.stocks.market), -held), np.zeros(len(base.stocks.market)), np.abs(base.stocks.net),
        np.abs(base.stocks.net),
    )  # fmt: skip
    return Calibrated(base, price, reference, makers, Curve(-wanted - slope * uses.taken, slope, many, uses.taken),
                      stocks, links, more, shared, at_a_loss, clipped)  # fmt: skip


def _prices(base: Base, reference: Floats) -> tuple[Floats, Ints]:
    """Fit prices by country to freight; the mean over what is handled is the reference, in every part that trades."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = base.links
    used = np.flatnonzero(links.flow > 0)
    source, target, weight = links.source[used], links.target[used], links.flow[used]
    size = base.markets
    scale = tally(base.product[source], weight, len(reference))[base.product]
    scale = np.where(scale > 0, scale, 1.0)
    matrix = np.diag(_ANCHOR * scale)
    for one, other, sign in ((source, source, 1), (target, target, 1), (source, target, -1), (target, source, -1)):
        np.add.at(matrix, (one, other), sign * weight)
    right = _ANCHOR * scale * reference[base.product]
    np.add.at(right, target, weight * links.freight[used])
    np.add.at(right, source, -weight * links.freight[used])
    price = np.linalg.solve(matrix, right)
    count, part = connected_components(coo_array((np.ones(len(used)), (source, target)), shape=(size, size)))
    mass = np.maximum(base.handled, 1e-9)
    mean = tally(part, mass * price, count) / tally(part, mass, count)
    level: Floats = np.asarray(price - mean[part] + reference[base.product], dtype=np.float64)
    least = _LEAST * reference[base.product]
    return np.maximum(level, least), np.flatnonzero(level < least)


def _makers(base: Base, price: Floats, supply: Floats, run: str, costs: Floats) -> tuple[Curve, Ints]:
    """Return curves of makers, and those that run at a loss by their sourced cost."""
    makers = base.makers
    earned = price[makers.gives]
    paid = np.where(makers.takes >= 0, price[makers.takes] / makers.recovery, 0.0)
    margin, output = earned - paid, makers.output
    runs = output > 0
    loss = runs & (costs >= margin)
    steps = runs & (costs < margin)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(steps, (margin - costs) / output, earned / (supply[makers.gives] * output))
    slope = np.where(runs, slope, 0.0)
    # What stands idle and has no cost known stays idle. What has one runs when that pays; where it would today,
    # something else keeps it idle, which today's margin stands for. Projects are new: they run as soon as they pay.
    idle = np.where(np.isnan(costs), 0.0, np.where(makers.project, costs, np.fmax(costs, margin)))
    cost = np.where(runs, margin - slope * output, idle)
    upper = np.full(len(output), np.inf) if run == "long" else makers.capacity.copy()
    upper = np.where(runs, upper, np.where(np.isnan(costs), 0.0, makers.capacity))
    return Curve(cost, slope, upper, output), np.flatnonzero(loss)


def _links(base: Base, price: Floats, origins: Floats, relink_usd_t: float) -> tuple[Curve, Floats, Curve]:
    """Return curves of today's relations, what they share, and curves of what goes beyond them."""
    links = base.links
    lands = price[links.target]
    fitted = lands - price[links.source]
    used = links.flow > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(used, lands / (origins[links.target] * links.flow), 0.0)
    arrives = tally(links.target, links.flow, base.markets)[links.target]
    with np.errstate(divide="ignore", invalid="ignore"):
        shared = np.where(used, (1 - _TOGETHER) * lands / (origins[links.target] * arrives), 0.0)
    cost = fitted - slope * links.flow + shared * arrives
    today = Curve(cost, slope, np.where(used, np.inf, 0.0), links.flow)
    total = tally(base.product, base.handled, len(base.products))[base.product]
    # Markets that handle nothing yet (a project's country) count with what could be made there.
    could = tally(base.makers.gives, np.where(np.isfinite(base.makers.capacity), base.makers.capacity, 0.0),
                        base.markets)  # fmt: skip
    could = np.maximum(base.handled, could)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = could[links.source] * could[links.target] / total[links.target]
        steep = lands / (origins[links.target] * share)
    open_ = np.isfinite(steep) & (share > 0)
    more = Curve(
        np.maximum(fitted, links.freight) + relink_usd_t, np.where(open_, steep, 0.0), np.where(open_, np.inf, 0.0),
        np.zeros(len(used)),
    )  # fmt: skip
    return today, shared, more
