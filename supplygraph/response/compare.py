"""Policies side by side: what each serves after a shock, what it costs, how concentrated supply is, who gains."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.response.invest.answer import Investment
from supplygraph.response.prices.equilibrium import Equilibrium, equilibrium
from supplygraph.response.reroute import reroute
from supplygraph.response.stockpile.answer import Stockpile
from supplygraph.response.words import percent, tonnes
from supplygraph.results import Result
from supplygraph.scenario.stages import in_stages

if TYPE_CHECKING:
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.answer import Reroute
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Shock

#: Options of a rerouting that a policy may set; the shock and the zone are the same for all.
_RULES = tuple(sorted(set(signature(reroute).parameters) - {"net", "shock", "alignment", "zone"}))
_PARTS = ("instruments", "projects", "stock")
#: A country gains or loses from this share of demand, or of the largest change of surplus.
_LEAST = 1e-4
#: USD a year that the order of sums leaves.
_ROUNDING = 1.0


class Comparison(Result):
    """The answer of :func:`compare`.

    ``table`` has one row per policy, in the order given; ``countries`` (index ``policy, country``) who goes without and
    who gains; ``plans`` and ``markets`` are the answers behind it by policy (rerouting; prices, where a policy has
    instruments).
    """

    @property
    def plans(self) -> dict[str, Reroute]:
        """The rerouting of each policy, before any stock is released."""
        return dict(self._figures["plans"])

    @property
    def markets(self) -> dict[str, Equilibrium]:
        """The price equilibrium of each policy with instruments."""
        return dict(self._figures["markets"])


class _Policy(NamedTuple):
    rules: dict[str, Any]
    instruments: Any
    projects: Any
    stock: Any


def compare(
    net: SupplyNetwork,
    policies: Mapping[str, Mapping[str, Any] | None],
    *,
    shock: Shock | None = None,
    alignment: Alignment | None = None,
    zone: str = "linked",
    stage: str = "refining",
) -> Comparison:
    """Put several policies side by side under one shock.

    Parameters
    ----------
    net
        The network.
    policies
        By name, each a mapping (``None`` or empty = no policy; it comes first as what others are held against). Keys:

        - any rule of :func:`supplygraph.reroute` (``require``, ``cap``, ``prefer``, ``stages``, ``rationing``, ...);
        - ``instruments``: :class:`PriceFloor`, :class:`Tariff`, :class:`OfftakeFloor`, one or several;
        - ``projects``: an answer of :func:`supplygraph.invest` about this network; what it funds stands;
        - ``stock``: an answer of :func:`supplygraph.stockpile`, or tonnes of the last product by country,
          ``{"USA": 5_000}``, released within the year to users there in proportion to what they lack.
    shock
        What breaks, for all policies; none compares peacetime.
    alignment
        Tiers of countries, for rules and for the demand of the zone.
    zone
        The zone is the demand in countries of this tier or better.
    stage
        The stage whose concentration is told.

    Returns
    -------
    Comparison
        ``table`` (index ``policy``): ``demand_t``, ``served_t``, ``unmet_t``, ``zone_unmet_t``, ``stock_t`` (released),
        ``hhi`` of what the stage delivers after rerouting, ``largest`` country and ``largest_share``,
        ``added_freight_usd`` a year, and where there are instruments ``users_cost_usd``, ``duties_usd``,
        ``payments_usd``; ``public_usd`` that stock or projects cost.

    Raises
    ------
    DataError
        If there is no policy, or one holds something else; every problem is listed.
    UnknownNameError
        If a key, rule or country does not exist.

    Notes
    -----
    Served demand, freight and concentration are those of the shock after the best rerouting with the projects standing;
    prices are those of an undisturbed year under the instruments: no price model of a crisis is claimed. A price
    instrument therefore changes no served tonne here, and a stock no price.

    Complexity: one rerouting per policy, one equilibrium per policy with instruments.

    Examples
    --------
    >>> from toys import chain
    >>> from supplygraph.scenario.shock import Shock
    >>> side = compare(chain(), {"nothing": None, "stock": {"stock": {"DEU": 5}}}, shock=Shock.close(node="kokkola"))
    >>> side.table["unmet_t"].round(1).tolist()
    [12.6, 7.6]
    """
    asked = _read(net, policies)
    plans: dict[str, Reroute] = {}
    markets: dict[str, Equilibrium] = {}
    unmet: dict[str, pd.Series] = {}
    rows = []
    for name, one in asked.items():
        built = net if one.projects is None else one.projects.network_after()
        public = np.nan if one.projects is None else float(one.projects.figures["cost_usd"])
        plan = reroute(built, shock, alignment=alignment, zone=zone, **one.rules)
        left, released, paid = _release(plan, one.stock, net)
        if one.instruments is not None:
            markets[name] = equilibrium(net, one.instruments, draws=0)
        plans[name], unmet[name] = plan, left
        spent = [amount for amount in (public, paid) if not np.isnan(amount)]
        rows.append(_row(plan, left, released, stage) | _money(markets.get(name), sum(spent) if spent else np.nan))
    table = pd.DataFrame(rows, index=pd.Index(list(asked), name="policy", dtype="str"))
    added = table.pop("freight_usd") - _freight(plans[next(iter(asked))])
    table["added_freight_usd"] = added.where(added.abs() > _ROUNDING, 0.0)
    countries = _countries(plans, unmet, markets)
    return Comparison(
        title=f"{len(asked)} policies, {shock.describe() if shock is not None else 'no shock'}",
        table=table,
        params={"policies": tuple(asked), "shock": None if shock is None else shock.describe(), "zone": zone,
                "stage": stage, "as_of": None if alignment is None else alignment.as_of},
        network=_widest(net, plans),
        explanation=_words(table, countries, alignment is not None, stage),
        tables={"countries": countries},
        figures={"plans": plans, "markets": markets},
    )  # fmt: skip


def _widest(net: SupplyNetwork, plans: Mapping[str, Reroute]) -> SupplyNetwork:
    """Return the network that holds most sites, so that projects are on the map."""
    return max([net, *(plan.network for plan in plans.values() if plan.network)], key=lambda one: len(one.nodes))


def _read(net: SupplyNetwork, policies: Any) -> dict[str, _Policy]:
    """Return the policies in order; every fault is told at once."""
    problems: list[Problem] = []
    if not isinstance(policies, Mapping) or not policies:
        what = f"is {policies!r}; expected policies by name" if not isinstance(policies, Mapping) else "is empty"
        remedy = "Give a mapping, such as {'no policy': None, 'aligned': {'require': 'linked'}}."
        raise DataError("there is nothing to compare", [Problem("policies", what, remedy)])
    found: dict[str, _Policy] = {}
    known = set(net.nodes["country"].dropna())
    for name, given in policies.items():
        where = f"policies[{name!r}]"
        if not isinstance(name, str) or not name:
            problems.append(Problem("policies", f"has the name {name!r}; expected a text"))
            continue
        if given is not None and not isinstance(given, Mapping):
            problems.append(Problem(where, f"is {given!r}; expected a mapping of rules, or None"))
            continue
        asked = dict(given or {})
        for key in set(asked) - {*_RULES, *_PARTS}:
            raise UnknownNameError.of(f"key of {where}", key, (*_RULES, *_PARTS))
        _check_projects(f"{where}['projects']", asked.get("projects"), net, problems)
        _check_stock(f"{where}['stock']", asked.get("stock"), known, problems)
        found[name] = _Policy({key: asked[key] for key in _RULES if key in asked}, *(asked.get(key) for key in _PARTS))
    if problems:
        raise DataError("the policies cannot be compared", problems)
    return found


def _check_projects(where: str, projects: Any, net: SupplyNetwork, problems: list[Problem]) -> None:
    if projects is None:
        return
    if not isinstance(projects, Investment):
        problems.append(Problem(where, f"is {projects!r}; expected an answer of sg.invest"))
    elif projects.network is None or projects.network.fingerprint != net.fingerprint:
        remedy = "Ask invest about the network that is compared."
        problems.append(Problem(where, "is about another network", remedy))


def _check_stock(where: str, stock: Any, known: set[str], problems: list[Problem]) -> None:
    if stock is None or isinstance(stock, Stockpile):
        return
    if not isinstance(stock, Mapping):
        what = f"is {stock!r}; expected an answer of sg.stockpile, or tonnes by country"
        problems.append(Problem(where, what, "Write {'USA': 5_000}."))
        return
    for country, amount in stock.items():
        if country not in known:
            raise UnknownNameError.of(f"country of {where}", country, known)
        if isinstance(amount, bool) or not isinstance(amount, Real) or not 0 <= float(amount) < np.inf:
            problems.append(Problem(where, f"holds {amount!r} for {country}; expected tonnes, at least 0"))


def _release(plan: Reroute, stock: Any, net: SupplyNetwork) -> tuple[pd.Series, float, float]:
    """Return what each user still lacks after the stock, the tonnes released, and what the stock costs."""
    unmet, paid = plan.unmet["unmet_t"].copy(), np.nan
    if stock is None:
        return unmet, 0.0, paid
    if isinstance(stock, Stockpile):
        shelves, paid = _shelves(stock, net), float(stock.figures["cost_usd"])
    else:
        shelves = [((country,), float(amount)) for country, amount in sorted(stock.items())]
    before = float(unmet.sum())
    for served, amount in shelves:
        here = plan.unmet["country"].isin(served).to_numpy()
        lack = float(unmet[here].sum())
        if lack > 0:
            unmet[here] *= max(0.0, 1 - amount / lack)
    return unmet, before - float(unmet.sum()), paid


def _shelves(stock: Stockpile, net: SupplyNetwork) -> list[tuple[tuple[str, ...], float]]:
    """Return whom each holder serves and what it holds of the network's products, from an answer of stockpile."""
    table = stock.table[stock.table["product"].isin(net.products.index)]
    held = table.groupby("holder")["hold_t"].sum()
    everyone = tuple(sorted(set(net.nodes["country"].dropna())))
    return [(tuple(one.countries or everyone), float(held.get(one.name, 0.0))) for one in stock.asked.holders]


def _row(plan: Reroute, left: pd.Series, released: float, stage: str) -> dict[str, Any]:
    made = _deliveries(plan, stage)
    share = made / made.sum() if made.sum() > 0 else made
    known = share.drop("", errors="ignore")
    demand = float(plan.figures["demand_t"])
    inside = plan.unmet["zone"].to_numpy(dtype=bool)
    return {
        "demand_t": demand,
        "served_t": demand - float(left.sum()),
        "unmet_t": float(left.sum()),
        "zone_unmet_t": float(left[inside].sum()),
        "stock_t": released,
        "hhi": float((known**2).sum()) if len(share) else np.nan,
        "largest": str(known.idxmax()) if len(known) else None,
        "largest_share": float(known.max()) if len(known) else np.nan,
        "freight_usd": _freight(plan),
    }


def _deliveries(plan: Reroute, stage: str) -> pd.Series:
    """Return the tonnes that each country's plants of a stage send on after rerouting; unknown countries as ''."""
    net = plan.network
    assert net is not None  # noqa: S101 - a rerouting has a network
    chosen = in_stages(net, [stage])
    sent = plan.table[plan.table["origin"].isin(chosen.index[chosen])]
    return sent["after_t"].groupby(sent["origin_country"].fillna("")).sum()


def _freight(plan: Reroute) -> float:
    return float(plan.figures["after_cost_usd_t"]) * float(plan.figures["served_t"])


def _money(market: Equilibrium | None, public_usd: float) -> dict[str, float]:
    keys = {"users_cost_usd": "cost_to_users_usd", "duties_usd": "revenue_usd", "payments_usd": "payments_usd"}
    told = {key: np.nan if market is None else float(market.figures[name]) for key, name in keys.items()}
    return told | {"public_usd": float(public_usd)}


def _countries(
    plans: Mapping[str, Reroute], unmet: Mapping[str, pd.Series], markets: Mapping[str, Equilibrium]
) -> pd.DataFrame:
    """One row per policy and country: what it lacks, against the first policy, and its surplus under instruments."""
    first = next(iter(plans))
    parts = []
    for name, plan in plans.items():
        lacking = unmet[name].groupby(plan.unmet["country"]).sum()
        base = unmet[first].groupby(plans[first].unmet["country"]).sum()
        demand = plan.unmet.groupby("country")["demand_t"].sum()
        frame = pd.DataFrame({"demand_t": demand, "unmet_t": lacking})
        if name in markets:
            surplus = markets[name].surplus["total_usd"]
            frame = frame.reindex(frame.index.union(surplus.index)).assign(surplus_usd=surplus)
        else:
            frame["surplus_usd"] = np.nan
        frame["unmet_change_t"] = frame["unmet_t"] - base
        frame["effect"] = _effect(frame)
        parts.append(frame.rename_axis("country"))
    joined = pd.concat(parts, keys=list(plans), names=["policy"])
    return joined[["demand_t", "unmet_t", "unmet_change_t", "surplus_usd", "effect"]]


def _effect(frame: pd.DataFrame) -> pd.Series:
    """Say who gains and who loses; a country with both signs is mixed."""
    tonnes_ = -frame["unmet_change_t"].fillna(0.0)
    money = frame["surplus_usd"].fillna(0.0)
    moved = np.where(tonnes_.abs() > _LEAST * frame["demand_t"].sum(), np.sign(tonnes_), 0.0)
    paid = np.where(money.abs() > _LEAST * max(money.abs().max(), 1.0), np.sign(money), 0.0)
    total = moved + paid
    words = np.select([(moved * paid) < 0, total > 0, total < 0], ["mixed", "gains", "loses"], "same")
    return pd.Series(words, index=frame.index, dtype="str")


def _words(table: pd.DataFrame, countries: pd.DataFrame, zoned: bool, stage: str) -> str:  # noqa: FBT001
    rows = {str(name): row for name, row in table.iterrows()}
    best = min(rows, key=lambda name: float(rows[name]["unmet_t"]))
    left, demand = (float(rows[best][column]) for column in ("unmet_t", "demand_t"))
    lines = [f"{best} leaves least unmet: {tonnes(left)} of {tonnes(demand)} ({percent(left, demand)})."]
    effects = countries["effect"]
    for name, row in rows.items():
        told = [f"{tonnes(row['unmet_t'])} unmet"]
        if zoned:
            told.append(f"{tonnes(row['zone_unmet_t'])} in the zone")
        if not np.isnan(row["hhi"]):
            told.append(f"HHI of {stage} {row['hhi']:.2f}")
        if row["stock_t"] > 0:
            told.append(f"{tonnes(row['stock_t'])} from stock")
        if not np.isnan(row["users_cost_usd"]):
            told.append(f"users pay {row['users_cost_usd'] / 1e6:,.0f} million USD a year more")
        effect = effects[effects.index.get_level_values("policy") == name].droplevel("policy")
        for word, verb in (("gains", "gain"), ("loses", "lose")):
            if (effect == word).any():
                told.append(f"{', '.join(effect.index[effect == word][:6])} {verb}")
        lines.append(f"{name}: {'; '.join(told)}.")
    lines.append(
        "Served tonnes, freight and concentration are those of the shock after rerouting; prices are those of an "
        "undisturbed year. Flows are estimated."
    )
    return "\n".join(lines)
