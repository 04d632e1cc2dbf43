from supplygraph.errors import DataError as DataError
from supplygraph.errors import FormatError as FormatError
from supplygraph.errors import InfeasibleError as InfeasibleError
from supplygraph.errors import LimitError as LimitError
from supplygraph.errors import MissingDependencyError as MissingDependencyError
from supplygraph.errors import SupplyGraphError as SupplyGraphError
from supplygraph.errors import UnknownNameError as UnknownNameError
from supplygraph.maps import map_network
from supplygraph.measures.centrality import refining_centrality as refining_centrality
from supplygraph.measures.chokepoints import chokepoints as chokepoints
from supplygraph.measures.concentration import concentration as concentration
from supplygraph.measures.evidence import evidence as evidence
from supplygraph.measures.exposure import exposure as exposure
from supplygraph.measures.geopolrisk import geopolrisk as geopolrisk
from supplygraph.measures.import_reliance import import_reliance_eu as import_reliance_eu
from supplygraph.measures.import_reliance import net_import_reliance as net_import_reliance
from supplygraph.measures.interdiction import defend as defend
from supplygraph.measures.interdiction import interdict as interdict
from supplygraph.measures.supply_risk import supply_risk as supply_risk
from supplygraph.money import Money as Money
from supplygraph.network.formats import check as check
from supplygraph.network.formats import read as read
from supplygraph.network.formats import write as write
from supplygraph.network.network import SupplyNetwork as SupplyNetwork
from supplygraph.response.alternatives import alternatives as alternatives
from supplygraph.response.compare import compare as compare
from supplygraph.response.frontier import alignment_frontier as alignment_frontier
from supplygraph.response.invest import invest as invest
from supplygraph.response.prices.equilibrium import equilibrium as equilibrium
from supplygraph.response.prices.sweep import price_floor_sweep as price_floor_sweep
from supplygraph.response.reroute import reroute as reroute
from supplygraph.response.spatial import spatial_equilibrium as spatial_equilibrium
from supplygraph.response.stockpile import project_vault as project_vault
from supplygraph.response.stockpile import stockpile as stockpile
from supplygraph.response.stockpile.holders import Holder as Holder
from supplygraph.response.timeline import timeline as timeline
from supplygraph.scenario.agreements import Agreements as Agreements
from supplygraph.scenario.agreements import agreements as agreements
from supplygraph.scenario.alignment import Alignment as Alignment
from supplygraph.scenario.alignment import forge as forge
from supplygraph.scenario.instruments import OfftakeFloor as OfftakeFloor
from supplygraph.scenario.instruments import PriceFloor as PriceFloor
from supplygraph.scenario.instruments import Tariff as Tariff
from supplygraph.scenario.library import scenarios as scenarios
from supplygraph.scenario.outages import Hazard as Hazard
from supplygraph.scenario.outages import outages as outages
from supplygraph.scenario.shock import Shock as Shock
from supplygraph.world.build import build as build
from supplygraph.world.datasets import datasets as datasets
from supplygraph.world.datasets import load as load
from supplygraph.world.ensemble import Ensemble as Ensemble
from supplygraph.world.ensemble import ensemble as ensemble
from supplygraph.world.projects import projects as projects
from supplygraph.world.sea import sea_route as sea_route

__version__: str
map = map_network  # noqa: A001 - the public name
__all__ = [
    "Agreements",
    "Alignment",
    "DataError",
    "Ensemble",
    "FormatError",
    "Hazard",
    "Holder",
    "InfeasibleError",
    "LimitError",
    "MissingDependencyError",
    "Money",
    "OfftakeFloor",
    "PriceFloor",
    "Shock",
    "SupplyGraphError",
    "SupplyNetwork",
    "Tariff",
    "UnknownNameError",
    "__version__",
    "agreements",
    "alignment_frontier",
    "alternatives",
    "build",
    "check",
    "chokepoints",
    "compare",
    "concentration",
    "datasets",
    "defend",
    "ensemble",
    "equilibrium",
    "evidence",
    "exposure",
    "forge",
    "geopolrisk",
    "import_reliance_eu",
    "interdict",
    "invest",
    "load",
    "map",
    "net_import_reliance",
    "outages",
    "price_floor_sweep",
    "project_vault",
    "projects",
    "read",
    "refining_centrality",
    "reroute",
    "scenarios",
    "sea_route",
    "spatial_equilibrium",
    "stockpile",
    "supply_risk",
    "timeline",
    "write",
]
