"""supplygraph: chokepoints, refining concentration and aligned rerouting in supply networks.

A supply network is a handful of tables; a question is a function of the network; an answer is a
table that can explain and draw itself.

>>> import supplygraph as sg
>>> net = sg.load("cobalt")
>>> round(sg.concentration(net, stage="refining").hhi, 1)
0.6
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public name -> the module that holds it. Nothing is imported before it is asked for.
_HOME = {
    "SupplyNetwork": "network.network",
    "read": "network.formats",
    "write": "network.formats",
    "check": "network.formats",
    "load": "world.datasets",
    "datasets": "world.datasets",
    "build": "world.build",
    "sea_route": "world.sea",
    "ensemble": "world.ensemble",
    "Ensemble": "world.ensemble",
    "Shock": "scenario.shock",
    "Agreements": "scenario.agreements",
    "agreements": "scenario.agreements",
    "Alignment": "scenario.alignment",
    "forge": "scenario.alignment",
    "scenarios": "scenario.library",
    "Money": "money",
    "concentration": "measures.concentration",
    "refining_centrality": "measures.centrality",
    "exposure": "measures.exposure",
    "supply_risk": "measures.supply_risk",
    "geopolrisk": "measures.geopolrisk",
    "net_import_reliance": "measures.import_reliance",
    "import_reliance_eu": "measures.import_reliance",
    "evidence": "measures.evidence",
    "chokepoints": "measures.chokepoints",
    "interdict": "measures.interdiction",
    "defend": "measures.interdiction",
    "reroute": "response.reroute",
    "invest": "response.invest",
    "projects": "world.projects",
    "alignment_frontier": "response.frontier",
    "timeline": "response.timeline",
    "compare": "response.compare",
    "alternatives": "response.alternatives",
    "spatial_equilibrium": "response.spatial",
    "equilibrium": "response.prices.equilibrium",
    "price_floor_sweep": "response.prices.sweep",
    "PriceFloor": "scenario.instruments",
    "Tariff": "scenario.instruments",
    "OfftakeFloor": "scenario.instruments",
    "Holder": "response.stockpile.holders",
    "Hazard": "scenario.outages",
    "outages": "scenario.outages",
    "stockpile": "response.stockpile",
    "project_vault": "response.stockpile",
    "map": "maps",
    "SupplyGraphError": "errors",
    "DataError": "errors",
    "FormatError": "errors",
    "UnknownNameError": "errors",
    "InfeasibleError": "errors",
    "LimitError": "errors",
    "MissingDependencyError": "errors",
}
#: Names that differ from the one in their module (a builtin would be hidden there).
_RENAMED = {"map": "map_network"}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604 - the names are the keys of one table


def __getattr__(name: str) -> Any:
    """Import a public name the first time it is used (PEP 562)."""
    if name not in _HOME:
        message = f"module 'supplygraph' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(f"supplygraph.{_HOME[name]}"), _RENAMED.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
