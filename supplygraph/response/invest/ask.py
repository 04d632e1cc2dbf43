"""Where to build: the question."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, InfeasibleError, Problem, UnknownNameError
from supplygraph.response.invest import answer
from supplygraph.response.invest.build import build
from supplygraph.response.invest.master import GOALS, Search
from supplygraph.response.invest.options import BY, EXISTING, FAILURES, Options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from supplygraph.money import Money
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.invest.answer import Investment
    from supplygraph.response.invest.case import Case
    from supplygraph.response.invest.master import Found
    from supplygraph.scenario.agreements import Agreements
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Shock

#: What is left of the goal when a second one is sought, relative to the goal with nothing funded.
_SLACK = 1e-7


def invest(
    net: SupplyNetwork,
    projects: pd.DataFrame | None = None,
    *,
    budget: float | str | Money | Mapping[int, Any] | None,
    horizon: Any = (2026, 2035),
    objective: str = "loss",
    loss_at_most: float | None = None,
    hhi_at_most: float | None = None,
    frontier: tuple[str, str] | None = None,
    points: int = 8,
    scenarios: Mapping[str, tuple[Shock | None, float]] | Shock | None = None,
    demand: Any = None,
    existing: str = "keeps_pace",
    for_: Any = None,
    value: float | Mapping[str, float] | None = None,
    share: float = 1.0,
    funder: str | None = None,
    agreements: Agreements | Alignment | None = None,
    committed: Iterable[str] = ("construction", "ramp_up"),
    fill_capex: bool = False,
    failures: str = "expected",
    draws: int = 40,
    seed: int = 0,
    by: str = "territory",
    ramp: float | None = 0.2,
    discount: float = 0.05,
    gap: float = 1e-6,
    time_limit: float = 120.0,
) -> Investment:
    """Choose which mines, refineries and magnet plants to fund, and in which year. Exact, with the proved gap.

    A project funded in year t starts in ``t + build_years`` (not before ``start_earliest``) and stands with
    ``1 / (ramp_years + 1)`` of its capacity, each year as much more. In every year and scenario the demand that the
    network cannot serve after the best rerouting is a linear program; the loss is its expectation over scenarios,
    summed over the years.

    Parameters
    ----------
    net
        The network.
    projects
        Candidates in the columns of :func:`supplygraph.projects`; by default those of the network's minerals.
    budget
        Public money in dollars of 2025: in all, or by year of funding (what one year leaves is not carried over);
        None = no limit.
    horizon
        First and last year; projects may be funded in any of them.
    objective
        ``"loss"`` (expected unmet demand over the horizon), ``"concentration"`` (mean HHI of refining over years and
        minerals) or ``"cost"`` (public money at present value). Among equally good plans the cheapest.
    loss_at_most, hhi_at_most
        Limits on the other goals, in their own units.
    frontier
        Two goals: the table ``frontier`` has the best of the first at ``points`` levels of the second.
    scenarios
        Name to ``(shock, chance in any one year)``; at most one happens a year, and none in what remains. One shock
        alone has chance 1: the loss is then that in years with it. By default the country that refines most stops.
    demand
        None (as today), a yearly rate, multiples of today by year, ``"STEPS"``, ``"APS"`` or ``"NZE"`` (published
        totals where there are any), or any of these by mineral.
    existing
        ``"keeps_pace"``: what stands today grows with demand. ``"today"``: nothing is built beside the projects.
    for_
        Whose unmet demand counts: countries, factories, or ``(alignment, tier)``; it is then served first. None = all.
    value
        What a tonne unmet counts, by mineral. By default 1 for one mineral and the price of what is used for several.
    share
        Share of the capital cost that public money pays; public money already given counts towards it.
    funder, agreements
        Who pays (a country, or ``EUU``), and the agreements that open other countries for a mineral where they provide
        for finance: ``sg.agreements(...)``, or an alignment with those it was made with. Without them only the funder's
        own territory is open. No funder: every country.
    committed
        Statuses of projects that go ahead by themselves, with and without the budget.
    fill_capex
        Estimate missing capital costs from projects of the same mineral and stage.
    failures
        ``"expected"``: capacity counts with its chance of success (a lower bound of the expected loss). ``"draws"``:
        the mean over ``draws`` draws of success (per decision, ``seed``).
    by
        For the HHI: ``"territory"`` or ``"owner"`` (owners of a project in equal parts).
    ramp
        How far plants of today can be turned up within a year, as in :func:`supplygraph.reroute`.
    discount
        Yearly rate for present values of money. Tonnes are not discounted.
    gap, time_limit
        Relative gap and seconds at which to stop; what is proved until then is told.

    Returns
    -------
    Investment
        See there.

    Raises
    ------
    DataError
        If the money is no money, or an option, scenario or project cannot be right; all problems listed.
    UnknownNameError
        If a mineral, country, scenario, goal or option does not exist.
    InfeasibleError
        If no plan keeps within ``loss_at_most`` and ``hhi_at_most``.

    Notes
    -----
    Benders' decomposition: the loss is convex in what stands, so the duals of each linear program give a cut for all
    plans; scaled by demand, one program per scenario serves every year. The HHI, with refiners of today giving way in
    proportion, is a convex quadratic and is cut by its tangents. References: Benders, Numerische Mathematik 4 (1962);
    Geoffrion, JOTA 10 (1972).

    Examples
    --------
    >>> import supplygraph as sg
    >>> net = sg.load("lithium")
    >>> plan = sg.invest(net, budget=2e9, horizon=(2026, 2035))
    >>> plan.table.index[plan.table["funded"]].tolist()
    ['PJ-LI-02', 'PJ-LI-11']
    >>> plan.loss_after_t < plan.loss_before_t, plan.cost_usd <= 2e9, plan.gap < 1e-5
    (True, True, True)
    """
    for kind, given, known in (
        ("objective", objective, GOALS), ("existing", existing, EXISTING), ("failures", failures, FAILURES),
        ("by", by, BY),
    ):  # fmt: skip
        if given not in known:
            raise UnknownNameError.of(kind, given, known)
    for goal in frontier or ():
        if goal not in GOALS:
            raise UnknownNameError.of("goal in frontier", goal, GOALS)
    if frontier is not None and (len(frontier) != 2 or frontier[0] == frontier[1]):
        what = f"is {frontier!r}; expected two different goals"
        raise DataError("there is no such frontier", [Problem("frontier", what, 'Give ("loss", "cost").')])
    asked = Options(
        objective, loss_at_most, hhi_at_most, frontier, points, scenarios, demand, existing, for_, value, share, funder,
        agreements, (committed,) if isinstance(committed, str) else tuple(committed), fill_capex, failures, draws, seed,
        by, ramp, discount, gap, time_limit,
    )  # fmt: skip
    built = build(net, projects, budget=budget, horizon=horizon, asked=asked)
    _refuse_unrefined(built.case.parts, asked)
    deadline = time.monotonic() + time_limit if math.isfinite(time_limit) else math.inf
    search = Search(built.case)
    most = _limits(asked)
    found = _canonical(search, objective, most, deadline, gap)
    line = _frontier(search, asked, most, deadline) if frontier else []
    ends = {end: _priced(built.case, end, found, asked, deadline) for end in ("cheap", "dear")}
    return answer.make(built, search, found, line, ends, asked)


def _priced(case: Case, end: str, found: Found, asked: Options, deadline: float) -> Found | None:
    """Return the best plan if all candidates cost what they may at least or at most; none where time ran out."""
    public = getattr(case, end)
    if (public == case.public).all():
        return found
    if time.monotonic() > deadline:
        return None
    search = Search(replace(case, public=public))
    try:
        return _canonical(search, asked.objective, _limits(asked), deadline, asked.gap)
    except InfeasibleError:  # what is asked for cannot be paid any more
        return None


def _refuse_unrefined(parts: list[Any], asked: Options) -> None:
    wanted = "concentration" in (asked.objective, *(asked.frontier or ())) or asked.hhi_at_most is not None
    if wanted and all(part.shares is None for part in parts):
        told = Problem("objective", "no plant of the network refines", "Ask for loss or cost.")
        raise DataError("there is no concentration of refining", [told])


def _limits(asked: Options) -> dict[str, float]:
    given = {"loss": asked.loss_at_most, "concentration": asked.hhi_at_most}
    return {name: float(limit) for name, limit in given.items() if limit is not None and name != asked.objective}


def _canonical(search: Search, goal: str, most: dict[str, float], deadline: float, gap: float) -> Found:
    """Return the best plan for a goal; among equally good ones the cheapest."""
    found = search.best(goal, most, deadline=deadline, gap=gap)
    if goal == "cost" or not found.plan.any() or time.monotonic() > deadline:
        return found
    room = {**most, goal: found.value + _SLACK * search.scale[goal]}
    cheap = search.best("cost", room, deadline=deadline, gap=gap, start=found.plan)
    value = search.value(goal, cheap.plan)
    return type(found)(cheap.plan, value, found.bound, found.rounds + cheap.rounds, found.optimal)


def _frontier(search: Search, asked: Options, most: dict[str, float], deadline: float) -> list[tuple[float, Found]]:
    """Return the best of the first goal at levels of the second, from the least of it to where it binds no more."""
    assert asked.frontier is not None  # noqa: S101 - the caller asked
    first, second = asked.frontier
    free = _canonical(search, first, {k: v for k, v in most.items() if k != first}, deadline, asked.gap)
    least = search.best(second, {k: v for k, v in most.items() if k != second}, deadline=deadline, gap=asked.gap)
    low, high = least.value, search.value(second, free.plan)
    found = []
    for level in np.linspace(low, high, asked.points):
        room = {**{k: v for k, v in most.items() if k != first}, second: float(level)}
        found.append((float(level), _canonical(search, first, room, deadline, asked.gap)))
    return found
