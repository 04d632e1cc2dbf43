"""How it looks: networks and answers as maps in one offline file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplygraph.maps.offline import OfflineMap
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment

__all__ = ["map_network", "map_result"]


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
        Mappings ``{"name", "shipments", "kpis", "closed"}`` (the last two optional), or rerouting results;
        today's shipments come first on the slider.
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
    from supplygraph.maps import layers, offline
    from supplygraph.maps.scenarios import prepare

    builder = layers.Payload(net, prepare(net, scenarios), product=product)
    payload = builder.build()
    heading = title or _title(net)
    payload |= {
        "subtitle": subtitle if subtitle is not None else _subtitle(payload),
        "stage": builder.refining_stage(),
        "least": min_flow_t,
        "tiers": layers.tiers(alignment, payload["countries"]) if alignment is not None else {},
        "fill": "share",
    }
    return offline.OfflineMap(payload, title=heading)


def map_result(result: Any, **options: Any) -> OfflineMap:
    """Draw an answer on the network it was asked about.

    A rerouting becomes a slider (before, after) with the difference view; other answers show the
    network with their figures.

    Raises
    ------
    DataError
        If the answer does not know its network.
    """
    from supplygraph.errors import DataError

    net = getattr(result, "network", None)
    if net is None:
        raise DataError("this answer has no network to draw; ask it of a network instead of plain quantities")
    options.setdefault("title", result.title)
    if "shipments_after" in getattr(result, "tables", {}):
        options.setdefault("scenarios", [result])
    return map_network(net, **options)


def _title(net: SupplyNetwork) -> str:
    minerals = list(dict.fromkeys(net.products["mineral"]))
    names = " and ".join(name.replace("_", " ") for name in minerals[:3])
    return f"{names[:1].upper()}{names[1:]}: who ships what to whom" if names else "Supply network"


def _subtitle(payload: dict[str, Any]) -> str:
    sites = sum(1 for node in payload["nodes"] if node[2] in (0, 1, 4))
    reported = payload["reported"]
    words = "All flows are estimated" if reported == 0 else f"{1 - reported:.0%} of tonnes are estimated"
    return f"{sites} sites, {len(payload['links'])} links. {words}; tonnes of contained metal a year."
