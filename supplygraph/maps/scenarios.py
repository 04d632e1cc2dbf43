"""What a map compares: today's shipments first, then every scenario given, in one shape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError, Problem
from supplygraph.maps import rerouted
from supplygraph.network import codes

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.network.network import SupplyNetwork

_NEEDED = ("origin", "destination", "product", "route", "flow_t")
_KNOWN = {"name", "shipments", "kpis", "closed", "restricted", "date"}
TODAY = "Today"


@dataclass(frozen=True)
class Scenario:
    """One state of the network: who ships what, its key figures, what is closed, and who goes without.

    ``own_figures`` adds the figures that the map reads off the shipments itself. ``restricted`` are countries whose
    exports are limited. ``short`` has a row per factory that goes without: ``demand_t``, ``unmet_t`` and
    ``displaced_t`` (what it lost by the fix), ``against`` says compared with what. ``date`` is the day it is about;
    ``behind`` the row of an exposure whose supply it shows, and nothing else.
    """

    name: str
    shipments: pd.DataFrame
    kpis: Mapping[str, object] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    own_figures: bool = False
    restricted: tuple[str, ...] = ()
    short: pd.DataFrame | None = None
    against: str = ""
    date: str = ""
    behind: str | None = None


def prepare(net: SupplyNetwork, scenarios: Sequence[Any] | None) -> list[Scenario]:
    """Return today's shipments and the scenarios given, each checked.

    Parameters
    ----------
    net
        The network; its own shipments are the first scenario.
    scenarios
        Mappings with ``name``, ``shipments`` (a table like ``net.shipments``) and, optionally, ``kpis``
        (label to value), ``closed`` (node ids), ``restricted`` (countries) and ``date`` (``2026-11-27``); or results
        that carry ``shipments_after``.

    Raises
    ------
    DataError
        If a scenario lacks a part or has one that is not known; lists every problem.
    """
    before = next((rerouted.today(given) for given in scenarios or () if not isinstance(given, Mapping | Scenario)), {})
    found = [Scenario(TODAY, shipments_of(net.shipments), before, own_figures=bool(before))]
    problems: list[Problem] = []
    nodes = set(net.nodes.index)
    for position, given in enumerate(scenarios or (), start=1):
        try:
            scenario = _read(given, net)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            problems.append(Problem(f"scenario {position}", str(error).strip("'\""), ""))
            continue
        strange = [node for node in scenario.closed if node not in nodes]
        if strange:
            problems.append(Problem(f"scenario {position}, closed", f"no node {strange[0]!r}", "Use ids of net.nodes."))
        problems += [
            Problem(f"scenario {position}, restricted", f"no country {code!r}", codes.suggest(code))
            for code in scenario.restricted if code not in codes.ALPHA3
        ]
        found.append(scenario)
    if problems:
        raise DataError("scenarios for the map are not complete", problems)
    return found


def dated(states: Sequence[Scenario], timeline: Any) -> list[Scenario]:
    """Return the states of a timeline, today first, under their days and what holds on them."""
    held = [(str(day), str(what)) for day, what in timeline.table["what"].items()]
    named = [replace(state, name=f"{day}: {what}", date=day)
             for state, (day, what) in zip(states[1:], held, strict=False)]
    return [states[0], *named, *states[1 + len(held):]]


def _read(given: Any, net: SupplyNetwork) -> Scenario:
    if isinstance(given, Scenario):
        return given
    return _from_mapping(given) if isinstance(given, Mapping) else _from_result(given, net)


def _from_mapping(given: Mapping[str, Any]) -> Scenario:
    strange = sorted(set(given) - _KNOWN)
    if strange:
        raise ValueError(f"unknown key {strange[0]!r}; expected {', '.join(sorted(_KNOWN))}")
    lacking = sorted({"name", "shipments"} - set(given))
    if lacking:
        raise ValueError(f"lacks {lacking[0]!r}")
    closed = given.get("closed") or ()
    date = given.get("date")
    return Scenario(
        str(given["name"]),
        shipments_of(given["shipments"]),
        dict(given.get("kpis") or {}),
        tuple(_texts(closed)),
        restricted=tuple(_texts(given.get("restricted") or ())),
        date=dt.date.fromisoformat(str(date)).isoformat() if date else "",
    )


def _texts(values: Iterable[object] | str) -> list[str]:
    return [values] if isinstance(values, str) else [str(value) for value in values]


def _from_result(result: Any, net: SupplyNetwork) -> Scenario:
    """Read a rerouting: its shipments afterwards, its headline figures, what its shock closes, who goes without."""
    closed = tuple(_texts(getattr(result, "closed", ())))
    return Scenario(
        rerouted.title(result, net, closed),
        shipments_of(result.shipments_after),
        rerouted.afterwards(result),
        closed,
        own_figures=True,
        restricted=tuple(_texts(getattr(result, "restricted", ()))),
        short=rerouted.short(result),
        against=str(getattr(result, "displaced_from", "")),
    )


def shipments_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of shipments as the map reads it: only what moves, missing columns filled."""
    lacking = [column for column in _NEEDED if column not in frame.columns]
    if lacking:
        raise ValueError(f"shipments lack the column {lacking[0]!r}; expected {', '.join(_NEEDED)}")
    kept = frame.loc[frame["flow_t"] > 0].reset_index(drop=True)
    kept["flow_t"] = kept["flow_t"].astype("float64")
    for column, default in (("basis", "estimated"), ("flow_low_t", float("nan")), ("flow_high_t", float("nan"))):
        if column not in kept.columns:
            kept[column] = default
    return kept
