"""What a map compares: today's shipments first, then every scenario given, in one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from supplygraph.network.network import SupplyNetwork

_NEEDED = ("origin", "destination", "product", "route", "flow_t")
_KNOWN = {"name", "shipments", "kpis", "closed"}
TODAY = "Today"


@dataclass(frozen=True)
class Scenario:
    """One state of the network: who ships what, its key figures, and what is closed.

    ``own_figures`` adds the figures that the map reads off the shipments itself.
    """

    name: str
    shipments: pd.DataFrame
    kpis: Mapping[str, object] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    own_figures: bool = False


def prepare(net: SupplyNetwork, scenarios: Sequence[Any] | None) -> list[Scenario]:
    """Return today's shipments and the scenarios given, each checked.

    Parameters
    ----------
    net
        The network; its own shipments are the first scenario.
    scenarios
        Mappings with ``name``, ``shipments`` (a table like ``net.shipments``) and, optionally, ``kpis``
        (label to value) and ``closed`` (node ids); or results that carry ``shipments_after``.

    Raises
    ------
    DataError
        If a scenario lacks a part or has one that is not known; lists every problem.
    """
    found = [Scenario(TODAY, _shipments(net.shipments))]
    problems: list[Problem] = []
    nodes = set(net.nodes.index)
    for position, given in enumerate(scenarios or (), start=1):
        try:
            scenario = _from_mapping(given) if isinstance(given, Mapping) else _from_result(given, net)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            problems.append(Problem(f"scenario {position}", str(error).strip("'\""), ""))
            continue
        strange = [node for node in scenario.closed if node not in nodes]
        if strange:
            problems.append(Problem(f"scenario {position}, closed", f"no node {strange[0]!r}", "Use ids of net.nodes."))
        found.append(scenario)
    if problems:
        raise DataError("scenarios for the map are not complete", problems)
    return found


def _from_mapping(given: Mapping[str, Any]) -> Scenario:
    strange = sorted(set(given) - _KNOWN)
    if strange:
        raise ValueError(f"unknown key {strange[0]!r}; expected {', '.join(sorted(_KNOWN))}")
    lacking = sorted({"name", "shipments"} - set(given))
    if lacking:
        raise ValueError(f"lacks {lacking[0]!r}")
    closed = given.get("closed") or ()
    return Scenario(
        str(given["name"]),
        _shipments(given["shipments"]),
        dict(given.get("kpis") or {}),
        tuple(_texts(closed)),
    )


def _texts(values: Iterable[object] | str) -> list[str]:
    return [values] if isinstance(values, str) else [str(value) for value in values]


def _from_result(result: Any, net: SupplyNetwork) -> Scenario:
    """Read a rerouting: its shipments afterwards, its headline figures, what its shock closes."""
    params = getattr(result, "params", {})
    shock, require = params.get("shock"), params.get("require")
    name = str(shock) if shock and shock != "no shock" else "Rerouted"
    closed = tuple(_texts(getattr(result, "closed", ())))
    for node, words in net.nodes["name"].reindex(list(closed)).dropna().items():
        name = name.replace(str(node), str(words))
    if require:
        name += f"; zone only through {require} or better"
    return Scenario(
        name[:1].upper() + name[1:],
        _shipments(result.shipments_after),
        dict(getattr(result, "map_kpis", None) or {}),
        closed,
        own_figures=True,
    )


def _shipments(frame: pd.DataFrame) -> pd.DataFrame:
    lacking = [column for column in _NEEDED if column not in frame.columns]
    if lacking:
        raise ValueError(f"shipments lack the column {lacking[0]!r}; expected {', '.join(_NEEDED)}")
    kept = frame.loc[frame["flow_t"] > 0].reset_index(drop=True)
    kept["flow_t"] = kept["flow_t"].astype("float64")
    for column, default in (("basis", "estimated"), ("flow_low_t", float("nan")), ("flow_high_t", float("nan"))):
        if column not in kept.columns:
            kept[column] = default
    return kept
