"""How it looks: networks and answers as maps in one offline file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplygraph.maps.offline import OfflineMap
    from supplygraph.maps.scenarios import Scenario
    from supplygraph.maps.upstream import Upstream
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment

__all__ = ["map_network", "map_result"]

#: Longest first line of an explanation that fits the panel.
_WORDS = 220


def map_network(
    net: SupplyNetwork,
    *,
    title: str | None = None,
    subtitle: str | None = None,
    scenarios: Sequence[Mapping[str, Any] | Any] | None = None,
    alignment: Alignment | None = None,
    product: str | None = None,
    min_flow_t: float | None = None,
) -> OfflineMap:
    """Draw a network, its flows and how scenarios change them.

    Parameters
    ----------
    net
        The network.
    title, subtitle
        Words at the top of the panel; made from the network where missing.
    scenarios
        Mappings ``{"name", "shipments", "kpis", "closed", "restricted"}`` (key figures, ids of closed nodes and
        codes of countries whose exports are limited may be left out), or rerouting results; today's shipments come
        first on the slider.
    alignment
        Adds a country fill by alignment tier.
    product
        Show this product alone.
    min_flow_t
        Tonnes a year below which lines start hidden; by default a little more than nothing is hidden.

    Returns
    -------
    OfflineMap
        A ``folium.Map``: ``save_html(path)`` writes one self-contained file; layers can be added.

    Raises
    ------
    DataError
        If a scenario is not complete.
    UnknownNameError
        If the product does not exist.

    Notes
    -----
    Linear in shipments times edges of their routes.
    """
    from supplygraph.maps.scenarios import prepare

    return _draw(net, prepare(net, scenarios), title=title, subtitle=subtitle, alignment=alignment, product=product,
                 min_flow_t=min_flow_t)


def _draw(
    net: SupplyNetwork,
    scenarios: list[Scenario],
    *,
    title: str | None,
    subtitle: str | None,
    alignment: Alignment | None,
    product: str | None,
    min_flow_t: float | None,
    results: Sequence[Any] = (),
    behind: Upstream | None = None,
) -> OfflineMap:
    from supplygraph.maps import answers, attacks, failures, layers, offline

    attacked = bool(results) and attacks.tells(results[0])
    keep = attacks.touched(results[0]) if attacked else ()
    builder = layers.Payload(net, scenarios, product=product, keep=keep)
    payload = builder.build()
    answer, fill = {}, "share"
    if results and failures.tells(results[0]):
        payload["failures"] = failures.overlay(results, builder)
        fill = failures.fill(results[0])
    elif attacked:
        payload["attack"] = attacks.overlay(results[0], builder)
        fill = "none"
    elif behind is not None:
        payload["behind"] = [None, *behind.overlay(builder, payload["countries"])]
        fill = "answer"
    elif results:
        answer = answers.overlay(results[0], builder, payload["countries"])
        fill = "answer" if "shares" in answer else "share"
    payload |= {
        "subtitle": subtitle if subtitle is not None else _subtitle(payload),
        "stage": builder.refining_stage(),
        "least": min_flow_t,
        "tiers": layers.tiers(alignment) if alignment is not None else {},
        "answer": answer,
        "fill": fill,
    }
    return offline.OfflineMap(payload, title=title or _title(net))


def map_result(
    result: Any,
    *,
    title: str | None = None,
    subtitle: str | None = None,
    scenarios: Sequence[Mapping[str, Any] | Any] | None = None,
    alignment: Alignment | None = None,
    product: str | None = None,
    min_flow_t: float | None = None,
    beside: Sequence[Any] = (),
    rows: Sequence[str] | str | None = None,
) -> OfflineMap:
    """Draw an answer on the network it was asked about.

    A rerouting becomes a slider (before, after) with the difference view, and shows who goes without.
    Chokepoints size sites by the demand lost without them and straits by tonnes, fill countries by loss, draw edges
    that cost something over the others, and list the worst; a click on one shows what is lost, who loses, who steps
    in and what stops. Joint failures (``interdict``) are all marked, with who loses by them and what each costs
    alone; a defence (``defend``) rings what to protect and marks the worst attack left. An exposure lights up all that
    is upstream of a factory, country or bloc, one at a time, and fills the countries that stand behind it. Other
    answers by site size the sites, those by link draw the links, those by country, owner or bloc fill the countries;
    all list what they measure by size, with intervals where the answer has them. The figures of the answer stand
    first in the popups.

    Parameters
    ----------
    result
        An answer with a network.
    title, subtitle, scenarios, alignment, product, min_flow_t
        As in :func:`map_network`; the title is the answer's own where missing.
    beside
        Further chokepoints of the same network, demand and shock, for the same map: by passage and by country
        beside those by node.
    rows
        Rows of an exposure whose supply lights up; by default the twelve with the largest demand.

    Raises
    ------
    DataError
        If the answer does not know its network or has no places to draw, a scenario is not complete, or an answer
        beside does not belong.
    UnknownNameError
        If the product, or a row of ``rows``, does not exist.
    """
    from dataclasses import replace

    from supplygraph.errors import DataError
    from supplygraph.maps import attacks, failures, upstream
    from supplygraph.maps.answers import figures, refuse_placeless
    from supplygraph.maps.scenarios import prepare

    net = getattr(result, "network", None)
    if net is None:
        raise DataError("this answer has no network to draw; ask it of a network instead of plain quantities")
    rerouted = "shipments_after" in getattr(result, "tables", {})
    fails = failures.tells(result)
    if fails or beside:
        failures.together([result, *beside])
    start = failures.start(result) if fails else None
    behind = upstream.Upstream.of(result, rows) if upstream.tells(result) else None
    if rows is not None and behind is None:
        raise DataError("`rows` chooses among the rows of an exposure, and this is none; leave it out")
    lit = behind.scenarios(net) if behind else []
    given = [*([result] if rerouted else []), *([start] if start else []), *lit, *(scenarios or ())]
    if not given:
        refuse_placeless(result)
    states = prepare(net, given)
    if fails:
        states[start is not None] = replace(states[start is not None], kpis=failures.figures(result))
    elif attacks.tells(result):
        subtitle = "Flows are estimates." if subtitle is None else subtitle  # the panel says the rest
    elif not rerouted and not behind:
        states[0] = replace(states[0], kpis=figures(result), own_figures=True)
    if title is None:
        title = f"{_minerals(net) or 'Supply network'}, rerouted" if rerouted else result.title
    if subtitle is None:
        subtitle = _assumed(result) if rerouted else _told(result)
    return _draw(net, states, title=title, subtitle=subtitle, alignment=alignment, product=product,
                 min_flow_t=min_flow_t, results=() if rerouted else (result, *beside), behind=behind)


def _assumed(result: Any) -> str:
    """Return what a rerouting rests on; what it says stands in the scenario and its figures."""
    words = "Flows are estimates, in contained tonnes a year."
    if getattr(result, "figures", {}).get("unmet_t", 0.0) > 0:
        words += f" Who goes without is an assumption ({str(result.params['rationing']).replace('_', ' ')})."
    return words


def _told(result: Any) -> str | None:
    """Return the first line of an explanation where it fits."""
    from supplygraph.maps.layers import for_people

    words = result.explain().split("\n")[0]
    return f"{for_people(words)} Flows are estimates." if len(words) <= _WORDS else None


def _title(net: SupplyNetwork) -> str:
    words = _minerals(net)
    return f"{words}: who ships what to whom" if words else "Supply network"


def _minerals(net: SupplyNetwork) -> str:
    names = [str(name).replace("_", " ") for name in dict.fromkeys(net.products["mineral"])]
    if not names:
        return ""
    words = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    words = f"{len(names)} minerals" if len(names) > 4 else words
    return f"{words[:1].upper()}{words[1:]}"


def _subtitle(payload: dict[str, Any]) -> str:
    sites = sum(1 for node in payload["nodes"] if node[2] in (0, 1, 4))
    share = 100 * (1 - payload["reported"])
    words = f"{share:.0f} % of tonnes are estimated" if share < 99.5 else "Flows are estimates"
    years = sorted({row[9] for row in payload["processes"] if row[9]})
    span = f", {years[0]}" if len(years) == 1 else f", {years[0]}–{years[-1]}" if years else ""
    return f"{sites} sites, {len(payload['links'])} links{span}. {words}; in contained tonnes a year."
