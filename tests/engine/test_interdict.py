"""The worst sets of failures against full enumeration, on maximum flows and on linear programs."""

import functools
import itertools

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.sparse.csgraph import maximum_flow

from supplygraph.engine.attacks.defence import protect
from supplygraph.engine.attacks.oracle import FlowOracle, Shares
from supplygraph.engine.attacks.programs import Parts, ProgramOracle
from supplygraph.engine.attacks.rooms import Rooms
from supplygraph.engine.attacks.search import worst
from supplygraph.engine.linear import Linear

SEEDS = range(60)
KINDS = ("arcs", "groups", "places", "shares")


class Drawn:
    """A random network: parallel arcs, loops, cycles, dead ends, zero and infinite capacities, items of several arcs.

    ``places`` draws sites split in two layers: an item is all copies of a site, its region their vertices.
    """

    def __init__(self, seed, kind):
        rng = np.random.default_rng(seed)
        self.region = self.shares = None
        if kind == "places":
            self._sites(rng)
        else:
            self._plain(rng, kind)
        finite = self.capacity[self.capacity >= 0].sum()
        self.capacity = np.where(self.capacity < 0, finite + 1, self.capacity)
        if kind == "shares":
            count = len(self.arcs)
            high = self.capacity[self.arcs].astype(float)
            factor = rng.choice([0.5, 1.0, 1.0, 1.0, 1.5], len(self.tail))[self.arcs]
            low = np.floor(high * rng.choice([0.0, 0.5, 1.0], len(self.tail))[self.arcs])
            self.shares = Shares(rng.choice([0.1, 0.25, 0.5, 1.0], count), low, high, factor)

    def _plain(self, rng, kind):
        self.size, many = int(rng.integers(4, 8)), int(rng.integers(10, 26))
        self.source, self.sink = 0, self.size - 1
        self.tail, self.head = rng.integers(0, self.size, many), rng.integers(0, self.size, many)
        self.capacity = rng.choice([-1, 0, 1, 2, 3, 5, 8, 20], many)
        count = int(rng.integers(2, 7))
        if kind == "arcs":
            self.arcs = rng.permutation(many)[:count]
            self.ptr = np.arange(len(self.arcs) + 1)
            return
        some = [np.sort(rng.permutation(many)[: rng.integers(0, 4)]) for _ in range(count)]
        self.ptr = np.concatenate([[0], np.cumsum([len(one) for one in some])])
        self.arcs = np.concatenate(some)

    def _sites(self, rng):
        sites, layers = int(rng.integers(3, 7)), 2
        self.size = 2 + 2 * sites * layers
        self.source, self.sink = 0, 1
        entrance = 2 + 2 * np.arange(sites * layers)
        number = np.tile(np.arange(sites), layers)
        tails, heads = [entrance], [entrance + 1]
        for layer in range(layers):  # transport; onward from the first layer; the ends
            ends = entrance[layer * sites + rng.integers(0, sites, (2, 3 * sites))]
            tails.append(ends[0] + 1)
            heads.append(ends[1])
        some = rng.integers(0, sites, (3, 3))
        tails += [entrance[some[0]] + 1, np.zeros(3, dtype=int), entrance[sites + some[2]] + 1]
        heads += [entrance[sites + some[0]], entrance[some[1]], np.ones(3, dtype=int)]
        self.tail, self.head = np.concatenate(tails), np.concatenate(heads)
        self.capacity = rng.choice([-1, -1, 1, 2, 3, 5, 8], len(self.tail))
        item = number % max(2, sites - 1)  # the last sites belong together, like those of a country
        self.arcs = np.argsort(item, kind="stable")
        self.ptr = np.concatenate([[0], np.cumsum(np.bincount(item))])
        self.region = np.concatenate([[-1, -1], np.repeat(item, 2)])

    @property
    def count(self):
        return len(self.ptr) - 1

    def oracle(self):
        return FlowOracle(
            self.size, self.tail, self.head, self.capacity, self.source, self.sink, self.ptr, self.arcs,
            region=self.region, shares=self.shares,
        )  # fmt: skip

    def left(self, removed):
        """Capacities without some items."""
        capacity, item = self.capacity.astype(float), np.repeat(np.arange(self.count), np.diff(self.ptr))
        if self.shares is None:
            capacity[self.arcs[np.isin(item, removed)]] = 0
            return capacity
        for arc in np.unique(self.arcs):
            at = np.flatnonzero(self.arcs == arc)
            lost = min(sum(self.shares.share[k] for k in at if item[k] in removed), 1.0)
            if lost > 0:
                factor = self.shares.factor[at[0]] * (1 - lost)
                base = self.shares.low if factor < 1 else self.shares.high
                capacity[arc] = min(np.floor(base[at[0]] * (1 - lost)), capacity[arc])
        return capacity

    @functools.cached_property
    def losses(self):
        """Every set of up to three items, with its loss by another solver."""
        sets = [s for k in range(4) for s in itertools.combinations(range(self.count), k)]
        most = {s: self._most(self.left(s)) for s in sets}
        return {s: most[()] - most[s] for s in sets}

    def _most(self, capacity):
        graph = coo_array((capacity.astype(np.int32), (self.tail, self.head)), shape=(self.size, self.size)).tocsr()
        graph.sum_duplicates()
        graph.setdiag(0)
        return int(maximum_flow(graph, self.source, self.sink).flow_value)


@functools.cache
def _drawn(seed, kind):
    return Drawn(seed, kind)


def _expected(losses, k, protected=()):
    """The worst set by enumeration: fewest items, then smallest numbers."""
    sets = [s for s in losses if len(s) <= k and not set(s) & set(protected)]
    most = max(losses[s] for s in sets)
    return min((s for s in sets if losses[s] == most), key=lambda s: (len(s), s)), most


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_flows_equal_enumeration(kind, k):
    harm = 0
    for seed in SEEDS:
        drawn = _drawn(seed, kind)
        found = worst(drawn.oracle(), k)
        assert (found.items, found.loss) == _expected(drawn.losses, k), seed
        assert found.proved
        assert found.first
        assert found.bound == found.loss
        harm += found.loss > 0
    assert harm >= 15  # not a test of networks that nothing can harm


@pytest.mark.parametrize("kind", KINDS)
def test_every_delivery_bounds_every_loss(kind):
    """The inequality on which the search rests, for any set removed, any candidates and any room."""
    rng = np.random.default_rng(5)
    sharp = 0
    for seed in SEEDS:
        drawn, oracle = _drawn(seed, kind), _drawn(seed, kind).oracle()
        whole = oracle.deliver(()).amount
        for _ in range(5):
            removed = tuple(np.flatnonzero(rng.random(drawn.count) < 0.3)[:3].tolist())
            free = rng.random(drawn.count) < 0.7
            found = oracle.deliver(removed, free, int(rng.integers(0, 12)))
            base = whole - found.amount
            for items, loss in drawn.losses.items():
                bound = base + sum(found.through[i] for i in items if i not in removed)
                assert loss <= bound, (seed, removed, items)
                sharp += 0 < loss == bound
            assert oracle.deliver(removed).amount == whole - drawn.losses[removed]
    assert sharp > 50


@pytest.mark.parametrize("kind", KINDS)
def test_singles_equal_enumeration(kind):
    for seed in SEEDS[:30]:
        drawn = _drawn(seed, kind)
        for removed in ((), (0,)):
            among = np.arange(len(removed), drawn.count)
            expected = [drawn.losses[(*removed, i)] - drawn.losses[removed] for i in among.tolist()]
            assert drawn.oracle().singles(removed, among).tolist() == expected


@pytest.mark.parametrize("k", [1, 2, 3])
def test_protected_items_do_not_fail(k):
    for seed in SEEDS:
        drawn = _drawn(seed, "groups")
        protected = [seed % drawn.count]
        found = worst(drawn.oracle(), k, protected=protected)
        assert (found.items, found.loss) == _expected(drawn.losses, k, protected)


def test_more_items_than_there_are():
    drawn = _drawn(0, "arcs")
    found = worst(drawn.oracle(), drawn.count + 5)
    everything = drawn._most(drawn.left(tuple(range(drawn.count))))
    assert found.loss == drawn._most(drawn.capacity) - everything
    assert found.proved


def test_order_of_arcs_does_not_matter():
    for seed in SEEDS[:20]:
        drawn = _drawn(seed, "groups")
        order = np.random.default_rng(seed).permutation(len(drawn.tail))
        place = np.argsort(order)
        turned = FlowOracle(
            drawn.size, drawn.tail[order], drawn.head[order], drawn.capacity[order], drawn.source, drawn.sink,
            drawn.ptr, place[drawn.arcs],
        )  # fmt: skip
        assert worst(turned, 2).items == worst(drawn.oracle(), 2).items


def test_shared_knowledge_changes_nothing():
    for seed in SEEDS[:20]:
        drawn, known = _drawn(seed, "groups"), {}
        oracle = drawn.oracle()
        for k in (3, 1, 2):
            assert worst(oracle, k, known=known).items == _expected(drawn.losses, k)[0]
        assert all(loss == drawn.losses[items] for items, loss in known.items())


def layered(seed, wide=12):
    """Mines, two layers of ports that can stand in for one another, factories: no small set stands out."""
    rng = np.random.default_rng(seed)
    entrance = 2 + 2 * np.arange(4 * wide)
    tail, head = [entrance], [entrance + 1]
    for layer in range(3):
        pairs = rng.integers(0, wide, (2, 4 * wide)) + np.array([[layer * wide], [(layer + 1) * wide]])
        tail.append(entrance[pairs[0]] + 1)
        head.append(entrance[pairs[1]])
    tail += [np.zeros(wide, dtype=int), entrance[3 * wide :] + 1]
    head += [entrance[:wide], np.ones(wide, dtype=int)]
    tail, head = np.concatenate(tail), np.concatenate(head)
    capacity = rng.integers(20, 60, len(tail))
    capacity[wide : 3 * wide] += 30
    return FlowOracle(2 + 8 * wide, tail, head, capacity, 0, 1, np.arange(2 * wide + 1), np.arange(wide, 3 * wide))


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_deep_searches_equal_enumeration(seed, k):
    oracle = layered(seed, wide=8 if k == 4 else 10)
    whole = oracle.deliver(()).amount
    sets = [items for size in range(k + 1) for items in itertools.combinations(range(oracle.count), size)]
    losses = {items: whole - oracle.deliver(items).amount for items in sets}
    found = worst(oracle, k)
    assert (found.items, found.loss) == _expected(losses, k)
    assert found.solves > 3


@pytest.mark.parametrize("seed", range(3))
def test_a_time_limit_leaves_a_true_bound(seed):
    oracle = layered(seed)
    settled = worst(oracle, 3)
    hasty = worst(oracle, 3, time_limit=0.0)
    assert settled.proved
    assert not hasty.proved
    assert not hasty.first
    assert hasty.loss <= settled.loss <= hasty.bound
    left = oracle.deliver(hasty.items).amount
    assert hasty.loss == oracle.deliver(()).amount - left
    for item in hasty.items:  # nothing is blamed without cause
        assert oracle.deliver([other for other in hasty.items if other != item]).amount > left


def test_bounds_come_down_to_the_answer():
    seen = []
    oracle = layered(1)
    found = worst(oracle, 3, progress=lambda loss, bound, _: seen.append((loss, bound)))
    losses, bounds = zip(*seen, strict=True)
    assert list(losses) == sorted(losses)
    assert all(loss <= found.loss <= bound for loss, bound in seen)
    assert bounds[0] > bounds[-1] >= found.loss


def test_an_interrupt_leaves_the_oracle_whole():
    oracle = layered(2)
    expected = worst(oracle, 2)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worst(oracle, 2, progress=stop)
    assert worst(oracle, 2) == expected


@pytest.mark.parametrize("whole", [True, False])
def test_rooms_close_in_on_the_least_bound(whole):
    rng = np.random.default_rng(8)
    steps = []
    for _ in range(200):
        most, more = int(rng.integers(5, 10_000)), int(rng.integers(1, 6))
        # What is lost by room c: the most over cuts of what each would let through less; nothing with enough room.
        heights, counts = rng.integers(0, most, 8), rng.integers(1, 12, 8)

        def bound(room, heights=heights, counts=counts, more=more):
            lost = np.maximum((heights - room) * counts, 0)
            at = int(np.argmax(lost))
            return lost[at] + more * room, more - (counts[at] if lost[at] > 0 else 0)

        # The least value is at no room, or where two of the lines meet.
        ends = {0.0, *(float(h) for h in heights)}
        ends |= {
            (heights[a] * counts[a] - heights[b] * counts[b]) / (counts[a] - counts[b])
            for a, b in itertools.combinations(range(8), 2)
            if counts[a] != counts[b]
        }
        corners = {c for end in ends if end >= 0 for c in ((np.floor(end), np.ceil(end)) if whole else (end,))}
        least = min(bound(corner)[0] for corner in corners)
        rooms = Rooms(more, 0, most, whole=whole)
        room, best, floor = rooms.first(int(rng.integers(0, most))), np.inf, 0
        count = 0
        while room is not None and (whole or best - least > 1e-6):
            assert floor <= least + 1e-6
            count += 1
            value, slope = bound(room)
            best = min(best, value)
            room, floor = rooms.next(room, value, slope)
        assert abs(best - least) < 1e-6
        steps.append(count)
    assert np.mean(steps) < 6
    assert max(steps) < 16


class Programs:
    """Random chains as programs: mines, plants of different recoveries, uses; a limit shared by several columns."""

    def __init__(self, seed, *, parts=False):
        rng = np.random.default_rng(seed)
        mines, plants, uses = (int(n) for n in rng.integers(2, 4, 3))
        self.recovery = rng.choice([0.5, 0.75, 0.9, 1.0], plants)
        send = list(itertools.product(range(mines), range(plants)))
        give = list(itertools.product(range(plants), range(uses)))
        self.demand = rng.integers(0, 12, uses).astype(float)
        self.columns = len(send) + len(give) + uses
        room = np.concatenate([rng.integers(0, 12, len(send) + len(give)).astype(float), self.demand])
        matrix, high, low = [], [], []

        def row(entries, least, most):
            line = np.zeros(self.columns)
            for column, value in entries:
                line[column] += value
            matrix.append(line)
            low.append(least)
            high.append(most)

        for plant in range(plants):
            into = [(k, -self.recovery[plant]) for k, (_, p) in enumerate(send) if p == plant]
            row(into + [(len(send) + k, 1.0) for k, (p, _) in enumerate(give) if p == plant], -np.inf, 0.0)
        for use in range(uses):
            taken = [(len(send) + k, 1.0) for k, (_, u) in enumerate(give) if u == use]
            row([*taken, (len(send) + len(give) + use, 1.0)], self.demand[use], self.demand[use])
        some = rng.permutation(len(send) + len(give))[:4]
        row([(int(k), 1.0) for k in some], -np.inf, float(rng.integers(2, 20)))
        cost = np.zeros(self.columns)
        cost[-uses:] = 1.0
        self.linear = Linear(
            cost, np.zeros(self.columns), room, csc_array(np.array(matrix)), np.array(low), np.array(high)
        )
        worth = np.array([self.recovery[p] for _, p in send] + [1.0] * len(give))
        self.sites = [[k for k, (m, _) in enumerate(send) if m == mine] for mine in range(mines)]
        self.sites += [
            [k for k, (_, p) in enumerate(send) if p == plant]
            + [len(send) + k for k, (p, _) in enumerate(give) if p == plant]
            for plant in range(plants)
        ]
        exits = [site if n < mines else [c for c in site if c >= len(send)] for n, site in enumerate(self.sites)]
        self.cover = np.zeros((len(self.sites), self.columns))
        for site, columns in enumerate(exits):
            self.cover[site, columns] = worth[columns]
        self.parts = self._parts(rng, worth, send, uses) if parts else None

    def _parts(self, rng, worth, send, uses):
        """Owners of some columns and of the last use."""
        owners = 4
        pairs = [(o, c) for o in range(owners) for c in rng.permutation(len(send))[:2].tolist()]
        pairs += [(0, self.columns - 1), (1, self.columns - 1)]
        pairs.sort()
        item, column = np.array(pairs).T
        self.sites = [column[item == owner].tolist() for owner in range(owners)]
        high = self.linear.upper[column]
        low = np.floor(high * rng.choice([0.5, 1.0], self.columns)[column])
        factor = rng.choice([0.5, 1.0, 1.5], self.columns)[column]
        shares = Shares(rng.choice([0.25, 0.5, 1.0], len(pairs)), low, high, factor)
        asked = np.where(column == self.columns - 1, self.demand[-1], np.nan)
        each = np.append(worth, np.ones(uses))[column]
        self.cover = np.zeros((owners, self.columns))
        np.add.at(self.cover, (item, column), np.where(np.isnan(asked), 1.0, -1.0) * each * shares.share)
        return Parts(shares, each, asked)

    def oracle(self):
        ptr = np.concatenate([[0], np.cumsum([len(site) for site in self.sites])])
        columns = np.concatenate(self.sites).astype(int)
        return ProgramOracle(self.linear, self.demand.sum(), ptr, columns, csr_array(self.cover), parts=self.parts)

    @functools.cached_property
    def losses(self):
        sets = [s for k in range(4) for s in itertools.combinations(range(len(self.sites)), k)]
        unmet = {s: self._unmet(s) for s in sets}
        return {s: unmet[s] - unmet[()] for s in sets}

    def _unmet(self, removed):
        lower, upper = self.linear.lower.copy(), self.linear.upper.copy()
        if self.parts is None:
            for site in removed:
                upper[self.sites[site]] = 0.0
        else:
            lost = np.zeros(self.columns)
            entry = [(site, column) for site, columns in enumerate(self.sites) for column in columns]
            shares = self.parts.shares
            for k, (site, column) in enumerate(entry):
                lost[column] += shares.share[k] * (site in removed)
            for k, (_, column) in enumerate(entry):
                if lost[column] > 0:
                    part = 1 - min(lost[column], 1.0)
                    left = part * (shares.low if shares.factor[k] * part < 1 else shares.high)[k]
                    if np.isnan(self.parts.asked[k]):
                        upper[column] = min(upper[column], left)
                    else:
                        lower[column] = max(lower[column], self.parts.asked[k] - left)
        dense, low, high = self.linear.matrix.toarray(), self.linear.row_lower, self.linear.row_upper
        found = linprog(
            self.linear.cost, A_ub=np.concatenate([dense, -dense[np.isfinite(low)]]),
            b_ub=np.concatenate([high, -low[np.isfinite(low)]]), bounds=np.stack([lower, upper], axis=1),
        )  # fmt: skip
        assert found.status == 0
        return found.fun


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("parts", [False, True])
def test_programs_equal_enumeration(k, parts):
    harm = 0
    for seed in range(25):
        drawn = Programs(seed, parts=parts)
        if drawn.demand.sum() == 0:
            continue
        oracle = drawn.oracle()
        found = worst(oracle, k)
        sets = [s for s in drawn.losses if len(s) <= k]
        most = max(drawn.losses[s] for s in sets)
        near = 1e-5
        first = min((s for s in sets if drawn.losses[s] >= most - near), key=lambda s: (len(s), s))
        assert found.items == first, seed
        assert abs(found.loss * oracle.unit - most) < near
        assert found.proved
        harm += most > near
    assert harm > 10


@pytest.mark.parametrize("parts", [False, True])
def test_every_solution_bounds_every_loss(parts):
    rng = np.random.default_rng(3)
    sharp = 0
    for seed in range(25):
        drawn = Programs(seed, parts=parts)
        oracle = drawn.oracle()
        whole = oracle.deliver(()).amount
        for _ in range(4):
            removed = tuple(np.flatnonzero(rng.random(oracle.count) < 0.3)[:3].tolist())
            found = oracle.deliver(removed, rng.random(oracle.count) < 0.7, rng.random() * whole)
            for items, loss in drawn.losses.items():
                bound = whole - found.amount + sum(found.through[i] for i in items if i not in removed)
                assert loss <= (bound + oracle.slack) * oracle.unit, (seed, removed, items)
                sharp += loss > 1e-3 and loss > (bound - oracle.slack) * oracle.unit
    assert sharp > 20


def test_a_program_out_of_time():
    oracle = Programs(1).oracle()
    hasty, settled = worst(oracle, 2, time_limit=0.0), worst(oracle, 2)
    assert not hasty.proved
    assert hasty.loss - oracle.slack <= settled.loss <= hasty.bound + oracle.slack


@pytest.mark.parametrize(("k", "j"), [(0, 2), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (9, 2)])
@pytest.mark.parametrize("kind", ["arcs", "groups"])
def test_defences_equal_enumeration(kind, k, j):
    helped = 0
    for seed in SEEDS[:25]:
        drawn = _drawn(seed, kind)
        found = protect(drawn.oracle(), k, j)
        sets = [s for n in range(min(k, drawn.count) + 1) for s in itertools.combinations(range(drawn.count), n)]
        left = {s: _expected(drawn.losses, j, s)[1] for s in sets}
        least = min(left.values())
        first = min((s for s in sets if left[s] == least), key=lambda s: (len(s), s))
        assert (found.items, found.loss, found.bound) == (first, least, least), seed
        assert found.proved
        assert (found.attack.items, found.attack.loss) == _expected(drawn.losses, j, first)
        assert (found.before.items, found.before.loss) == _expected(drawn.losses, j)
        helped += found.loss < found.before.loss
    assert helped >= 8 or not k


def test_defences_on_programs_equal_enumeration():
    helped = 0
    for seed in range(15):
        drawn = Programs(seed)
        if drawn.demand.sum() == 0:
            continue
        oracle = drawn.oracle()
        found = protect(oracle, 1, 2)
        items = range(oracle.count)
        left = {
            s: max(loss for t, loss in drawn.losses.items() if len(t) <= 2 and not set(s) & set(t))
            for s in [(), *((i,) for i in items)]
        }
        assert abs(found.loss * oracle.unit - min(left.values())) < 1e-5
        assert left[found.items] < min(left.values()) + 1e-5
        assert found.proved
        helped += found.loss + 1 < found.before.loss
    assert helped >= 5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("time_limit", [0.0, 0.02])
def test_a_defence_out_of_time_is_honest(seed, time_limit):
    oracle = layered(seed)
    hasty, settled = protect(oracle, 2, 3, time_limit=time_limit), protect(oracle, 2, 3)
    assert settled.proved
    assert hasty.bound <= settled.loss <= hasty.loss
    assert worst(oracle, 3, protected=hasty.items).loss <= hasty.loss
    assert not hasty.proved or hasty.loss == settled.loss
