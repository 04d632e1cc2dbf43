"""Instruments against one network: which markets, links and makers each of them touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.scenario.instruments import OfftakeFloor, PriceFloor, Tariff

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from supplygraph.response.prices.base import Base, Bools, Floats, Ints
    from supplygraph.scenario.instruments import Instrument


@dataclass(frozen=True, eq=False)
class Policy:
    """Instruments as arrays.

    Attributes
    ----------
    rate, specific
        Per link: share of the landed price, USD/t.
    gate
        Per link: the gate it has to pass (-1 = none).
    gate_market, gate_floor
        Per gate: the market behind it, USD/t.
    contract_maker, contract_strike, contract_volume, contract_upside
        Per covered maker: its number, USD/t, t/yr (inf = all), share.
    contract_payer
        Country that pays.
    members
        Countries of all zones.
    floored
        Products with a floor, by number.
    """

    rate: Floats
    specific: Floats
    gate: Ints
    gate_market: Ints
    gate_floor: Floats
    contract_maker: Ints
    contract_strike: Floats
    contract_volume: Floats
    contract_upside: Floats
    contract_payer: tuple[str, ...]
    members: tuple[str, ...]
    floored: tuple[int, ...]

    @property
    def taxed(self) -> Bools:
        """Links on which a duty stands or may stand."""
        return np.asarray((self.rate > 0) | (self.specific > 0) | (self.gate >= 0))


def nothing(base: Base) -> Policy:
    """Return no policy at all."""
    links = len(base.links.flow)
    none, zero = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Policy(
        np.zeros(links), np.zeros(links), np.full(links, -1), none, zero, none, zero, zero, zero, (), (), ()
    )


def listed(instruments: Any) -> tuple[Instrument, ...]:
    """Return instruments given as one or several, or None.

    Raises
    ------
    DataError
        If one of them is none.
    """
    if instruments is None:
        return ()
    kinds = (PriceFloor, Tariff, OfftakeFloor)
    given: Iterable[Any] = (instruments,) if isinstance(instruments, kinds) else instruments
    found = tuple(given)
    problems = [
        Problem(f"instruments[{place}]", f"is {one!r}; expected a PriceFloor, Tariff or OfftakeFloor")
        for place, one in enumerate(found) if not isinstance(one, kinds)
    ]
    if problems:
        raise DataError("these are no instruments", problems)
    return found


def read(base: Base, instruments: tuple[Instrument, ...]) -> Policy:
    """Return what instruments do to one network.

    Raises
    ------
    UnknownNameError
        If the network has no such product or producer.
    DataError
        If a zone has no market here, two floors or two contracts meet, or an instrument touches nothing.
    """
    problems: list[Problem] = []
    plain = nothing(base)
    rate, specific, gate = plain.rate, plain.specific, plain.gate
    gates: dict[int, float] = {}
    members: set[str] = set()
    floored: set[int] = set()
    contracts: list[tuple[int, float, float, float, str]] = []
    for place, one in enumerate(instruments):
        where = f"instruments[{place}] ({one.describe()})"
        if isinstance(one, Tariff):
            hit = _tariffed(base, one, where, problems)
            rate, specific = rate + np.where(hit, one.rate or 0.0, 0.0), specific + np.where(hit, one.specific, 0.0)
        elif isinstance(one, PriceFloor):
            members |= set(one.members)
            for product, level in one.floors.items():
                number = _product(base, product, where)
                floored.add(number)
                _gate(base, (number, level, one.members), gate, gates, where, problems)
        else:
            contracts += _contract(base, one, where, problems)
    makers = [row[0] for row in contracts]
    if len(set(makers)) < len(makers):
        again = sorted({str(base.makers.process[row]) for row in makers if makers.count(row) > 1})
        what = f"more than one contract covers {', '.join(again)}"
        problems.append(Problem("instruments", what, "Give each producer one contract."))
    if problems:
        raise DataError("these instruments do not fit the network", problems)
    columns = [np.array(column, dtype=np.float64) for column in zip(*(row[:4] for row in contracts), strict=True)]
    maker, strike, volume, upside = columns or [np.zeros(0)] * 4
    return Policy(
        rate, specific, gate, np.array(list(gates), dtype=np.int64), np.array(list(gates.values())),
        maker.astype(np.int64), strike, volume, upside, tuple(row[4] for row in contracts), tuple(sorted(members)),
        tuple(sorted(floored)),
    )  # fmt: skip


def _product(base: Base, product: str, where: str) -> int:
    if product not in base.products:
        raise UnknownNameError.of(f"product in {where}", product, base.products)
    return int(base.products.get_indexer(pd.Index([product]))[0])


def _tariffed(base: Base, tariff: Tariff, where: str, problems: list[Problem]) -> Bools:
    number = _product(base, tariff.product, where)
    links = base.links
    hit = base.product[links.target] == number
    if tariff.into is not None:
        hit &= np.isin(base.country[links.target], list(tariff.into))
    if tariff.out_of is not None:
        hit &= np.isin(base.country[links.source], list(tariff.out_of))
    if not hit.any():
        here = sorted(set(base.country[base.product == number]))
        what = f"no pair of these countries trades {tariff.product} in this network"
        problems.append(Problem(where, what, f"Countries with it: {', '.join(here)}."))
    return np.asarray(hit)


def _gate(
    base: Base, floor: tuple[int, float, tuple[str, ...]], gate: Ints, gates: dict[int, float], where: str,
    problems: list[Problem],
) -> None:
    """Put a gate before every member that has the product; what comes from outside the zone passes it."""
    number, level, members = floor
    here = base.product == number
    inside = np.isin(base.country, list(members))
    markets = np.flatnonzero(here & inside)
    if not len(markets):
        known = ", ".join(sorted(set(base.country[here])))
        what = f"no member of the zone makes or takes {base.products[number]} in this network"
        problems.append(Problem(where, what, f"Countries with it: {known}."))
    links = base.links
    for market in markets.tolist():
        if market in gates:
            what = f"{base.country[market]} has two floors for {base.products[number]}"
            problems.append(Problem(where, what, "Give each product of a country one floor."))
            continue
        gate[(links.target == market) & ~inside[links.source]] = len(gates)
        gates[market] = level


def _contract(
    base: Base, contract: OfftakeFloor, where: str, problems: list[Problem]
) -> list[tuple[int, float, float, float, str]]:
    """Return a row per covered maker: number, strike, volume, upside, payer."""
    number = _product(base, contract.product, where)
    makers = base.makers
    home = base.country[makers.gives]
    makes = base.product[makers.gives] == number
    named = (makers.process == contract.who) | (makers.node == contract.who) | (home == contract.who)
    rows = np.flatnonzero(makes & named)
    if not len(rows):
        if not named.any():
            known = {*makers.node[makes], *home[makes]}
            raise UnknownNameError.of(f"producer in {where}", contract.who, known)
        does = sorted({str(base.products[base.product[market]]) for market in makers.gives[named]})
        what = f"{contract.who} does not make {contract.product}; it makes {', '.join(does)}"
        problems.append(Problem(where, what, "Cover what it makes."))
        return []
    size = np.where(makers.output[rows] > 0, makers.output[rows], 0.0)
    if size.sum() <= 0:
        size = np.where(np.isfinite(makers.capacity[rows]), makers.capacity[rows], 1.0)
    share = size / size.sum()
    volume = np.full(len(rows), np.inf) if contract.volume_t is None else contract.volume_t * share
    return [
        (int(row), contract.strike, float(much), float(contract.upside), contract.payer or str(home[row]))
        for row, much in zip(rows, volume, strict=True) if much > 0
    ]
