"""Do the intervals hold? Known figures are hidden, flows estimated without them, and draws compared with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.network import formats
from supplygraph.network.network import SupplyNetwork
from supplygraph.world import chains, knowledge, trade
from supplygraph.world.build import build_bundled
from supplygraph.world.drawing import NOISE, Drawing, Noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplygraph.world.build import Built
    from supplygraph.world.shipping import Lane

#: A tenth of the known figures is hidden at a time.
FOLDS = 10
LOW, HIGH = 0.05, 0.95
COLUMNS = (
    "mineral", "product", "kind", "origin", "destination", "known_t", "confidence", "central_t", "low_t", "high_t",
    "covered", "reference",
)  # fmt: skip


@dataclass(frozen=True)
class Hidden:
    """A network that was estimated without some figures, and these figures.

    Attributes
    ----------
    network
        The network.
    figures
        Columns product, kind (``customs``: tonnes between two countries; ``link``: between two processes), origin,
        destination, known_t, confidence, reference.
    """

    network: SupplyNetwork
    figures: pd.DataFrame


def hide(made: Built, folds: int = FOLDS) -> Iterator[Hidden]:
    """Hide a part of the known figures at a time and estimate the flows again.

    Parameters
    ----------
    made
        A network as it was built.
    folds
        How many parts; fewer where fewer figures are known.

    Notes
    -----
    Known are the customs records that the estimate took in (a record larger than what the statistics leave is none),
    at the tonnes they imply, and published tonnages of links. Each is hidden once.
    """
    proposed = {lane.product: _proposed(lane) for lane in made.lanes}
    known = _known(made, proposed)
    count = min(folds, len(known))
    for number in range(count):
        figures = known[np.arange(len(known)) % count == number].reset_index(drop=True)
        parts = [_without(lane, proposed[lane.product], figures) for lane in made.lanes]
        yield Hidden(_shipped(made.network, pd.concat(parts, ignore_index=True), figures), figures)


def _proposed(lane: Lane) -> pd.DataFrame:
    return trade.proposed(
        lane.mineral, lane.product, lane.origins, lane.destinations, cost=lane.cost, **lane.given
    ).assign(product=lane.product)


def _known(made: Built, proposed: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the known figures, of each product the largest first, so that each part holds large and small ones."""
    customs = pd.concat([pd.DataFrame(columns=[*trade.BANDS, "product"]), *proposed.values()], ignore_index=True)
    taken = pd.DataFrame(made.network.meta["bands"], columns=["product", "exporter", "importer"])
    customs = customs.merge(taken, on=["product", "exporter", "importer"])
    customs = customs.rename(columns={"exporter": "origin", "importer": "destination"})
    customs["known_t"] = (customs["low_t"] + customs["high_t"]) / 2
    links = made.report[made.report["kind"].eq("link") & made.report["verdict"].eq("fixed")]
    links = links.rename(columns={"low_t": "known_t"}).assign(confidence="high", kind="link")
    columns = ["product", "kind", "origin", "destination", "known_t", "confidence", "reference"]
    both = [customs.assign(kind="customs")[columns], links[columns]]
    known = pd.concat([part for part in both if len(part)] or [both[0]], ignore_index=True)
    known["known_t"] = known["known_t"].astype(float).round(3)
    return known.sort_values(
        ["product", "kind", "known_t", "origin", "destination"], ascending=[True, True, False, True, True],
        ignore_index=True,
    )  # fmt: skip


def _without(lane: Lane, proposed: pd.DataFrame, figures: pd.DataFrame) -> pd.DataFrame:
    """Return the shipments of a product as they are estimated without some figures."""
    mine = figures[figures["product"] == lane.product]
    gone = {kind: set(zip(rows["origin"], rows["destination"], strict=True)) for kind, rows in mine.groupby("kind")}
    pairs = list(zip(proposed["exporter"], proposed["importer"], strict=True))
    bands = proposed[[pair not in gone.get("customs", set()) for pair in pairs]].reset_index(drop=True)
    links = lane.given["links"]
    pairs = list(zip(links["origin"], links["destination"], strict=True))
    silent = np.array([pair in gone.get("link", set()) for pair in pairs], dtype=bool)
    links = links.assign(flow_t=links["flow_t"].where(~silent)) if len(links) else links
    found = trade.without(
        lane.mineral, lane.product, lane.origins, lane.destinations,
        cost=lane.cost, bands=bands, **{**lane.given, "links": links},
    )  # fmt: skip
    return lane.shipments(found)


def _shipped(net: SupplyNetwork, shipments: pd.DataFrame, figures: pd.DataFrame) -> SupplyNetwork:
    """Return a network with other shipments, that does not know the hidden figures."""
    hidden = set(figures[["product", "origin", "destination"]].itertuples(index=False, name=None))
    meta = net.meta
    meta["bands"] = [row for row in meta["bands"] if (row["product"], row["exporter"], row["importer"]) not in hidden]
    return SupplyNetwork(
        nodes=net.nodes, owners=net.owners, processes=net.processes, edges=net.edges, shipments=shipments,
        products=net.products, countries=net.countries, references=net.references, meta=meta,
    )  # fmt: skip


def calibrate(made: Built, *, n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Hide a tenth of the known figures at a time, and say how each compares with its interval; see `judge`."""
    parts = [judge(hidden, n=n, seed=seed) for hidden in hide(made)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["mineral", "product", "kind", "origin", "destination"], ignore_index=True)


def write_calibration(out: str | Path, *, progress: bool = False) -> pd.DataFrame:
    """Calibrate every bundled mineral and write ``calibration.csv`` beside the networks.

    Parameters
    ----------
    out
        Folder of the networks.
    progress
        Show a bar on stderr.

    Returns
    -------
    pandas.DataFrame
        One row per hidden figure, as `judge` tells it.
    """
    from tqdm.auto import tqdm

    minerals = tqdm(chains.minerals(), disable=not progress, desc="calibration", unit="mineral")
    tables = [calibrate(build_bundled(mineral)) for mineral in minerals]
    table = pd.concat([part for part in tables if len(part)], ignore_index=True)
    formats.write_tables({"calibration": table}, Path(out))
    return table


def coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often intervals hold, by product and over all.

    Returns
    -------
    pandas.DataFrame
        ``product`` (``all`` last), ``figures`` (hidden), ``covered``, ``share``, ``by_tonnes`` (the same, weighted),
        ``too_low`` and ``too_high`` (figures above, and below, their interval), ``no_flow`` (pairs that the
        estimate gives nothing), ``median_width`` (upper over lower bound, of pairs with a flow).
    """
    rows = []
    for product, part in [*table.groupby("product", sort=True), ("all", table)]:
        flows = part[part["central_t"] > 0]
        width = flows["high_t"] / flows["low_t"].clip(lower=1e-3 * flows["known_t"])
        rows.append(
            {
                "product": product,
                "figures": len(part),
                "covered": int(part["covered"].sum()),
                "share": float(part["covered"].mean()),
                "by_tonnes": float(part.loc[part["covered"], "known_t"].sum() / part["known_t"].sum()),
                "too_low": int((part["known_t"] > part["high_t"]).sum()),
                "too_high": int((part["known_t"] < part["low_t"]).sum()),
                "no_flow": len(part) - len(flows),
                "median_width": float(width.median()),
            }
        )
    return pd.DataFrame(rows)


def judge(hidden: Hidden, *, n: int = 200, seed: int = 0, noise: Noise = NOISE) -> pd.DataFrame:
    """Draw a network and compare the intervals of what was hidden with what is known.

    Returns
    -------
    pandas.DataFrame
        The figures, with ``central_t`` (estimated without them), ``low_t``, ``high_t`` (5 and 95 % of the draws) and
        ``covered``.
    """
    drawing = Drawing(hidden.network, noise)
    pairs, figures = drawing.pairs, hidden.figures
    member, group = _cells(pairs, figures)

    def summed(flow: Any) -> Any:
        return np.bincount(group, weights=flow[member], minlength=len(figures))

    rows = []
    for number in range(n):
        flow, _ = drawing.numbers(seed, number)
        rows.append(summed(np.bincount(pairs.of_shipment, weights=flow, minlength=len(pairs.flow))))
    low, high = np.round(np.quantile(np.stack(rows), [LOW, HIGH], axis=0), 3)
    known = figures["known_t"].to_numpy(dtype=float)
    minerals = hidden.network.products["mineral"].reindex(figures["product"]).to_numpy()
    covered = (low <= known) & (known <= high)
    central = np.round(summed(pairs.flow), 3)
    table = figures.assign(mineral=minerals, central_t=central, low_t=low, high_t=high, covered=covered)
    return table[list(COLUMNS)]


def _cells(pairs: knowledge.Pairs, figures: pd.DataFrame) -> tuple[Any, Any]:
    """Return which pairs make up each figure."""
    member: list[int] = []
    group: list[int] = []
    for number, row in enumerate(figures.to_dict("records")):
        if row["kind"] == "customs":
            found = knowledge.between(pairs, row["product"], row["origin"], row["destination"])
        else:
            keys = pairs.keys
            found = np.flatnonzero(keys["origin"].eq(row["origin"]) & keys["destination"].eq(row["destination"]))
        member += found.tolist()
        group += [number] * len(found)
    return np.array(member, dtype=np.int64), np.array(group, dtype=np.int64)
