"""One floor at many levels: what each buys, and from which level a producer lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.response.prices import accounts, intervals, policy
from supplygraph.response.prices.buying import buying
from supplygraph.response.prices.equilibrium import check_draws
from supplygraph.response.prices.model import model as read_model
from supplygraph.response.prices.model import solve
from supplygraph.response.prices.tables import break_even, clean
from supplygraph.response.words import usd
from supplygraph.results import Result
from supplygraph.scenario.instruments import PriceFloor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.prices.accounts import State
    from supplygraph.response.prices.base import Bools, Floats
    from supplygraph.response.prices.calibration import Calibrated
    from supplygraph.response.prices.model import Model
    from supplygraph.scenario.instruments import Instrument, Price, Zone

#: Columns that get an interval, and the name of its ends.
_DRAWN = {
    "zone_price_usd_t": "zone_price_{}_usd_t", "zone_output_t": "zone_output_{}_t",
    "imports_t": "imports_{}_t", "cost_to_users_usd": "cost_to_users_{}_usd",
}  # fmt: skip


class FloorSweep(Result):
    """The answer of :func:`price_floor_sweep`.

    ``table`` is indexed by ``floor_usd_t``: ``zone_price_usd_t``, ``world_price_usd_t`` (means over what is used),
    ``zone_output_t``, ``imports_t`` (from outside the zone), ``duty_usd_t`` (mean over what comes in), ``revenue_usd``,
    ``cost_to_users_usd``, ``welfare_usd``, ``held`` (whether the levy holds the floor everywhere), ``buying_t`` and
    ``buying_usd`` (what would); with draws also low and high. ``breakeven`` (index ``process``): the lowest level from
    which a producer of the zone gets the price at which it runs, missing where none does.

    Figures: ``residual`` (the largest of all levels), ``iterations``.
    """


def price_floor_sweep(
    net: SupplyNetwork,
    product: str,
    levels: Iterable[Price],
    zone: Zone,
    *,
    also: Instrument | Iterable[Instrument] | None = None,
    run: str = "long",
    prices: Mapping[str, Any] | None = None,
    elasticities: Mapping[str, Any] | None = None,
    costs: Mapping[str, Any] | None = None,
    projects: pd.DataFrame | None = None,
    relink_usd_t: float = 300.0,
    draws: int = 0,
    seed: int = 0,
) -> FloorSweep:
    """Return what one price floor does at many levels; each starts from the one before.

    Parameters
    ----------
    net, run, prices, elasticities, costs, projects, relink_usd_t, seed
        As in :func:`~supplygraph.response.prices.equilibrium.equilibrium`.
    product, levels, zone
        The floor: product, levels in USD/t (sorted here), countries. No level is assumed.
    also
        Instruments in force at every level, such as floors of other stages.
    draws
        For intervals; each is a sweep of its own.

    Returns
    -------
    FloorSweep
        One row per level.

    Raises
    ------
    DataError
        If a level is no price, there is none, or an instrument does not fit the network.
    UnknownNameError
        If a name does not exist.
    InfeasibleError
        If no equilibrium is found at a level.

    Notes
    -----
    Between levels the price a producer gets is taken as straight, so a break-even level is exact where nothing else
    switches on or off in between.

    Examples
    --------
    >>> from toys import chain
    >>> price = {"cobalt-intermediate": 12_000, "cobalt-refined": 35_000}
    >>> levels = price_floor_sweep(chain(), "cobalt-refined", [30e3, 38e3, 60e3], ["DEU", "FIN"], prices=price)
    >>> levels.table[["zone_price_usd_t", "held"]].round().values.tolist()
    [[35070.0, True], [38000.0, False], [43033.0, False]]
    """
    others = policy.listed(also)
    floors = _floors(product, levels, zone)
    check_draws(draws, seed)
    asked = read_model(net, run=run, prices=prices, elasticities=elasticities, costs=costs, projects=projects,
                       relink_usd_t=relink_usd_t)  # fmt: skip
    policies = [policy.read(asked.base, (*others, floor)) for floor in floors]
    states = _states(asked.fitted, policies)
    number = int(asked.base.products.get_indexer(pd.Index([product]))[0])
    values = [floor.floors[product] for floor in floors]
    rows = [_row(asked.free, state, number) for state in states]
    table = pd.DataFrame(rows, index=pd.Index(values, name="floor_usd_t"))
    table = pd.concat([table, _bought(states, table.index)], axis=1)
    if draws:
        table = _with_intervals(asked, policies, number, table, (draws, seed))
    even = _breakeven(asked, states, np.array(values), number)
    figures = {
        "residual": max(state.found.residual for state in states),
        "iterations": sum(state.found.iterations for state in states),
    }  # fmt: skip
    references = {*net.references.index, *asked.elasticities.references, *asked.costs["reference"].dropna()}
    return FloorSweep(
        title=f"Price floors for {product} from {values[0]:,.0f} to {values[-1]:,.0f} USD/t", table=table,
        params={"product": product, "levels": tuple(values), "members": floors[0].members, "run": run,
                "also": tuple(one.describe() for one in others), "relink_usd_t": relink_usd_t, "draws": draws,
                "seed": seed},
        network=net, explanation=_explain(product, table, even, draws), tables={"breakeven": even}, figures=figures,
        references=references,
    )  # fmt: skip


def _floors(product: str, levels: Iterable[Price], zone: Zone) -> list[PriceFloor]:
    given = [levels] if isinstance(levels, (str, int, float)) else list(levels)
    if not given:
        problem = Problem("levels", "is empty; expected floors in USD per tonne", "Give range(70_000, 150_000, 5_000).")
        raise DataError("there is nothing to sweep", [problem])
    floors = {floor.floors[product]: floor for floor in (PriceFloor(product, level, zone) for level in given)}
    return [floors[level] for level in sorted(floors)]


def _states(fitted: Calibrated, policies: list[policy.Policy]) -> list[State]:
    """Solve all levels in rising order, each from the one before."""
    states: list[State] = []
    for instruments in policies:
        states.append(solve(fitted, instruments, states[-1] if states else None))
    return states


def _row(free: State, state: State, number: int) -> dict[str, float]:
    base = state.base
    inside = np.isin(base.country, list(state.policy.members))
    here = base.product == number
    used = state.taken_at()
    entering: Bools = inside[base.links.target] & ~inside[base.links.source] & here[base.links.target]
    imports = float(clean(state.flow[entering], base).sum())
    gains = accounts.gains(free, state)
    levied = float((clean(state.flow, base) * state.levy)[entering].sum())
    return {
        "zone_price_usd_t": float(accounts.world(state, used, inside)[number]),
        "world_price_usd_t": float(accounts.world(state, used)[number]),
        "zone_output_t": float(state.made_at()[inside & here].sum()), "imports_t": imports,
        "duty_usd_t": levied / imports if imports > 0 else np.nan, "revenue_usd": float(gains["duties_usd"].sum()),
        "cost_to_users_usd": intervals.users_cost(state, gains), "welfare_usd": float(gains["total_usd"].sum()),
    }  # fmt: skip


def _bought(states: list[State], index: pd.Index) -> pd.DataFrame:
    """Return what buying would hold the floor at each level."""
    rows, near = [], None
    for state in states:
        table, held = buying(state, near)
        near = held or near
        bought, cost = (float(table[column].sum()) for column in ("buying_t", "cost_usd"))
        rows.append({"held": not len(table), "buying_t": bought, "buying_usd": cost})
    return pd.DataFrame(rows, index=index)


def _with_intervals(
    asked: Model, policies: list[policy.Policy], number: int, table: pd.DataFrame, drawing: tuple[int, int]
) -> pd.DataFrame:
    """Put 5 to 95 % of sweeps at drawn elasticities, costs and implied prices beside the central one."""
    draws, seed = drawing
    found = []
    for fitted in asked.drawn(draws, seed):
        free = solve(fitted, policy.nothing(asked.base), asked.free)
        rows = [_row(free, state, number) for state in _states(fitted, policies)]
        found.append([[row[column] for column in _DRAWN] for row in rows])
    low, high = intervals.ends(np.array(found, dtype=np.float64))
    for place, name in enumerate(_DRAWN.values()):
        table[name.format("low")], table[name.format("high")] = low[:, place], high[:, place]
    return table


def _breakeven(asked: Model, states: list[State], levels: Floats, number: int) -> pd.DataFrame:
    """Return the lowest floor from which each producer of the zone gets the price at which it runs."""
    base, rows = asked.base, asked.base.makers
    inside = np.isin(base.country[rows.gives], list(states[0].policy.members))
    chosen = np.flatnonzero(inside & (base.product[rows.gives] == number))
    even = np.array([break_even(state)[chosen] for state in states])
    price = np.array([state.price[rows.gives[chosen]] for state in states])
    support = np.zeros((len(states), len(rows.output)))
    for place, state in enumerate(states):
        support[place, state.policy.contract_maker] = state.support
    margin = price + support[:, chosen] - even
    firsts = [_first(levels, column) for column in margin.T]
    table = pd.DataFrame({
        "name": rows.name[chosen], "country": base.country[rows.gives[chosen]], "project": rows.project[chosen],
        "basis": np.where(np.isfinite(rows.cost[chosen]), "cost", "curve at full capacity, estimated"),
        "break_even_usd_t": even[0], "floor_usd_t": firsts, "capacity_t": rows.capacity[chosen],
        "today_t": rows.output[chosen], "at_highest_t": clean(states[-1].made[chosen], base),
    }, index=pd.Index(rows.process[chosen], name="process", dtype="str"))  # fmt: skip
    return table.sort_values(["floor_usd_t", "break_even_usd_t"], kind="stable")


def _first(levels: Floats, margin: Floats) -> float:
    """Return where a margin first reaches 0: the lowest level if it is there already, NaN if it never is."""
    enough = np.flatnonzero(margin >= -1e-6 * np.abs(levels))
    if not len(enough):
        return float("nan")
    at = int(enough[0])
    if at == 0:
        return float(levels[at])
    step, gained = levels[at] - levels[at - 1], margin[at] - margin[at - 1]
    # A plant that runs in part gets just what it needs: then the levels before tell how fast the price rose.
    if at > 1 and margin[at] <= 1e-6 * abs(levels[at]) and margin[at - 1] > margin[at - 2]:
        step, gained = levels[at - 1] - levels[at - 2], margin[at - 1] - margin[at - 2]
    return min(float(levels[at - 1] - margin[at - 1] / gained * step), float(levels[at]))


def _explain(product: str, table: pd.DataFrame, even: pd.DataFrame, draws: int) -> str:
    first, last = table.iloc[0], table.iloc[-1]
    words_first = (
        f"A floor for {product} from {table.index[0]:,.0f} to {table.index[-1]:,.0f} USD/t: the zone pays "
        f"{first['zone_price_usd_t']:,.0f} to {last['zone_price_usd_t']:,.0f} USD/t and makes "
        f"{first['zone_output_t']:,.0f} to {last['zone_output_t']:,.0f} t; final users lose up to "
        f"{usd(float(table['cost_to_users_usd'].max()))} a year."
    )
    lines = [words_first]
    failing = table.index[~table["held"].to_numpy(dtype=bool)]
    if len(failing):
        lines.append(
            f"From {failing[0]:,.0f} USD/t on a levy alone no longer holds the floor in every member; see `buying_t`."
        )
    reached = even.dropna(subset=["floor_usd_t"])
    lines.append(f"{len(reached)} of {len(even)} producers of the zone get the price at which they run: `breakeven`.")
    estimated = int((even["basis"] != "cost").sum())
    if estimated:
        lines.append(f"{estimated} of these prices are estimated from a curve, as no cost of theirs is known.")
    lines.append(f"Ranges are 5 to 95 % of {draws} draws." if draws else "No intervals were asked for: draws=20.")
    lines.append("Assumptions: those of equilibrium(). No zone floor has been published; the levels are the caller's.")
    return "\n".join(lines)
