"""Shocks over time: what the network of today can still deliver under what holds on each day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.response.reroute import reroute
from supplygraph.response.words import number, percent
from supplygraph.results import Result
from supplygraph.scenario.library import scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.answer import Reroute
    from supplygraph.scenario.builtin import Scenario
    from supplygraph.scenario.shock import Shock

_COLUMNS = (
    "what", "shock", "demand_t", "unmet_t", "unmet_share", "zone_unmet_t", "world_cut_t", "upper_bound", "events",
)  # fmt: skip


class Timeline(Result):
    """The answer of :func:`timeline`: ``table`` has a row per day on which something changes.

    Columns: ``what`` holds, in short, ``shock`` (the same, as it is computed), ``demand_t``, ``unmet_t`` (after the
    best rerouting), ``unmet_share``, ``zone_unmet_t`` (missing without an alignment), ``world_cut_t`` (if nobody
    rerouted), ``upper_bound`` (a licence is counted as if nothing were licensed), ``events`` (built-in restrictions
    that hold, by id).
    """

    if TYPE_CHECKING:
        plans: Mapping[str, Reroute]


def timeline(
    net: SupplyNetwork,
    steps: Mapping[str, Shock | None] | None = None,
    *,
    since: str | dt.date | None = None,
    until: str | dt.date | None = None,
    progress: bool = False,
    **rules: Any,
) -> Timeline:
    """Reroute a network under what holds on each of several days.

    Parameters
    ----------
    net
        The network. It is the same on every day: a timeline says what the shocks of a day would do to the network
        as it is, not what happened to the network of that day.
    steps
        Day (``2026-03-01``) to what holds from then on; None = nothing. By default the built-in export restrictions
        on the network's minerals: a step on every day on which one begins or ends. Those that cannot be expressed as
        a shock, and those of which nobody knows whether they are in force, are left out.
    since, until
        Only days from and up to these.
    progress
        Show a progress bar on stderr.
    **rules
        Options of :func:`supplygraph.reroute`: ``alignment``, ``require``, ``cap``, ``rationing``, ...

    Returns
    -------
    Timeline
        ``.plans`` has the whole rerouting of each day; ``.map()`` puts the days on a slider; ``.plot()`` draws them.

    Raises
    ------
    DataError
        If a day is no day, or no step is left; every problem is listed.
    UnknownNameError, InfeasibleError
        As :func:`supplygraph.reroute`.

    Notes
    -----
    One rerouting per day.

    Examples
    --------
    >>> import supplygraph as sg
    >>> told = sg.timeline(sg.load("cobalt"))
    >>> told.table[["shock", "upper_bound"]].to_dict("index")["2025-02-22"]
    {'shock': 'DR Congo: no exports of cobalt-mined and cobalt-refined', 'upper_bound': False}
    """
    events = _events(net) if steps is None else {day: (shock, ()) for day, shock in _checked(steps).items()}
    first, last = (None if day is None else _day(day, name) for day, name in ((since, "since"), (until, "until")))
    days = [day for day in sorted(events) if (first is None or day >= first) and (last is None or day <= last)]
    if not days:
        asked = "no built-in restriction on its minerals can be expressed" if steps is None else "no step is given"
        said = f"{asked}, from {first or 'ever'} to {last or 'ever'}"
        raise DataError("there is no day to ask about", [Problem("steps", said, 'Give {"2026-03-01": shock}.')])
    plans = {day: reroute(net, events[day][0], **rules) for day in _watched(days, shown=progress)}
    rows = {day: _row(plans[day], *events[day]) for day in days}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS)).rename_axis("date")
    answer = Timeline(
        title=f"Shocks over time, {days[0]} to {days[-1]}",
        table=table,
        params={**next(iter(plans.values())).params, "shock": None, "since": first, "until": last},
        network=net,
        tables={"unmet": pd.concat({day: plan.unmet for day, plan in plans.items()}, names=["date"])},
        explanation=_words(table),
    )
    answer.__dict__["plans"] = plans
    return answer


def _events(net: SupplyNetwork) -> dict[str, tuple[Shock | None, tuple[Scenario, ...]]]:
    """Return what holds on each day on which a built-in restriction on the network's minerals begins or ends."""
    minerals = set(net.products["mineral"])
    known = [item for item in scenarios(kind="restriction") if item.shock is not None and minerals & set(item.minerals)]
    days = sorted({day for item in known for day in (item.start, item.end) if day is not None})
    found: dict[str, tuple[Shock | None, tuple[Scenario, ...]]] = {}
    before: tuple[Scenario, ...] = ()
    for day in days:
        held = tuple(item for item in known if item.in_force(day) is True)
        if held != before:
            found[day] = (_together(held), held)
        before = held
    return found


def _together(items: tuple[Scenario, ...]) -> Shock | None:
    total: Shock | None = None
    for item in items:
        if item.shock is not None:
            total = item.shock if total is None else total + item.shock
    return total


def _checked(steps: Mapping[str, Shock | None]) -> dict[str, Shock | None]:
    problems, found = [], {}
    for given, shock in steps.items():
        try:
            found[dt.date.fromisoformat(str(given)).isoformat()] = shock
        except ValueError:
            problems.append(Problem("steps", f"{given!r} is no day; expected like 2026-03-01", ""))
    if problems:
        raise DataError("these days cannot be asked about", problems)
    return found


def _day(given: str | dt.date, name: str) -> str:
    try:
        return dt.date.fromisoformat(str(given)).isoformat()
    except ValueError:
        problem = Problem(name, f"{given!r} is no day; expected like 2026-03-01", "")
        raise DataError("the timeline cannot be asked for like this", [problem]) from None


def _watched(days: list[str], *, shown: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(days, disable=not shown, desc="timeline", unit="day")


def _row(plan: Reroute, shock: Shock | None, held: tuple[Scenario, ...]) -> tuple[Any, ...]:
    figures = plan.figures
    demand, unmet = float(figures["demand_t"]), float(figures["unmet_t"])
    zone = float(figures["zone_unmet_t"]) if figures["zone_demand_t"] > 0 else float("nan")
    titles = [item.title.split(" (")[0] for item in held]
    return (
        "; ".join(titles) or ("nothing" if shock is None else shock.describe()),
        "nothing" if shock is None else shock.describe(),
        demand,
        unmet,
        unmet / demand if demand > 0 else float("nan"),
        zone,
        float(figures["world_cut_t"]),
        any(item.upper_bound for item in held),
        ";".join(item.id for item in held),
    )


def _words(table: pd.DataFrame) -> str:
    worst = str(table["unmet_t"].idxmax())
    row = table.loc[worst].to_dict()
    told = [f"{len(table)} steps from {table.index[0]} to {table.index[-1]}."]
    unmet, demand = float(row["unmet_t"]), float(row["demand_t"])
    if unmet > 0:
        lost = f"{number(unmet)} t ({percent(unmet, demand)} of demand)"
        told.append(f"Most goes unmet from {worst}: {lost}; what holds: {row['what']}.")
    else:
        told.append("On every day all demand can be met after rerouting.")
    if table["upper_bound"].any():
        told.append("Licences are counted as if nothing were licensed: losses under them are upper bounds.")
    told.append("The network is that of today on every day.")
    return " ".join(told)
