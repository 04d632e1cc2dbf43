"""How strongly supply, demand and the choice of origin answer to price: from ``data/facts/elasticities.csv``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]

RUNS = ("short", "long")
#: Kinds of elasticity that a caller may give.
KINDS = ("supply", "demand", "origins")
#: Stages whose output comes out of the ground or appears at the plant; all others process.
_MINING = ("mining", "feed")
_LEVELS = ("low", "central", "high")


@dataclass(frozen=True)
class Elasticities:
    """Elasticities of a network, each with its interval.

    Attributes
    ----------
    table
        Index (kind, product): ``low``, ``central``, ``high``, ``reference``, ``confidence``. ``supply`` per product is
        per cent more output for one per cent more price, input prices unchanged; ``demand`` per cent less final use;
        ``origins`` per cent more of a link for one per cent of advantage (Armington).
    """

    table: pd.DataFrame

    def at(self, kind: str, products: pd.Index, where: Floats | None = None) -> Floats:
        """Return one elasticity per product: central, or between low (-1) and high (1) on a logarithmic scale."""
        rows = self.table.loc[kind].loc[products]
        low, central, high = (np.log(rows[level].to_numpy(dtype=np.float64)) for level in _LEVELS)
        place = np.zeros(len(central)) if where is None else where
        side = np.where(place < 0, central - low, high - central)
        return np.asarray(np.exp(central + place * side), dtype=np.float64)

    @property
    def references(self) -> tuple[str, ...]:
        """Ids of the references behind them."""
        return tuple(sorted(set(self.table["reference"].dropna())))


def of_network(net: SupplyNetwork, run: str, given: Mapping[str, Any] | None) -> Elasticities:
    """Return the elasticities of all products of a network.

    Parameters
    ----------
    net
        The network.
    run
        ``"short"`` (within a year or two) or ``"long"`` (plants are built).
    given
        The caller's own: by kind a number or (low, central, high), which replace the bundled ones.

    Raises
    ------
    UnknownNameError
        If there is no such run or kind.
    DataError
        If a given elasticity is not above 0, or its interval is out of order.
    """
    if run not in RUNS:
        raise UnknownNameError.of("run", run, RUNS)
    own = _given(given or {})
    bundled = facts.read("facts/elasticities.csv")
    products = net.products
    rows = []
    for kind in KINDS:
        chosen = bundled[(bundled["parameter"] == kind) & (bundled["run"] == run)]
        for product, mineral, stage in zip(products.index, products["mineral"], products["stage"], strict=True):
            if kind in own:
                rows.append((kind, product, *own[kind], None, "given"))
                continue
            sector = "mining" if stage in _MINING else "processing"
            fits = chosen[chosen["stage"].isna() | (chosen["stage"] == sector)]
            exact = fits[fits["mineral"] == mineral]
            row = (exact if len(exact) else fits[fits["mineral"].isna()]).iloc[0]
            levels = tuple(float(row[f"elasticity_{level}"]) for level in _LEVELS)
            rows.append((kind, product, *levels, row["reference"], row["confidence"]))
    columns = ["kind", "product", *_LEVELS, "reference", "confidence"]
    return Elasticities(pd.DataFrame(rows, columns=columns).set_index(["kind", "product"]))


def _given(given: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    found, problems = {}, []
    for kind, value in given.items():
        if kind not in KINDS:
            raise UnknownNameError.of("elasticity", kind, KINDS)
        levels = value if isinstance(value, (tuple, list)) else (value, value, value)
        good = len(levels) == 3 and all(
            isinstance(level, (int, float)) and not isinstance(level, bool) and np.isfinite(level) and level > 0
            for level in levels
        )
        if not good or not levels[0] <= levels[1] <= levels[2]:
            what = f"is {value!r}; expected a number above 0, or (low, central, high) in this order"
            problems.append(Problem(f"elasticities[{kind!r}]", what, "Give 0.4, or (0.2, 0.4, 0.8)."))
        else:
            found[kind] = (float(levels[0]), float(levels[1]), float(levels[2]))
    if problems:
        raise DataError("these are no elasticities", problems)
    return found
