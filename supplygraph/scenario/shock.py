"""What may go wrong, as a plain value: closures, cuts and export bans."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from supplygraph.errors import DataError, Problem
from supplygraph.scenario import checks
from supplygraph.scenario.clauses import Ban, Clause, Closing
from supplygraph.scenario.resolve import OWNER_SHARE, Resolved, resolve

if TYPE_CHECKING:
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.checks import Names

__all__ = ["OWNER_SHARE", "Resolved", "Shock"]


@dataclass(frozen=True, repr=False, eq=False)
class Shock:
    """A set of closures and bans; add shocks with ``+``, in any order. Frozen and hashable.

    Where closings overlap their factors multiply; export limits all hold at once.

    Examples
    --------
    >>> shock = Shock.close(country="CHN", stage="refining", keep=0.5) + Shock.ban("IDN", stage="mining")
    >>> shock.describe()
    'refining in China at 50 % of today; Indonesia: no exports of mining products'
    >>> Shock.close(country="Kongo", keep=-1)
    Traceback (most recent call last):
    supplygraph.errors.DataError: a shock cannot be read
      - Shock.close(country=): is 'Kongo'; expected an ISO 3166-1 alpha-3 code, such as CHN, COD or NAM. Did you mean
        `COD`?
      - Shock.close(keep=): is -1; expected a number of at least 0. Give 0 to close, 0.5 to halve, 1.2 for 20 % more.
    """

    clauses: tuple[Clause, ...] = ()

    @classmethod
    def close(
        cls,
        *,
        node: Names = None,
        country: Names = None,
        owner: Names = None,
        product: Names = None,
        stage: Names = None,
        passage: Names = None,
        edge: Names = None,
        mineral: Names = None,
        keep: float = 0.0,
    ) -> Shock:
        """Close, or scale, everything that fits all the conditions given.

        Parameters
        ----------
        node, passage, edge
            Ids of sites, straits and edges. A strait that no lane of the network uses is closed without effect.
        country, owner
            ISO alpha-3 codes: where a site stands; who owns at least half of it (``owners.share`` >= 0.5).
        product, stage, mineral
            What is made, or moved. With a place they narrow it: ``country="CHN", stage="refining"`` is
            refining in China and nothing else; a port or strait given by name is closed to these goods only.
        keep
            What remains: 0 closes; below 1 it is a share of *today's flow*, so a halved plant makes half of
            what it makes today and does not ramp up; above 1 it multiplies capacity.

        Notes
        -----
        A stage or a product means the processes that make it. Stock releases and stock builds are closed with
        their site or country, not with a stage. A country alone covers all its sites, ports included.

        Raises
        ------
        DataError
            If nothing is given, ``keep`` is negative or not finite, a code is not ISO 3166-1 alpha-3, or a site
            and a strait are to be one; every problem is listed.

        Examples
        --------
        >>> Shock.close(passage="malacca", product="cobalt-refined", keep=0.5)
        <Shock: cobalt-refined at malacca at 50 % of today>
        """
        problems: list[Problem] = []
        given = {"node": node, "product": product, "stage": stage, "passage": passage, "edge": edge, "mineral": mineral}
        read = {key: checks.names(f"Shock.close({key}=)", value, problems) for key, value in given.items()}
        states = {
            key: checks.codes(f"Shock.close({key}=)", value, problems)
            for key, value in {"country": country, "owner": owner}.items()
        }
        clause = Closing(**read, **states, keep=checks.factor("Shock.close(keep=)", keep, problems))
        conditions = [field.name for field in fields(clause) if field.name != "keep"]
        if not problems and not any(getattr(clause, name) for name in conditions):
            remedy = f"Give at least one of {', '.join(conditions)}."
            problems.append(Problem("Shock.close()", "names nothing", remedy))
        if clause.node and clause.passage:
            what = "names a site and a strait, and nothing is both"
            problems.append(Problem("Shock.close(node=, passage=)", what, "Add two shocks with +."))
        _refuse(problems)
        return cls((clause,))

    @classmethod
    def ban(
        cls,
        country: Names,
        *,
        product: Names = None,
        stage: Names = None,
        mineral: Names = None,
        to: Names = None,
        keep: float | None = None,
        most_t: float | None = None,
    ) -> Shock:
        """Ban, or limit, exports from a country; deliveries at home go on.

        Parameters
        ----------
        country
            ISO alpha-3 codes of the countries that ban.
        product, stage, mineral
            Ids of products, or the stages or minerals whose products are banned; others stay open. None of
            them: everything.
        to
            Countries that get nothing; missing = every other country, the unnamed rest of the world included.
        keep
            Share of today's exports (by product, all plants of the country together) that remains allowed; 0, the
            default, is a ban.
        most_t
            A quota instead: most that may leave, in tonnes of contained metal a year. It belongs to one exporter, one
            product and at most one destination.

        Raises
        ------
        DataError
            If a code is not ISO 3166-1 alpha-3, no country is given, a number is negative or not finite, ``keep``
            and ``most_t`` are both given, a quota has several exporters or destinations, or a country is to ban
            exports to itself; every problem is listed.

        Examples
        --------
        >>> Shock.ban("COD", product="cobalt-mined", most_t=96_600)
        <Shock: DR Congo: exports of cobalt-mined at most 96,600 t a year>
        """
        problems: list[Problem] = []
        clause = Ban(
            checks.codes("Shock.ban(country=)", country, problems),
            checks.names("Shock.ban(product=)", product, problems),
            checks.names("Shock.ban(stage=)", stage, problems),
            checks.names("Shock.ban(mineral=)", mineral, problems),
            to=checks.codes("Shock.ban(to=)", to, problems),
            keep=checks.factor("Shock.ban(keep=)", 0.0 if keep is None else keep, problems),
            most_t=None if most_t is None else checks.tonnes("Shock.ban(most_t=)", most_t, problems),
        )
        problems += _ban_faults(clause, both=keep is not None and most_t is not None)
        _refuse(problems)
        return cls((clause,))

    def __add__(self, other: Shock) -> Shock:
        """Return both shocks together."""
        if not isinstance(other, Shock):
            return NotImplemented
        return Shock(self.clauses + other.clauses)

    def __eq__(self, other: object) -> bool:
        """Tell whether two shocks say the same, in whatever order."""
        return self._ordered() == other._ordered() if isinstance(other, Shock) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._ordered())

    def _ordered(self) -> tuple[Clause, ...]:
        """Return the clauses in an order of their own, so that the order of addition never matters."""
        return tuple(sorted(self.clauses, key=repr))

    def describe(self) -> str:
        """Return the shock in words."""
        return "; ".join(clause.words() for clause in self.clauses) or "no shock"

    def __repr__(self) -> str:
        return f"<Shock: {self.describe()}>"

    def resolve(self, net: SupplyNetwork) -> Resolved:
        """Find what the shock touches in one network.

        Raises
        ------
        UnknownNameError
            If a site, strait, edge, product, stage or mineral does not exist there; all of them are listed. A
            country, or a strait of the bundled sea, that has nothing of the kind there is no error.
        DataError
            If conditions contradict each other there, or a quota does not come down to one product.

        Examples
        --------
        >>> import supplygraph as sg
        >>> found = Shock.ban("COD", stage="mining", most_t=96_600).resolve(sg.load("cobalt"))
        >>> found.bans[["origin_country", "product", "limit_t"]].values.tolist()
        [['COD', 'cobalt-mined', 96600.0]]
        """
        return resolve(net, self._ordered())


def _ban_faults(clause: Ban, *, both: bool) -> list[Problem]:
    problems = []
    if not clause.country:
        what, remedy = "names no country", "Give an ISO alpha-3 code, for example CHN."
        problems.append(Problem("Shock.ban(country=)", what, remedy))
    if both:
        what = "keep= is a share of today, most_t= is tonnes: both are given"
        problems.append(Problem("Shock.ban(keep=, most_t=)", what, "Keep one of them."))
    if clause.most_t is not None and (len(clause.country) > 1 or len(clause.to) > 1):
        what = "a quota belongs to one exporter and at most one destination"
        problems.append(Problem("Shock.ban(most_t=)", what, "Add one shock for each with +."))
    if len(clause.country) == 1 and clause.country == clause.to:
        what = f"{clause.country[0]} cannot ban exports to itself"
        problems.append(Problem("Shock.ban(to=)", what, "Close a stage there instead."))
    return problems


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise DataError("a shock cannot be read", problems)
