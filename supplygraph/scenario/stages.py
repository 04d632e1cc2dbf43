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
    stage, mineral = (products[column].to_numpy(dtype=object) for column in ("stage", "mineral"))
    refined = set(mineral[stage == _REFINING])
    alone = [mine not in refined for mine in mineral]
    return pd.Series(np.where((stage == _SEPARATION) & alone, _REFINING, stage), index=products.index, name="stage")


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
    return _known(stages, known_stages(net))


def _known(stages: Iterable[str], known: set[str]) -> tuple[str, ...]:
    found = tuple(stages)
    for stage in found:
        if stage not in known:
            raise UnknownNameError.of("stage", stage, known)
    return found


def in_stages(net: SupplyNetwork, stages: Iterable[str]) -> pd.Series:
    """Tell for each process whether it belongs to one of the stages (under either of its names).

    Raises
    ------
    UnknownNameError
        If the network has no such stage.
    """
    products, processes = net.products, net.processes
    plain = products["stage"].to_numpy(dtype=object)
    own = product_stages(net).to_numpy(dtype=object)
    wanted = set(_known(stages, {stage for stage in (*plain, *own) if isinstance(stage, str)} | {USE_STAGE}))
    made = np.array([one in wanted or other in wanted for one, other in zip(own, plain, strict=True)], dtype=bool)
    role = processes["role"].to_numpy()
    # The last place stands for processes that make nothing.
    found = np.append(made, False)[products.index.get_indexer(pd.Index(processes["output"]))]
    return pd.Series(np.where(role == "use", USE_STAGE in wanted, found) & (role != "trade"), index=processes.index)


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
