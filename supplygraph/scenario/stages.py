"""Which processes belong to a stage of the chain, across minerals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.network.network import SupplyNetwork

USE_STAGE = "manufacturing"
_REFINING, _SEPARATION = "refining", "separation"


def product_stages(net: SupplyNetwork) -> pd.Series:
    """Return the stage of each product; separation is the refining of minerals without a refining stage."""
    products = net.products
    stage = products["stage"].copy()
    refined = set(products.loc[stage == _REFINING, "mineral"])
    return stage.mask((stage == _SEPARATION) & ~products["mineral"].isin(refined), _REFINING)


def process_stages(net: SupplyNetwork) -> pd.Series:
    """Return the stage of each process: of its output; uses are manufacturing; stock builds and traders have none."""
    processes = net.processes
    stage = processes["output"].map(product_stages(net)).mask(processes["role"] == "trade")
    return stage.mask(processes["role"] == "use", USE_STAGE).rename("stage")


def known_stages(net: SupplyNetwork) -> set[str]:
    """Return the stages of a network, under all their names."""
    return set(net.products["stage"].dropna()) | set(product_stages(net).dropna()) | {USE_STAGE}


def check_stages(net: SupplyNetwork, stages: Iterable[str]) -> tuple[str, ...]:
    """Return the stages asked for in our own vocabulary (separation may mean refining).

    Raises
    ------
    UnknownNameError
        If the network has no such stage.
    """
    own = known_stages(net)
    found = []
    for stage in stages:
        if stage not in own:
            raise UnknownNameError.of("stage", stage, own)
        found.append(stage)
    return tuple(found)


def in_stages(net: SupplyNetwork, stages: Iterable[str]) -> pd.Series:
    """Tell for each process whether it belongs to one of the stages (under either of its names).

    Raises
    ------
    UnknownNameError
        If the network has no such stage.
    """
    wanted = check_stages(net, stages)
    own, plain = product_stages(net), net.products["stage"]
    made, role = net.processes["output"], net.processes["role"].to_numpy()
    called, named = (made.isin(stage.index[stage.isin(wanted)]).to_numpy() for stage in (own, plain))
    inside = np.where(role == "use", USE_STAGE in wanted, called | named) & (role != "trade")
    return pd.Series(inside, index=made.index)


def uses_of(net: SupplyNetwork, name: str, option: str) -> pd.Series:
    """Tell which processes are the demand of a factory or of a country.

    Raises
    ------
    UnknownNameError
        If there is no such demand; ``option`` is what the name was given for.
    """
    is_use = net.processes["role"] == "use"
    node = net.processes["node"]
    country = node.map(net.nodes["country"])
    found = is_use & ((node == name) | (country == name))
    if not found.any():
        known = {*node[is_use], *country[is_use].dropna()}
        raise UnknownNameError.of(f"factory or country in {option}", name, known)
    return found
