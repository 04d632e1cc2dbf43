"""What tonnes are worth: prices, what a lost tonne costs, how the market gives way to a buyer."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import Problem, UnknownNameError
from supplygraph.money import dollars

if TYPE_CHECKING:
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.stockpile.ask import Options
    from supplygraph.response.stockpile.recourse import Floats
    from supplygraph.response.stockpile.shortfalls import Shortfalls


def prices_of(net: SupplyNetwork, products: tuple[str, ...], options: Options, problems: list[Problem]) -> Floats:
    """Return USD a tonne: what was given, else the reference price; a product without any is a problem."""
    told = by_product("prices", options.prices, products, net, problems)
    known = net.products["price_usd_t"]
    price = np.zeros(len(products))
    for g, name in enumerate(products):
        amount = told.get(name, told.get(str(net.products["mineral"][name])))
        if amount is not None:
            price[g] = dollars(f"prices[{name!r}]", amount, problems, year=options.year)
        elif np.isfinite(known[name]):
            price[g] = float(known[name])
        else:
            what = f"{name!r} has no reference price, so neither its stock nor its loss has a value"
            remedy = f"Give prices={{{name!r}: USD per tonne}}, or leave it out with products=[...]."
            problems.append(Problem("prices", what, remedy))
    return price


def check(net: SupplyNetwork, products: tuple[str, ...], options: Options, problems: list[Problem]) -> None:
    """Find what is wrong with amounts given, before anything is solved."""
    tables = [("prices", options.prices)]
    given: Any = options.value
    if isinstance(given, (bool, Real)):
        if given is True or not 0 < float(given) < float("inf"):
            told = f"is {given!r}; expected above 0"
            problems.append(Problem("value", told, "3 counts a lost tonne at three times its price."))
    else:
        tables.append(("value", options.value))
    for where, given in tables:
        for name, amount in by_product(where, given, products, net, problems).items():
            before = len(problems)
            if dollars(f"{where}[{name!r}]", amount, problems, year=options.year) <= 0 and len(problems) == before:
                told = "is 0; expected above 0"
                problems.append(Problem(f"{where}[{name!r}]", told, "Leave the product out instead."))
    elasticity_of(net, products, options, problems)
    if options.products is not None and not problems:
        prices_of(net, products, options, problems)


def by_product(
    where: str, given: Any, products: tuple[str, ...], net: SupplyNetwork, problems: list[Problem]
) -> dict[str, Any]:
    """Return what was given by product or mineral; other names, and what is no mapping, are problems."""
    if given is None:
        return {}
    if isinstance(given, pd.Series):
        given = given.to_dict()
    if not isinstance(given, Mapping):
        what = f"is {given!r}; expected a mapping from product or mineral to a number"
        problems.append(Problem(where, what, f'For example {{"{products[0] if products else "cobalt"}": 35000}}.'))
        return {}
    known = {*net.products.index, *net.products["mineral"]}
    problems += [
        Problem(where, str(UnknownNameError.of("product or mineral", name, known)), "")
        for name in given if name not in known
    ]  # fmt: skip
    return {str(name): amount for name, amount in given.items() if name in known}


def counted(found: Shortfalls, usd: Floats, options: Options) -> Floats:
    """Return what a lost tonne counts in the objective: USD, tonnes or days of demand."""
    if options.minimise == "unmet":
        return np.ones(len(usd))
    if options.minimise == "days":
        daily: Floats = found.demand.sum(axis=1) / 365.0
        return np.divide(1.0, daily, out=np.zeros(len(daily)), where=daily > 0)
    return usd


def value_of(
    net: SupplyNetwork, found: Shortfalls, price: Floats, options: Options, problems: list[Problem]
) -> Floats:
    """Return USD that a lost tonne costs."""
    given = options.value
    if isinstance(given, Real):
        return np.asarray(price * float(given))
    told = by_product("value", given, found.products, net, problems)
    value = price.copy()
    for g, name in enumerate(found.products):
        amount = told.get(name, told.get(str(net.products["mineral"][name])))
        if amount is not None:
            value[g] = dollars(f"value[{name!r}]", amount, problems, year=options.year)
    return value


def elasticity_of(
    net: SupplyNetwork, products: tuple[str, ...], options: Options, problems: list[Problem]
) -> Floats:
    """Return by how many per cent the market gives way to one per cent of price: supply and demand together."""
    given = options.elasticity
    if isinstance(given, Real):
        given = dict.fromkeys(products, given)
    told = by_product("elasticity", given, products, net, problems)
    table = facts.read("facts/elasticities.csv")
    table = table[table["run"] == "short"]
    supply = table[(table["parameter"] == "supply") & (table["stage"] == "mining")].set_index("mineral")
    demand = float(table.loc[table["parameter"] == "demand", "elasticity_central"].iloc[0])
    common = float(supply["elasticity_central"][supply.index.isna()].iloc[0])
    found = np.zeros(len(products))
    for g, name in enumerate(products):
        mineral = str(net.products["mineral"][name])
        own = float(supply["elasticity_central"].get(mineral, common)) + demand
        amount: Any = told.get(name, told.get(mineral, own))
        good = not isinstance(amount, bool) and isinstance(amount, Real) and float(amount) > 0
        if not good:
            what = f"is {amount!r}; expected a number above 0"
            problems.append(Problem(f"elasticity[{name!r}]", what, "float('inf') means that buying moves no price."))
            amount = 1.0
        found[g] = float(amount)
    return found
