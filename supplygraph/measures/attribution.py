"""What a centrality is made of: the shares of the sites of a stage in final demand, seen by territory and by owner."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph import facts
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import kinship, stages, tracing
from supplygraph.measures.kinship import Kinship, Stakes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.kinship import Kernel, Scores
    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


#: Suppliers without a number that are named at most.
_NAMED = 5


@dataclass(frozen=True, eq=False)
class View:
    """The concentration of some shares of sites, with one kernel.

    Attributes
    ----------
    kin
        Who stands behind the sites, and how alike they are.
    share
        Shares of the sites; they sum to 1.
    """

    kin: Kinship
    share: Floats

    @cached_property
    def by_label(self) -> Floats:
        """Share of each label."""
        return self.kin.shares(self.share)

    @cached_property
    def ordinary(self) -> Floats:
        """Per site ``(K s)``; what is unknown adds nothing."""
        return self.kin.ordinary(self.by_label)

    @cached_property
    def doubtful(self) -> Bools:
        """Per site, whether the kernel lacks a number for who stands behind it."""
        return self.kin.doubtful(self.by_label)

    @cached_property
    def lacking(self) -> pd.Index:
        """Labels with a share that the kernel lacks a number for."""
        return self.kin.stakes.labels[self.kin.lacking(self.by_label)]

    @cached_property
    def known_total(self) -> float:
        """``s'K s`` of what the kernel has numbers for."""
        return math.fsum(self.by_label * self.kin.kin(self.by_label))

    @property
    def total(self) -> float:
        """``s'K s``; missing where the kernel lacks a number."""
        return math.nan if len(self.lacking) else self.known_total

    @property
    def unknown(self) -> float:
        """Share behind which nobody is named."""
        return max(0.0, 1.0 - math.fsum(self.by_label))

    @property
    def high(self) -> float:
        """The total if the whole unknown rest were one place, unlike all named ones and as heavy as the heaviest."""
        return self.total + self.kin.heaviest * self.unknown**2

    @cached_property
    def ordinary_high(self) -> Floats:
        """Per site ``(K s)`` if the unknown rest were one place."""
        return self.ordinary + (1.0 - self.kin.stakes.known) * self.unknown * self.kin.heaviest

    @property
    def effective_n(self) -> float:
        """Effective number of independent suppliers, ``1 / s'K s``."""
        return 1.0 / self.total if self.total != 0 else math.inf


@dataclass(frozen=True, eq=False)
class Attribution:
    """The sites of a stage, what of final demand each refined last, and who stands behind them.

    Attributes
    ----------
    net, traced
        The network and the backward walk.
    stage, by, kernel, blocs
        As they were asked for.
    inside
        Per process, whether it belongs to the stage.
    sites
        Positions of the nodes of the stage.
    site
        Per process, the position among ``sites``; -1 outside the stage.
    tonnes
        Final demand by the site of its last crossing.
    main, side
        The kernel as it was asked for, and the other view: of owners beside territory, or the other way round.
    """

    net: SupplyNetwork
    traced: tracing.Trace
    stage: str
    by: str
    kernel: str
    blocs: Blocs | None
    inside: Bools
    sites: Ints
    site: Ints
    tonnes: Floats
    main: Kinship
    side: Kinship | None

    @classmethod
    def of(
        cls, net: SupplyNetwork, *, stage: str, by: str, kernel: Kernel | None, blocs: Blocs | None,
        wgi: Scores, t: Scores,
    ) -> Attribution:  # fmt: skip
        """Check the options of :func:`~supplygraph.measures.centrality.refining_centrality` and trace demand.

        Raises
        ------
        UnknownNameError, DataError
            As told there.
        """
        chosen: Kernel = "same" if kernel is None else kernel
        _check(by, chosen, blocs, weights_given=wgi is not None or t is not None)
        inside = stages.in_stage(net, stage).to_numpy(dtype=np.bool_)
        weight = None
        if isinstance(chosen, str) and chosen == "wgi":
            weight = kinship.weights(wgi, t, str(net.processes["mineral"].to_numpy()[inside][0]), stage)
        traced = tracing.trace(net)
        last = traced.last(inside)
        sites, place = np.unique(traced.node[inside], return_inverse=True)
        site = np.full(len(inside), -1)
        site[inside] = place
        tonnes = np.bincount(place, last[inside], len(sites)).astype(np.float64)
        if not math.fsum(tonnes) > 0:
            problem = Problem("shipments", f"no demand crosses the stage {stage!r}.", "Ask for another stage.")
            raise DataError("nothing to attribute", [problem])
        main, side = _views(net, sites, tonnes, by, chosen, blocs, weight)
        if not (main.shares(tonnes) > 0).any():
            problem = Problem(f"by={by!r}", "nobody is named behind any tonne.", "Ask by another grouping.")
            raise DataError("nothing to attribute", [problem])
        name = chosen if isinstance(chosen, str) else "matrix"
        return cls(net, traced, stage, by, name, blocs, inside, sites, site, tonnes, main, side)

    @cached_property
    def crossed_t(self) -> float:
        """Final demand that crossed the stage."""
        return math.fsum(self.tonnes)

    @cached_property
    def view(self) -> View:
        """All final demand, as it was asked for."""
        return View(self.main, self.tonnes / self.crossed_t)

    @cached_property
    def other(self) -> View | None:
        """All final demand, in the other view."""
        return None if self.side is None else View(self.side, self.tonnes / self.crossed_t)

    @property
    def by_site(self) -> bool:
        """Whether each site stands for itself."""
        return self.side is None

    @property
    def uncrossed(self) -> float:
        """Share of final demand that crossed no process of the stage."""
        return max(0.0, 1.0 - self.crossed_t / math.fsum(self.traced.demand))

    @property
    def mineral(self) -> str:
        """The mineral, in words."""
        minerals = self.net.processes["mineral"].to_numpy()[self.inside]
        return ", ".join(sorted(set(minerals))).replace("_", " ")

    @property
    def share_columns(self) -> tuple[str, str]:
        """Names of the columns with ``(K s)``: as asked for, and in the other view."""
        if self.kernel != "same":
            return "ordinariness", f"ordinariness_{self.other_name}"
        return {
            "country": ("country_share", "owner_share"), "owner": ("owner_share", "country_share"),
        }.get(self.by, ("bloc_share", "owner_bloc_share"))  # fmt: skip

    @property
    def other_name(self) -> str:
        """What the other view is called in names of columns and figures."""
        return "country" if self.by == "owner" else "owner"

    def figures(self) -> dict[str, float]:
        """Return the named figures."""
        view, other = self.view, self.other
        found = {
            "hhi": view.total, "hhi_low": view.total, "hhi_high": view.high, "effective_n": view.effective_n,
            "unknown_share": view.unknown, "uncrossed_share": self.uncrossed,
        }  # fmt: skip
        name = self.other_name
        found[f"hhi_{name}"] = math.nan if other is None else other.total
        found[f"hhi_{name}_high"] = math.nan if other is None else other.high
        found[f"unknown_share_{name}"] = math.nan if other is None else other.unknown
        return found

    def missing_words(self) -> list[str]:
        """Say which numbers a kernel lacks, and what is missing for that."""
        told = []
        for view, what in ((self.view, "the total"), (self.other, f"the view by {self.other_name}")):
            if view is not None and len(view.lacking):
                what_for = "no governance score or trade parameter" if self.kernel == "wgi" else "no row in the kernel"
                named = stages.told(view.lacking[:_NAMED], stages.names(self.net, "country"))
                named += [f"{len(view.lacking) - _NAMED} more"] if len(view.lacking) > _NAMED else []
                share = math.fsum(view.by_label[view.kin.stakes.labels.isin(view.lacking)])
                told.append(
                    f"There is {what_for} for {', '.join(named)} ({share:.1%} of the stage), so {what} is missing; "
                    f"give it to have one."
                )
        return told


def _check(by: str, kernel: object, blocs: Blocs | None, *, weights_given: bool) -> None:
    if by not in kinship.GROUPINGS:
        raise UnknownNameError.of("grouping", by, kinship.GROUPINGS)
    if isinstance(kernel, str):
        if kernel not in kinship.KERNELS:
            raise UnknownNameError.of("kernel", kernel, kinship.KERNELS)
    elif not isinstance(kernel, pd.DataFrame):
        what = f"is {type(kernel).__name__}; expected a name or a pandas DataFrame"
        problem = Problem("kernel", what, "Give a square frame with the same labels on both sides.")
        raise DataError("no kernel", [problem])
    is_wgi = isinstance(kernel, str) and kernel == "wgi"
    problems = []
    if (by == "bloc") != (blocs is not None):
        said = "not given, but by='bloc'" if by == "bloc" else f"given, but by={by!r}"
        problems.append(Problem("blocs", said, 'Give by="bloc" with blocs={"DEU": "EU", ...} or blocs=sg.forge(...).'))
    if weights_given and not is_wgi:
        problems.append(Problem("wgi, t", "given, but the kernel does not weigh", 'Give kernel="wgi" as well.'))
    if is_wgi and by == "bloc":
        problems.append(Problem("kernel", "is 'wgi', but blocs have no governance score", 'Use by="country".'))
    if problems:
        raise DataError("these options do not go together", problems)


def _views(
    net: SupplyNetwork, sites: Ints, tonnes: Floats, by: str, kernel: Kernel, blocs: Blocs | None,
    weight: tuple[pd.Series, float] | None,
) -> tuple[Kinship, Kinship | None]:  # fmt: skip
    """Return the kernel on the sites of the stage, in the view asked for and in the other one."""
    if isinstance(kernel, pd.DataFrame) and kinship.is_by_site(kernel, net):
        return _by_site(net, sites, tonnes, kernel), None
    ours, theirs = (kinship.stakes(net, sites, by, blocs, owners=owners) for owners in (by == "owner", by != "owner"))
    if isinstance(kernel, pd.DataFrame):
        needed = ours.labels[ours.held.T @ tonnes > 0]
        if by == "bloc":
            known, what = ours.labels.union(theirs.labels).union(_of_blocs(blocs)), "bloc"
        else:
            known, what = pd.Index(facts.read("facts/countries.csv")["country"]).union(ours.labels), "country"
        kernel = kinship.check_matrix(kernel, known, needed, what)
    return kinship.kinship(ours, kernel, weight), kinship.kinship(theirs, kernel, weight)


def _of_blocs(blocs: Blocs | None) -> pd.Index:
    from supplygraph.scenario.alignment import TIERS, Alignment

    return pd.Index(TIERS if isinstance(blocs, Alignment) else sorted(set((blocs or {}).values())), dtype="str")


def _by_site(net: SupplyNetwork, sites: Ints, tonnes: Floats, kernel: pd.DataFrame) -> Kinship:
    """Each site stands for itself; an unnamed rest without a row of its own is not known."""
    ids = net.nodes.index[sites]
    rest = net.nodes["status"].eq("residual").fillna(value=False).to_numpy(dtype=np.bool_)[sites]
    needed = ids[(tonnes > 0) & ~rest]
    kernel = kinship.check_matrix(kernel, pd.Index(net.nodes.index), needed, "site")
    held = np.diag(ids.isin(kernel.index).astype(float))
    return kinship.kinship(Stakes(ids, held), kernel, None)
