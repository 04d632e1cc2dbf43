"""Which processes make up a stage of the chain, and who stands behind a site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.scenario.alignment import Alignment
from supplygraph.scenario.stages import in_stages, process_stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.network.network import SupplyNetwork

#: Country to bloc, or the tiers of an alignment.
Blocs = Mapping[str, str] | Alignment

#: Processes that change nothing belong to no stage: stocks keep, traders pass on.
_UNCHANGING = ("stock", "trade")
#: Who may stand behind a site.
GROUPINGS = ("country", "owner", "bloc", "node")


def in_stage(network: SupplyNetwork, stage: str) -> pd.Series:
    """Tell for each process whether it belongs to a stage; stocks and traders change nothing and belong to none.

    ``refining`` means separation for a mineral without a refining stage (rare earths).

    Raises
    ------
    UnknownNameError
        If no process belongs to such a stage.
    DataError
        If processes of several minerals do: their tonnes have no common measure.
    """
    processes = network.processes
    role = processes["role"]
    inside = in_stages(network, (stage,)) & ~role.isin(_UNCHANGING)
    if not inside.any():
        known = process_stages(network)[role != "stock"].dropna().unique()
        raise UnknownNameError.of("stage", stage, known)
    several = sorted(set(processes["mineral"].to_numpy()[inside.to_numpy()]))
    if len(several) > 1:
        problem = Problem(
            "network",
            f"stage {stage!r} holds tonnes of {', '.join(several)}.",
            "Ask for one at a time: net.select(mineral=...).",
        )
        raise DataError("several minerals have no common tonne", [problem])
    return inside


def behind(network: SupplyNetwork, by: str, blocs: Blocs | None = None) -> pd.DataFrame:
    """Return who stands behind each site: columns ``node``, ``by``, ``share``; the rest is unknown.

    Parameters
    ----------
    network
        The network.
    by
        ``"country"`` (where it stands), ``"owner"`` (countries of its owners), ``"bloc"`` (of the country where it
        stands) or ``"node"`` (the site itself; an unnamed rest is no site).
    blocs
        For ``by="bloc"``: see :func:`bloc_of`.

    Raises
    ------
    UnknownNameError
        If ``by`` is none of these.
    DataError
        If blocs are asked for and not given, or the other way round.
    """
    if by not in GROUPINGS:
        raise UnknownNameError.of("grouping", by, GROUPINGS)
    if (by == "bloc") != (blocs is not None):
        said = "not given, but by='bloc'." if by == "bloc" else f"given, but by={by!r}."
        remedy = 'Give by="bloc" with blocs={"DEU": "EU", ...} or blocs=sg.forge(as_of=...).'
        raise DataError("no blocs to group by", [Problem("blocs", said, remedy)])
    if by == "owner":
        owners = network.owners.reset_index()
        return owners[["node", "owner", "share"]].rename(columns={"owner": "by"})
    nodes = network.nodes
    label = nodes["country"]
    if blocs is not None:
        label = label.map(bloc_of(label.dropna().unique(), blocs))
    elif by == "node":
        label = nodes.index.to_series().mask(nodes["status"] == "residual")
    known = label.dropna()
    return pd.DataFrame({"node": known.index.to_numpy(), "by": known.to_numpy(), "share": 1.0})


def bloc_of(countries: Iterable[str], blocs: Blocs) -> dict[str, str]:
    """Return the bloc of each country; of some it may not be known.

    Parameters
    ----------
    countries
        Alpha-3 codes.
    blocs
        A mapping (country to bloc), in which countries not named stand for themselves; or an alignment, whose tiers
        are the blocs: a country without a known tier has no known bloc.
    """
    if isinstance(blocs, Alignment):
        tiers = {country: blocs.tier(country) for country in countries}
        return {country: tier for country, tier in tiers.items() if tier is not None}
    return {country: str(blocs.get(country, country)) for country in countries}


def names(network: SupplyNetwork | None, by: str) -> pd.Series:
    """Return names for people: of sites for ``by="node"``, else of countries."""
    if by == "node" and network is not None:
        return network.nodes["name"]
    frame = facts.read("facts/countries.csv").set_index("country")["name"]
    if network is not None:
        own = network.countries["name"].dropna()
        frame = pd.concat([own, frame[~frame.index.isin(own.index)]])
    return frame


def told(labels: pd.Index, names_by_id: pd.Series) -> list[str]:
    """Return the names of some ids; an id without a name stands for itself."""
    return [str(names_by_id.get(label, label)) for label in labels]
