"""What each product costs in the world: quoted, given, or implied by the chain, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.money import YEAR, dollars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]

GIVEN, QUOTED, IMPLIED = "given", "quoted", "implied"


@dataclass(frozen=True)
class Quotes:
    """World prices of products.

    Attributes
    ----------
    table
        Index ``product``: ``price_usd_t``, ``price_low_usd_t``, ``price_high_usd_t``, ``basis`` (given, quoted,
        implied) and ``note``.
    order
        Products, raw material first.
    chain
        Largest recovery by (input, output).
    dearest
        The dearest known price of the mineral of each product.
    """

    table: pd.DataFrame
    order: tuple[str, ...]
    chain: dict[tuple[str, str], float]
    dearest: pd.Series

    def draw(self, where: Mapping[str, float] | None = None) -> pd.Series:
        """Return prices with the implied ones at a place between their ends (0 to 1; missing = the middle)."""
        known = self.table["price_usd_t"].where(self.table["basis"] != IMPLIED)
        found = _implied(known, self.order, self.chain, self.dearest, where or {})
        return found["price_usd_t"]


def of_network(net: SupplyNetwork, given: Mapping[str, Any] | None, year: int = YEAR) -> Quotes:
    """Return the price of every product of a network.

    A product without a price lies between the value of what it is made of and the value of what is made of it (each
    over or times recovery); the middle counts, marked as implied. What is made last has no value above: there the
    dearest price of its mineral is the upper end.

    Raises
    ------
    UnknownNameError
        If a price is given for a product that the network does not have.
    DataError
        If a given price is no money, or a mineral has no price at all.
    """
    products = net.products
    known = products["price_usd_t"].astype("float64").copy()
    quoted, own = known.notna(), list[str]()
    problems: list[Problem] = []
    for product, level in (given or {}).items():
        if product not in products.index:
            raise UnknownNameError.of("product in prices", product, products.index)
        amount = dollars(f"prices[{product!r}]", level, problems, year=year)
        if amount <= 0 and not problems:
            problems.append(Problem(f"prices[{product!r}]", "is 0; expected a price above 0", "Give USD per tonne."))
        known[product] = amount
        own.append(product)
    for mineral, rows in products.groupby("mineral", sort=True):
        if known[rows.index].isna().all():
            last = rows["order"].astype("float64").idxmax()
            what = f"no product has a price ({', '.join(rows.index)})"
            remedy = f"Give one: prices={{{str(last)!r}: 35000}}, in USD per tonne."
            problems.append(Problem(str(mineral), what, remedy))
    if problems:
        raise DataError("prices are missing or wrong", problems)
    chain = _chain(net)
    order = tuple(products["order"].astype("float64").sort_values(kind="stable").index)
    dearest = known.groupby(products["mineral"]).transform("max")
    table = _implied(known, order, chain, dearest, {})
    table["basis"] = np.where(table.index.isin(own), GIVEN, np.where(quoted, QUOTED, IMPLIED))
    table["note"] = [_note(table.loc[product]) for product in table.index]
    return Quotes(table, order, chain, dearest)


def _chain(net: SupplyNetwork) -> dict[tuple[str, str], float]:
    processes = net.processes
    made = processes[(processes["role"] == "transform") & processes["input"].notna() & processes["output"].notna()]
    recovery = made["recovery"].astype("float64").fillna(1.0)
    best: dict[tuple[str, str], float] = {}
    for one, other, share in zip(made["input"], made["output"], recovery, strict=True):
        best[one, other] = max(best.get((one, other), 0.0), float(share))
    return dict(sorted(best.items()))


def _implied(
    known: pd.Series, order: tuple[str, ...], chain: dict[tuple[str, str], float], dearest: pd.Series,
    where: Mapping[str, float],
) -> pd.DataFrame:
    """Fill what is not known, raw material first: from its inputs below, from the next known price above."""
    low, high, price = known.copy(), known.copy(), known.copy()
    worth = _worth(known, order, chain)
    for product in order:
        if not np.isnan(known[product]):
            continue
        below = [price[one] / share for (one, other), share in chain.items() if other == product]
        floor = max(below, default=0.0)
        low[product] = floor
        # Where nothing priced is made of it: not dearer than the dearest product of its mineral.
        high[product] = max(worth.get(product, dearest[product]), floor)
        price[product] = floor + where.get(product, 0.5) * (high[product] - floor)
    return pd.DataFrame({"price_usd_t": price, "price_low_usd_t": low, "price_high_usd_t": high})


def _worth(known: pd.Series, order: tuple[str, ...], chain: dict[tuple[str, str], float]) -> dict[str, float]:
    """Return the most that a tonne can be worth: what is made of it at its price, times recovery."""
    worth: dict[str, float] = {}
    for product in reversed(order):
        above = [share * worth[other] for (one, other), share in chain.items() if one == product and other in worth]
        if not np.isnan(known[product]):
            worth[product] = float(known[product])
        elif above:
            worth[product] = max(above)
    return worth


def _note(row: pd.Series) -> str:
    if row["basis"] != IMPLIED:
        return ""
    return (
        f"no price is known: between {row['price_low_usd_t']:,.0f} (what it is made of) and "
        f"{row['price_high_usd_t']:,.0f} USD/t (what is made of it)"
    )
