"""Which picture an answer has: the states on its slider, its words, and what it lays over the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError
from supplygraph.maps import answers, attacks, compared, failures, markets, projects_map, stocks, upstream
from supplygraph.maps.layers import for_people
from supplygraph.maps.scenarios import Scenario, dated, prepare

if TYPE_CHECKING:
    from supplygraph.maps.layers import Payload
    from supplygraph.network.network import SupplyNetwork

#: Longest first line of an explanation that fits the panel.
_WORDS = 220

#: From the drawn network and the data of the page to what the answer adds to the latter.
Overlay = Callable[["Payload", dict[str, Any]], dict[str, Any]]


def _nothing(_builder: Payload, _page: dict[str, Any]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes
    ----------
    states
        Stops of the slider, today first.
    title, subtitle
        Words at the top of the panel; a missing subtitle is made from the network.
    overlay
        What the answer adds.
    keep
        Nodes that stay on the map though nothing passes them.
    """

    states: list[Scenario]
    title: str
    subtitle: str | None = None
    overlay: Overlay = _nothing
    keep: Sequence[str] = ()


def of(
    result: Any,
    net: SupplyNetwork,
    *,
    scenarios: Sequence[Any],
    beside: Sequence[Any],
    rows: Sequence[str] | str | None,
) -> Picture:
    """Return the picture of an answer.

    Parameters
    ----------
    result
        The answer.
    net
        Its network.
    scenarios, beside, rows
        As in :func:`supplygraph.maps.map_result`.

    Raises
    ------
    DataError
        If the answer has no places to draw, or an option does not belong to it.
    UnknownNameError
        If a row does not exist.
    """
    if rows is not None and not upstream.tells(result):
        raise DataError("`rows` chooses among the rows of an exposure, and this is none; leave it out")
    if beside or failures.tells(result):
        return _failing(result, net, scenarios, beside)
    for tells, make in ((attacks.tells, _attacked), (_is_plan, _plan), (compared.tells, _compared),
                        (_is_timeline, _timeline), (stocks.tells, _stocked),
                        (projects_map.tells, _invested), (markets.tells, _priced)):  # fmt: skip
        if tells(result):
            return make(result, net, scenarios)
    if upstream.tells(result):
        return _upstream(upstream.Upstream.of(result, rows), net, scenarios)
    return _places(result, net, scenarios)


def _failing(result: Any, net: SupplyNetwork, scenarios: Sequence[Any], beside: Sequence[Any]) -> Picture:
    """Draw single failures on what the network ships before them."""
    failures.together([result, *beside])
    start = failures.start(result)
    states = prepare(net, [*([start] if start else []), *scenarios])
    base = int(start is not None)
    states[base] = replace(states[base], kpis=failures.figures(result))

    def overlay(builder: Payload, _page: dict[str, Any]) -> dict[str, Any]:
        return {"failures": failures.overlay([result, *beside], builder), "fill": failures.fill(result)}

    return Picture(states, result.title, _told(result), overlay)


def _attacked(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw joint failures; the panel says the rest."""

    def overlay(builder: Payload, _page: dict[str, Any]) -> dict[str, Any]:
        return {"attack": attacks.overlay(result, builder), "fill": "none"}

    words = "Flows are estimates."
    return Picture(prepare(net, scenarios), result.title, words, overlay, tuple(attacks.touched(result)))


def _is_plan(result: Any) -> bool:
    return "shipments_after" in getattr(result, "tables", {})


def _plan(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw a rerouting: before, after, and what it does to whom."""
    title = f"{minerals(net) or 'Supply network'}, rerouted"
    short = getattr(result, "figures", {}).get("unmet_t", 0.0) > 0
    return Picture(prepare(net, [result, *scenarios]), title, _assumed(result, short=short))


def _compared(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw policies side by side, each after the same shock."""
    plans, left = compared.drawable(result, net)
    states = compared.named(prepare(net, [*plans.values(), *scenarios]), plans)
    title = f"{minerals(net) or 'Supply network'}: policies side by side"
    first = next(iter(plans.values()))
    words = _assumed(first, short=bool((result.table["unmet_t"] > 0).any()))
    return Picture(states, title, words + compared.told(result, left))


def _is_timeline(result: Any) -> bool:
    return bool(getattr(result, "plans", None))


def _timeline(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw what holds on each day, in order."""
    states = dated(prepare(net, [*result.plans.values(), *scenarios]), result)
    title = f"{minerals(net) or 'Supply network'}, shocks over time"
    words = _assumed(result, short=bool((result.table["unmet_t"] > 0).any()))
    if result.table["upper_bound"].any():
        words += " A licence counts as if nothing were licensed: an upper bound."
    return Picture(states, title, f"{words} The network is today's on every day.")


def _stocked(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw where stocks are held, and of what."""
    states = prepare(net, scenarios)
    states[0] = replace(states[0], kpis=stocks.figures(result), own_figures=True)

    def overlay(_builder: Payload, page: dict[str, Any]) -> dict[str, Any]:
        found = stocks.overlay(result, page["countries"])
        return {"answer": found, "fill": "answer" if found.get("shares") else "share"}

    words = "Flows and shortfalls are estimates. Days are of the demand asked about."
    return Picture(states, result.title, words, overlay)


def _invested(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw what could be built, and what is."""
    states = prepare(net, scenarios)
    states[0] = replace(states[0], kpis=projects_map.figures(result), own_figures=True)

    def overlay(builder: Payload, _page: dict[str, Any]) -> dict[str, Any]:
        return {"answer": projects_map.overlay(result, builder), "fill": "none"}

    return Picture(states, result.title, projects_map.words(result), overlay)


def _priced(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw what instruments do to prices and flows."""
    states = prepare(net, [markets.after(result), *scenarios])
    words = "Flows are estimates; after, today's shipments in proportion to what each pair of countries trades then."

    def overlay(builder: Payload, page: dict[str, Any]) -> dict[str, Any]:
        return markets.overlay(result, builder, page["countries"])

    return Picture(states, for_people(markets.plain(result.title)), words, overlay)


def _upstream(behind: upstream.Upstream, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Light up what is upstream of one factory, country or bloc at a time."""

    def overlay(builder: Payload, page: dict[str, Any]) -> dict[str, Any]:
        return {"behind": [None, *behind.overlay(builder, page["countries"])], "fill": "answer"}

    states = prepare(net, [*behind.scenarios(net), *scenarios])
    return Picture(states, behind.result.title, _told(behind.result), overlay)


def _places(result: Any, net: SupplyNetwork, scenarios: Sequence[Any]) -> Picture:
    """Draw an answer whose rows are places: sites, links, countries, blocs."""
    if not scenarios:
        answers.refuse_placeless(result)
    states = prepare(net, scenarios)
    states[0] = replace(states[0], kpis=answers.figures(result), own_figures=True)

    def overlay(builder: Payload, page: dict[str, Any]) -> dict[str, Any]:
        found = answers.overlay(result, builder, page["countries"])
        return {"answer": found, "fill": "answer" if "shares" in found else "share"}

    return Picture(states, result.title, _told(result), overlay)


def minerals(net: SupplyNetwork) -> str:
    """Return the minerals of a network in words; empty where it has none."""
    names = [str(name).replace("_", " ") for name in dict.fromkeys(net.products["mineral"])]
    if not names:
        return ""
    words = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    words = f"{len(names)} minerals" if len(names) > 4 else words
    return f"{words[:1].upper()}{words[1:]}"


def _assumed(result: Any, *, short: bool) -> str:
    """Return what a rerouting rests on; what it says stands in the scenario and its figures."""
    words = "Flows are estimates, in contained tonnes a year."
    if short:
        words += f" Who goes without is an assumption ({str(result.params['rationing']).replace('_', ' ')})."
    return words


def _told(result: Any) -> str | None:
    """Return the first line of an explanation where it fits."""
    words = result.explain().split("\n")[0]
    return f"{for_people(words)} Flows are estimates." if len(words) <= _WORDS else None
