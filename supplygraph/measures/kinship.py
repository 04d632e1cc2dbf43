"""Kinship: how alike two suppliers are, for concentration that is attributed to sites.

Behind a site stand labels (the country it is in, those of its owners, a bloc, or itself) with stakes ``W``, and between
labels lies a kernel ``G``, symmetric and nowhere negative: 1 for the same label (default), the governance weight of
a country with itself, or a matrix of the caller's. Sites are then alike by ``K = W G W'``, and with the shares s of the
sites and ``S = W's`` of the labels ``s'K s = S'G S``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import governance, stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    #: Numbers by country, True for the bundled ones.
    Scores = pd.Series | Mapping[str, float] | bool | None

GROUPINGS = ("country", "owner", "bloc")
KERNELS = ("same", "wgi")
#: A kernel as it is given: its name, or a matrix of the caller's.
Kernel = str | pd.DataFrame
#: Two entries of a matrix are the same number up to this share.
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class Stakes:
    """Who stands behind some sites: ``held[site, label]`` in 0 to 1; what is missing to 1 is not known."""

    labels: pd.Index
    held: Floats

    @property
    def known(self) -> Floats:
        """Per site, the part of it that somebody is named for."""
        found: Floats = np.minimum(self.held.sum(axis=1), 1.0)
        return found


@dataclass(frozen=True, eq=False)
class Kinship:
    """Stakes in sites, and how alike their holders are.

    Attributes
    ----------
    stakes
        Who stands behind each site.
    likeness
        None (alike where the same), a weight per label (alike with itself only), or a matrix over labels. Missing
        (NaN) where it is not known.
    heaviest
        The most that one place can be like itself: what the unknown rest may be at worst.
    """

    stakes: Stakes
    likeness: Floats | None
    heaviest: float

    def shares(self, of_sites: Floats) -> Floats:
        """Turn shares of sites (rows; one or more columns) into shares of labels."""
        found: Floats = self.stakes.held.T @ of_sites
        return found

    def kin(self, of_labels: Floats) -> Floats:
        """Return ``G S``: how common what is like each label is. What is missing counts as nothing here."""
        if self.likeness is None:
            return of_labels
        likeness = np.nan_to_num(self.likeness, nan=0.0)
        found: Floats = (likeness * of_labels.T).T if likeness.ndim == 1 else likeness @ of_labels
        return found

    def lacking(self, of_labels: Floats) -> NDArray[np.bool_]:
        """Tell which labels with a share have an unknown likeness."""
        if self.likeness is None:
            return np.zeros(len(of_labels), dtype=np.bool_)
        unknown = np.isnan(self.likeness)
        return (unknown if unknown.ndim == 1 else unknown.any(axis=1)) & (of_labels > 0)

    def ordinary(self, of_labels: Floats) -> Floats:
        """Return ``K s`` per site: the chance that another tonne is like one from here (times what that weighs)."""
        found: Floats = self.stakes.held @ self.kin(of_labels)
        return found

    def doubtful(self, of_labels: Floats) -> NDArray[np.bool_]:
        """Tell for which sites the kernel lacks a number."""
        return np.asarray((self.stakes.held[:, self.lacking(of_labels)] > 0).any(axis=1))


def stakes(net: SupplyNetwork, sites: Ints, by: str, blocs: Blocs | None, *, owners: bool) -> Stakes:
    """Return who stands behind some sites.

    Parameters
    ----------
    net, sites
        The network and positions of nodes.
    by, blocs
        ``"bloc"`` (see :func:`supplygraph.measures.stages.bloc_of`), else countries.
    owners
        The owners' countries instead of the country where a site stands.
    """
    nodes = net.nodes
    if owners:
        table = net.owners
        place = np.full(len(nodes), -1)
        place[sites] = np.arange(len(sites))
        row = place[nodes.index.get_indexer(pd.Index(table["node"]))]
        kept = np.flatnonzero(row >= 0)
        row, label = row[kept], table["owner"].array.take(kept)
        share = table["share"].to_numpy(dtype=float)[kept]
    else:
        country = nodes["country"].array.take(sites)
        row = np.flatnonzero(~country.isna())
        label, share = country.take(row), np.ones(len(row))
    if by == "bloc":
        row, label, share = _in_blocs(row, label, share, blocs)
    code, labels = pd.factorize(label, sort=True)
    held = np.zeros((len(sites), len(labels)))
    np.add.at(held, (row, code), share)
    return Stakes(pd.Index(labels, dtype="str"), held)


def _in_blocs(row: Ints, label: Any, share: Floats, blocs: Blocs | None) -> tuple[Ints, Any, Floats]:
    if blocs is None:
        remedy = 'Give by="bloc" with blocs={"DEU": "EU", ...} or blocs=sg.forge(as_of=...).'
        raise DataError("no blocs to group by", [Problem("blocs", "not given, but by='bloc'.", remedy)])
    of = stages.bloc_of(sorted(set(label)), blocs)
    known = np.array([code in of for code in label], dtype=np.bool_)
    return row[known], pd.array([of[code] for code in label[known]], dtype="str"), share[known]


def weights(wgi: Scores, t: Scores, mineral: str, stage: str) -> tuple[pd.Series, float]:
    """Return ``WGI'_c t_c`` by country and the worst it can be, ``WGI' = 2 (2.5 - mean of six)``: 0 (best) to 10.

    Parameters
    ----------
    wgi
        Mean of the six World Governance Indicators by country, about -2.5 to 2.5 (high = good); None or True: the
        bundled ones, see :func:`supplygraph.measures.governance.wgi_by_country`.
    t
        Trade parameter by country: 1 = no restriction, above 1 = exports are restricted; of a country not named it
        is missing. None: 1 everywhere. True: that of the EU study for the mineral and stage, missing where it has
        not studied them.

    Raises
    ------
    DataError
        With every entry that cannot be right.

    Examples
    --------
    >>> weight, worst = weights({"CHN": -0.5, "FIN": 1.5}, {"CHN": 1.25, "FIN": 1.0}, "cobalt", "refining")
    >>> weight.to_dict(), worst
    ({'CHN': 7.5, 'FIN': 2.0}, 12.5)
    """
    if wgi is None or isinstance(wgi, bool):
        score = pd.Series(dict(governance.wgi_by_country()), dtype=float)
    else:
        score = pd.Series(governance.given_wgi(wgi), dtype=float)
        _refuse_unknown(score.index, "wgi")
    means = np.asarray(score, dtype=np.float64)
    scaled = pd.Series(np.maximum(governance.scaled(means), 0.0), index=score.index)
    if t is None or t is False:
        return scaled, governance.WORST
    if t is True:
        studied = governance.trade_parameter(mineral, stage)
        if studied is None:
            return scaled * np.nan, np.nan
        factor = np.array([studied.of(str(country))[0] for country in scaled.index])
        return scaled * factor, governance.WORST * studied.highest
    given = governance.given_t(t)
    _refuse_unknown(pd.Index(given), "t")
    worst = governance.WORST * max(given.values(), default=1.0)
    return scaled * pd.Series(given, dtype=float).reindex(scaled.index), worst


def _refuse_unknown(codes: pd.Index, what: str) -> None:
    known = frozenset(facts.read("facts/countries.csv")["country"])
    problems = [
        Problem(f"{what}[{code!r}]", str(UnknownNameError.of("country", code, known)), "Use alpha-3 codes.")
        for code in codes if code not in known
    ]  # fmt: skip
    if problems:
        raise DataError("these weights cannot be right", problems)


def kinship(of: Stakes, kernel: Kernel, weight: tuple[pd.Series, float] | None) -> Kinship:
    """Bring a kernel to the labels of some stakes; what it lacks is missing."""
    if isinstance(kernel, pd.DataFrame):
        matrix = kernel.reindex(index=of.labels, columns=of.labels).to_numpy(dtype=float)
        return Kinship(of, matrix, float(np.diag(kernel.to_numpy(dtype=float)).max(initial=0.0)))
    if weight is None:
        return Kinship(of, None, 1.0)
    return Kinship(of, weight[0].reindex(of.labels).to_numpy(dtype=float), weight[1])


def is_by_site(kernel: Kernel, net: SupplyNetwork) -> bool:
    """Tell whether a matrix is over sites rather than over countries (blocs): most of its labels are sites."""
    if not isinstance(kernel, pd.DataFrame):
        return False
    return 2 * int(kernel.index.isin(net.nodes.index).sum()) > len(kernel.index)


def check_matrix(kernel: pd.DataFrame, known: pd.Index, needed: pd.Index, what: str) -> pd.DataFrame:
    """Return a kernel that can be used, rows and columns in the same order.

    Parameters
    ----------
    kernel
        The caller's matrix.
    known
        All labels there are.
    needed
        Labels that have a share, and so need a row.
    what
        What a label is, in words.

    Raises
    ------
    DataError
        With every problem: labels that are unknown, stand twice, are missing or differ between rows and columns;
        entries that are missing, no numbers, infinite, negative or not symmetric.
    """
    problems = [
        Problem(f"kernel {side} {label!r}", "stands twice.", "Give each label once.")
        for side, labels in (("row", kernel.index), ("column", kernel.columns))
        for label in labels[labels.duplicated()].unique()
    ]
    rows, columns = kernel.index.unique(), kernel.columns.unique()
    problems += [
        Problem(f"kernel row {label!r}", str(UnknownNameError.of(what, label, known)), "Correct or drop it.")
        for label in rows.difference(known)
    ]
    for have, lack, side in ((rows, columns, "column"), (columns, rows, "row")):
        problems += [
            Problem(f"kernel {side} {label!r}", "is not there.", "Rows and columns need the same labels.")
            for label in have.difference(lack)
        ]
    problems += [
        Problem(f"kernel row {label!r}", f"is not there, but the {what} has a share.", "Give a row and a column.")
        for label in needed.difference(rows)
    ]
    if not problems:
        kernel = kernel.loc[rows, rows]
        problems = _entries(kernel)
    if problems:
        raise DataError("this kernel cannot be used", problems)
    return kernel.astype(float)


def _entries(kernel: pd.DataFrame) -> list[Problem]:
    labels = kernel.index
    values = kernel.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = ~(np.isfinite(values) & (values >= 0))
    problems = [
        Problem(f"kernel[{labels[i]!r}, {labels[j]!r}]",
                f"is {kernel.iloc[i, j]!r}; expected a finite number, 0 or more", "0 = nothing in common.")
        for i, j in zip(*np.nonzero(wrong), strict=True)
    ]  # fmt: skip
    values = np.where(wrong, 0.0, values)
    uneven = ~wrong & ~wrong.T & (np.abs(values - values.T) > _SAME * np.maximum(values, values.T))
    problems += [
        Problem(f"kernel[{labels[i]!r}, {labels[j]!r}]",
                f"is {values[i, j]:g}, but the other way round {values[j, i]:g}; expected a symmetric matrix",
                "If a is like b, b is as like a.")
        for i, j in zip(*np.nonzero(np.triu(uneven)), strict=True)
    ]  # fmt: skip
    return problems
