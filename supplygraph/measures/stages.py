"""Which processes make up a stage of the chain, and who stands behind a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.scenario.stages import in_stages, process_stages

if TYPE_CHECKING:
    from supplygraph.network.network import SupplyNetwork


def in_stage(network: SupplyNetwork, stage: str) -> pd.Series:
    """Tell for each process whether it belongs to a stage; stock processes make nothing and belong to none.

    ``refining`` means separation for a mineral without a refining stage (rare earths).

    Raises
    ------
    UnknownNameError
        If no process belongs to such a stage.
    DataError
        If processes of several minerals do: their tonnes have no common measure.
    """
    role, mineral = network.processes["role"], network.processes["mineral"]
    inside = in_stages(network, (stage,)) & (role != "stock")
    if not inside.any():
        known = process_stages(network)[role != "stock"].dropna().unique()
        raise UnknownNameError.of("stage", stage, known)
    several = sorted(mineral[inside].unique())
    if len(several) > 1:
        problem = Problem(
            "network",
            f"stage {stage!r} holds tonnes of {', '.join(several)}.",
            "Ask for one at a time: net.select(mineral=...).",
        )
        raise DataError("several minerals have no common tonne", [problem])
    return inside


def behind(network: SupplyNetwork, by: str) -> pd.DataFrame:
    """Return who stands behind each site: columns ``node``, ``by``, ``share``; the rest is unknown.

    Parameters
    ----------
    network
        The network.
    by
        ``"country"`` (where it stands), ``"owner"`` (countries of its owners) or ``"node"`` (the
        site itself; an unnamed rest is no site).

    Raises
    ------
    UnknownNameError
        If ``by`` is none of these.
    """
    if by == "owner":
        owners = network.owners.reset_index()
        return owners[["node", "owner", "share"]].rename(columns={"owner": "by"})
    nodes = network.nodes
    if by == "country":
        label = nodes["country"]
    elif by == "node":
        label = nodes.index.to_series().mask(nodes["status"] == "residual")
    else:
        raise UnknownNameError.of("grouping", by, ("country", "owner", "node"))
    known = label.dropna()
    return pd.DataFrame({"node": known.index.to_numpy(), "by": known.to_numpy(), "share": 1.0})


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
