"""Answers about centrality, and what they say in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.measures.quantities import HhiResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplygraph.measures.attribution import Attribution
    from supplygraph.network.network import SupplyNetwork

#: Sites named in words at most.
_NAMED = 3
#: Centralities, or marginals, that differ by less than this do not differ.
_NOTHING = 1e-9


class CentralityResult(HhiResult):
    """Centrality of sites; ``table`` is indexed by node (edge), the most central first."""

    @property
    def uncrossed_share(self) -> float:
        """Share of what is used or put in stock that crossed no process of the stage; shares are of the rest.

        Stocks of ore are the usual case.
        """
        return float(self.figures["uncrossed_share"])


def owners_in_words(net: SupplyNetwork, nodes: pd.Index) -> Any:
    """Return the owners of some nodes, ``CHN 51%, IDN 49%``, the largest first; missing where none is known."""
    table = net.owners
    place = nodes.get_indexer(pd.Index(table["node"]))
    kept = np.flatnonzero(place >= 0)
    share = table["share"].to_numpy(dtype=float)[kept]
    owner = table["owner"].array.take(kept).to_numpy(dtype=object)
    told: list[str | None] = [None] * len(nodes)
    # Owners stand in order of their codes, which decides between equal ones.
    for row in np.argsort(-share, kind="stable"):
        at, said = int(place[kept[row]]), f"{owner[row]} {share[row]:.0%}"
        before = told[at]
        told[at] = said if before is None else f"{before}, {said}"
    return pd.array(told, dtype="str")


def words(found: Attribution, table: pd.DataFrame, figures: Mapping[str, float]) -> str:
    """Say where the concentration comes from, what would change it, and where the owners' view differs."""
    told = [*_from(found, table, figures), *found.missing_words(), *_owners(found, table, figures)]
    if "hhi_bound_low" in figures and not math.isnan(figures["hhi_bound_low"]):
        ends = f"{figures['hhi_bound_low']:.4f} and {figures['hhi_bound_high']:.4f}"
        told.append(f"Over all ways to match inputs to outputs inside processes it lies between {ends}.")
    if figures["uncrossed_share"] > _NOTHING:
        told.append(f"{figures['uncrossed_share']:.1%} of what is used or put in stock crossed no site of the stage.")
    return " ".join(told)


def _from(found: Attribution, table: pd.DataFrame, figures: Mapping[str, float]) -> list[str]:
    hhi = figures["hhi"]
    if math.isnan(hhi):
        return []
    name, central, marginal = table["name"].to_numpy(), table["centrality"].to_numpy(), table["marginal"].to_numpy()
    parts = [f"{name[row]} {central[row] / hhi:.1%}" for row in range(min(_NAMED, len(table)))] if hhi > 0 else []
    what = "HHI" if found.kernel == "same" else f"concentration (kernel: {found.kernel})"
    told = [f"The {what} of {hhi:.4f} ({found.by}) comes mostly from {', '.join(parts)}." if parts else ""]
    up, down = int(np.argmax(marginal)), int(np.argmin(marginal))
    said = [
        *([f"growing {name[up]} would raise it most"] if marginal[up] > _NOTHING else []),
        *([f"growing {name[down]} would lower it most"] if marginal[down] < -_NOTHING else []),
    ]
    advice = "; ".join(said) or "growing any one of them alone changes nothing"
    told.append(f"Centrality attributes, the marginal advises: {advice}.")
    return told


def _owners(found: Attribution, table: pd.DataFrame, figures: Mapping[str, float]) -> list[str]:
    """Name the sites where the other view differs most, in centrality."""
    other = found.other_name
    total = figures[f"hhi_{other}"]
    if found.other is None or math.isnan(total):
        return []
    ours, theirs = table["centrality"].to_numpy(), table[f"centrality_{other}"].to_numpy()
    apart = np.nan_to_num(np.abs(theirs - ours), nan=0.0)
    rows = [int(row) for row in np.argsort(-apart, kind="stable")[:_NAMED] if apart[row] > _NOTHING]
    seen = "By owner" if other == "owner" else "By territory"
    told = f"{seen} it is {total:.4f}"
    if rows:
        few = table.iloc[rows][["name", "country", "owners"]].to_numpy(dtype=object)
        listed = [
            _told_apart(name, country, owners, ours[row], theirs[row])
            for (name, country, owners), row in zip(few, rows, strict=True)
        ]
        told += f"; the two views differ most at {', '.join(listed)}"
    unknown = figures[f"unknown_share_{other}"]
    rest = f" {unknown:.1%} has no known {other} and adds nothing." if unknown > _NOTHING else ""
    return [f"{told}.{rest}"]


def _told_apart(name: str, country: object, owners: object, ours: float, theirs: float) -> str:
    about = [f"in {country}"] if isinstance(country, str) else []
    about += [f"owned {owners}"] if isinstance(owners, str) else []
    where = f" ({', '.join(about)})" if about else ""
    return f"{name}{where} {ours:.4f} against {theirs:.4f}"
