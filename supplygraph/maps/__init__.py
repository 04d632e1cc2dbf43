"""How it looks: networks and answers as maps in one offline file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from supplygraph.maps.offline import OfflineMap
    from supplygraph.maps.pictures import Picture
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
    tiles: str | None = None,
    zone: Iterable[str] | None = None,
    duties: pd.DataFrame | None = None,
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
    tiles
        A base map from the network, by its name in ``xyzservices``, such as ``"OpenTopoMap"``; by default none, and the
        page asks for nothing. With one, the page may ask the hosts of these tiles for pictures, and for nothing else;
        without the network it shows the bundled shapes. OpenStreetMap's own tiles are given only to pages with a web
        address, not to a file opened from disk.
    zone
        Members of a preferential zone (ISO alpha-3), whose border is drawn.
    duties
        Duties at borders, as arrows: a row per pair of countries with ``exporter``, ``importer`` (ISO alpha-3) and
        ``duty_usd_t`` (USD per tonne of contained material) or ``duty_share`` (0.25 = 25 % of the value) or both, and
        ``product`` where it is on one alone.

    Returns
    -------
    OfflineMap
        A ``folium.Map``: ``save_html(path)`` writes one self-contained file; layers can be added.

    Raises
    ------
    DataError
        If a scenario is not complete, a code, product or amount of zone or duties is wrong, or the tiles cannot be
        used (a key, another projection).
    UnknownNameError
        If the product or the tiles do not exist.

    Notes
    -----
    Linear in shipments times edges of their routes.
    """
    from supplygraph.maps.pictures import Picture, minerals
    from supplygraph.maps.scenarios import prepare

    words = minerals(net)
    own = f"{words}: who ships what to whom" if words else "Supply network"
    picture = Picture(prepare(net, scenarios), title if title is not None else own, subtitle)
    return _draw(net, picture, alignment=alignment, product=product, min_flow_t=min_flow_t, tiles=tiles,
                 zone=zone, duties=duties)


def _draw(
    net: SupplyNetwork,
    picture: Picture,
    *,
    alignment: Alignment | None,
    product: str | None,
    min_flow_t: float | None,
    tiles: str | None,
    zone: Iterable[str] | None,
    duties: pd.DataFrame | None,
) -> OfflineMap:
    from supplygraph.maps import layers, offline, zones
    from supplygraph.maps.tiles import named

    builder = layers.Payload(net, picture.states, product=product, keep=picture.keep)
    payload = {"answer": {}, "fill": "share", **builder.build()}
    payload |= picture.overlay(builder, payload) | zones.overlay(zone, duties, builder)
    payload |= {
        "subtitle": picture.subtitle if picture.subtitle is not None else _subtitle(payload),
        "stage": builder.refining_stage(),
        "least": min_flow_t,
        "tiers": layers.tiers(alignment) if alignment is not None else {},
    }
    return offline.OfflineMap(payload, title=picture.title, tiles=None if tiles is None else named(tiles))


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
    tiles: str | None = None,
    zone: Iterable[str] | None = None,
    duties: pd.DataFrame | None = None,
) -> OfflineMap:
    """Draw an answer on the network it was asked about.

    A rerouting becomes a slider (before, after) with the difference view, and shows who goes without; a timeline a
    slider with a stop per day.
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
    title, subtitle, scenarios, alignment, product, min_flow_t, zone, duties
        As in :func:`map_network`; the title is the answer's own where missing.
    beside
        Further chokepoints of the same network, demand and shock, for the same map: by passage and by country
        beside those by node.
    rows
        Rows of an exposure whose supply lights up; by default the twelve with the largest demand.
    tiles
        As in :func:`map_network`.

    Raises
    ------
    DataError
        If the answer does not know its network or has no places to draw, a scenario is not complete, or an answer
        beside does not belong, or the tiles cannot be used.
    UnknownNameError
        If the product, a row of ``rows`` or the tiles do not exist.
    """
    from dataclasses import replace

    from supplygraph.errors import DataError
    from supplygraph.maps import pictures

    net = getattr(result, "drawn_on", None) or getattr(result, "network", None)
    if net is None:
        raise DataError("this answer has no network to draw; ask it of a network instead of plain quantities")
    picture = pictures.of(result, net, scenarios=scenarios or (), beside=beside, rows=rows)
    picture = replace(
        picture,
        title=picture.title if title is None else title,
        subtitle=picture.subtitle if subtitle is None else subtitle,
    )
    return _draw(net, picture, alignment=alignment, product=product, min_flow_t=min_flow_t, tiles=tiles,
                 zone=zone, duties=duties)


def _subtitle(payload: dict[str, Any]) -> str:
    sites = sum(1 for node in payload["nodes"] if node[2] in (0, 1, 4))
    share = 100 * (1 - payload["reported"])
    words = f"{share:.0f} % of tonnes are estimated" if share < 99.5 else "Flows are estimates"
    years = sorted({row[9] for row in payload["processes"] if row[9]})
    span = f", {years[0]}" if len(years) == 1 else f", {years[0]}–{years[-1]}" if years else ""
    return f"{sites} sites, {payload['linked']} links{span}. {words}; in contained tonnes a year."
