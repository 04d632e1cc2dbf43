"""Base maps from the network, by name, for those who ask for one; maps have none by default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What Leaflet fills in: the tile, its subdomain, and whether it is a sharp one.
_LEFT = {"s", "x", "y", "z", "r"}
_ADDRESS = re.compile(r"https://[A-Za-z0-9.{}-]+(?::\d+)?/[A-Za-z0-9.,;:@%&?=+$!*()_~/{}-]*\Z")
_HOST = re.compile(r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?\Z")
#: Listed as free of keys, yet only for pages of account holders.
_ACCOUNTS = ("Stadia.",)
#: Hosts that give tiles only to pages that say where they are, which a file opened from disk cannot.
_WHERE_FROM = {"https://tile.openstreetmap.org"}
#: Depth of the maps where a provider names none.
_DEEPEST = 18


@dataclass(frozen=True)
class Tiles:
    """A base map of one provider.

    Attributes
    ----------
    name
        Its name in ``xyzservices``.
    address
        Address of a tile, with ``{z}``, ``{x}``, ``{y}`` and perhaps ``{s}`` (subdomain) and ``{r}`` (sharp screens).
    subdomains
        What ``{s}`` stands for, in turn.
    attribution
        What the provider asks to be shown, as plain text.
    least, most
        Zoom levels that exist; the map stretches those for others.
    bounds
        Corners south-west and north-east, latitude first, where not the whole world.
    upside_down
        Whether rows count from the south.
    """

    name: str
    address: str
    subdomains: tuple[str, ...]
    attribution: str
    least: int = 0
    most: int = _DEEPEST
    bounds: tuple[tuple[float, float], ...] | None = None
    upside_down: bool = False

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that the page may then ask for pictures, and nothing else from anywhere."""
        host = "/".join(self.address.split("/")[:3])
        return tuple(dict.fromkeys(host.replace("{s}", part) for part in self.subdomains or ("",)))

    def for_page(self) -> dict[str, Any]:
        """Return what the page needs to know."""
        return {
            "name": self.name,
            "address": self.address,
            "subdomains": list(self.subdomains),
            "attribution": self.attribution,
            "least": self.least,
            "most": self.most,
            "bounds": self.bounds,
            "tms": self.upside_down,
            "whereFrom": not _WHERE_FROM.isdisjoint(self.hosts),
        }


def named(name: str) -> Tiles:
    """Return a base map by its name in ``xyzservices``, however it is spelt.

    Parameters
    ----------
    name
        ``"OpenStreetMap"``, ``"OpenTopoMap"``, ``"Esri.WorldGrayCanvas"`` and the like.

    Raises
    ------
    UnknownNameError
        If no provider has that name.
    DataError
        If its tiles need a key or an account, are not sent over https, are in another projection, or no longer exist.

    Examples
    --------
    >>> named("esri world gray canvas").hosts
    ('https://server.arcgisonline.com',)
    """
    from xyzservices import providers

    wanted = "OpenStreetMap.Mapnik" if name.strip().lower() == "openstreetmap" else name
    try:
        found = providers.query_name(wanted)
    except ValueError:
        known = [key for key, value in providers.flatten().items() if not _refusals(value)]
        family = [key for key in known if key.lower().startswith(f"{name.strip().lower()}.")]
        raise UnknownNameError.of("tiles", name, family or known) from None
    return of(found)


def of(found: Any) -> Tiles:
    """Return the base map of an ``xyzservices`` provider, or raise as :func:`named`."""
    refused = _refusals(found)
    if refused:
        raise DataError(f"tiles {found['name']!r} cannot be used: {'; '.join(refused)}. Choose others, or leave "
                        "`tiles` out: maps draw the bundled shapes of countries then")
    return Tiles(
        name=found["name"],
        address=_address(found),
        subdomains=tuple(found.get("subdomains", "abc")) if "{s}" in found["url"] else (),
        attribution=str(found.get("attribution") or found["name"]).replace("(C)", "©").strip(),
        least=int(found.get("min_zoom", 0)),
        most=int(found.get("max_zoom", _DEEPEST)),
        bounds=tuple((float(lat), float(lon)) for lat, lon in found["bounds"]) if "bounds" in found else None,
        upside_down=bool(found.get("tms", False)),
    )


def _address(found: Any) -> str:
    """Return the address with all filled in that does not change from tile to tile."""

    def filled(part: re.Match[str]) -> str:
        return part[0] if part[1] in _LEFT else str(found.get(part[1], part[0]))

    return re.sub(r"\{(\w+)\}", filled, str(found["url"]))


def _refusals(found: Any) -> list[str]:
    """Return why the tiles of a provider cannot be used."""
    address = _address(found)
    hosts = ["/".join(address.split("/")[:3]).replace("{s}", part) for part in found.get("subdomains", "abc")]
    reasons: Iterable[tuple[bool, str]] = (
        (bool(found.requires_token()), "they need a key, which would stand in the page for every reader"),
        (str(found["name"]).startswith(_ACCOUNTS), "they are sent only to pages of those who have an account"),
        (address.startswith("http:"), "they are not sent over https"),
        (found.get("crs") not in {None, "EPSG:3857"}, f"their projection is {found.get('crs')}, not EPSG:3857"),
        (found.get("status") == "broken", "they are listed as broken"),
    )
    given = [words for holds, words in reasons if holds]
    unfilled = set(re.findall(r"\{(\w+)\}", address)) - _LEFT
    odd = unfilled or not _ADDRESS.match(address) or not all(map(_HOST.match, hosts))
    return given or (["their address has parts that are not known"] if odd else [])
