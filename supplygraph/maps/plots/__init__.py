"""Answers as plain charts: one line each, sized for a slide, a page or the column of a journal."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.maps.plots import style

if TYPE_CHECKING:
    import os

    from supplygraph.network.network import SupplyNetwork

#: What :func:`save` writes.
FORMATS = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class _Picture:
    """One kind of picture: the file and function that draw it, and the options it knows."""

    home: str
    function: str
    options: tuple[str, ...] = ()


#: Pictures by class of answer, the usual one first. Rooms on the same floor do not import each other, so classes are
#: told by name.
_PICTURES: dict[str, dict[str, _Picture]] = {
    "ConcentrationResult": {"bars": _Picture("bars", "concentration"), "lorenz": _Picture("lorenz", "lorenz")},
    "FactoryResult": {"bars": _Picture("bars", "factories")},
    "CentralityResult": {"bars": _Picture("bars", "centrality")},
    "ExposureResult": {
        "stacked": _Picture("exposed", "stacked"),
        "bars": _Picture("exposed", "one", ("row",)),
    },
    "ChokepointResult": {"bars": _Picture("bars", "failures", ("column",))},
    "InterdictionResult": {"unmet": _Picture("losers", "attacked", ("by",))},
    "DefenceResult": {"bars": _Picture("losers", "defended")},
    "Reroute": {
        "unmet": _Picture("losers", "unmet", ("by",)),
        "displaced": _Picture("losers", "displaced", ("by",)),
    },
    "Comparison": {"bars": _Picture("losers", "policies")},
    "Timeline": {"bars": _Picture("losers", "over_time")},
    "EvidenceResult": {"dots": _Picture("dots", "evidence")},
    "SupplyRiskResult": {"bars": _Picture("bars", "supply_risk")},
    "Stockpile": {"cover": _Picture("stocks", "cover"), "curve": _Picture("stocks", "curve")},
    "Investment": {"timeline": _Picture("invest", "timeline"), "frontier": _Picture("invest", "frontier")},
    "SpatialEquilibrium": {"bars": _Picture("spatial", "prices")},
    "Equilibrium": {
        "prices": _Picture("prices", "prices", ("product",)),
        "gains": _Picture("prices", "gains"),
    },
    "FloorSweep": {"levels": _Picture("prices", "levels")},
    "Frontier": {"frontier": _Picture("frontier", "frontier")},
}


def kinds(result: Any) -> tuple[str, ...]:
    """Return the kinds of picture that an answer has, the usual one first; none for an answer without.

    Examples
    --------
    >>> import supplygraph as sg
    >>> kinds(sg.concentration({"CHN": 750.0, "JPN": 250.0}))
    ('bars', 'lorenz')
    """
    return tuple(_pictures(result))


def plot(
    result: Any, kind: str | None = None, *, size: str = "slide", ax: Any = None, top: int = 12, **options: Any
) -> Any:
    """Draw an answer; see :meth:`supplygraph.results.Result.plot`."""
    found = _pictures(result)
    if not found:
        known = ", ".join(name for name in _PICTURES if not name.startswith("_"))
        remedy = f"Read its .table, or draw one of these answers: {known}."
        problem = Problem(type(result).__name__, f"is {result.title!r}, which has no picture", remedy)
        raise DataError("this answer cannot be drawn as a chart", [problem])
    chosen = next(iter(found)) if kind is None else kind
    if chosen not in found:
        raise UnknownNameError.of(f"kind of chart of {type(result).__name__}", kind, found)
    picture = found[chosen]
    for name in options:
        if name not in picture.options:
            raise UnknownNameError.of(f"option of kind={chosen!r}", name, ["size", "ax", "top", *picture.options])
    draw = getattr(import_module(f"{__name__}.{picture.home}"), picture.function)
    return draw(result, size=size, ax=ax, top=style.rows_of(top, size), **options)


def network(net: SupplyNetwork, **options: Any) -> Any:
    """Draw the stages of a network; see :meth:`supplygraph.network.network.SupplyNetwork.plot`."""
    from supplygraph.maps.plots.sankey import sankey

    return sankey(net, **options)


def save(axes: Any, path: str | os.PathLike[str]) -> Path:
    """Write the figure of some axes; the same figure gives the same bytes. Return its path.

    A PNG of a slide has 1,920 by 1,080 pixels, a narrower one at most 300 to an inch.

    Raises
    ------
    DataError
        If the file is not to be one of :data:`FORMATS`.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in FORMATS:
        problem = Problem(target.name, f"ends in {kind!r}; expected {', '.join(FORMATS)}", "")
        raise DataError("the chart cannot be written", [problem])
    import matplotlib as mpl

    figure = np.ravel(axes)[0].get_figure(root=True)
    # A date, and ids drawn at random, would make every file another one. Type stays type in PDF, and becomes shapes in
    # SVG, so that it looks the same where our font is not installed.
    stamp = {".svg": "Date", ".pdf": "CreationDate"}.get(kind)
    settings = {"svg.hashsalt": "supplygraph", "svg.fonttype": "path", "pdf.fonttype": 42, "savefig.bbox": "standard"}
    dots = min(300.0, max(144.0, 1920 / figure.get_size_inches()[0]))
    with mpl.rc_context(settings):
        figure.savefig(target, dpi=dots, metadata={stamp: None} if stamp else None)
    return target


def _pictures(result: Any) -> dict[str, _Picture]:
    for ancestor in type(result).__mro__:
        if ancestor.__name__ in _PICTURES:
            return _PICTURES[ancestor.__name__]
    return {}
