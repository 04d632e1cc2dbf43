"""Price equilibria: every mineral, a sweep of 50 floors warm against cold, and a quadratic program as the peer.

Run with ``python tests/bench/bench_price_floors.py``; prints times and ratios of one run. Nothing is asserted but that
answers agree. The peer is HiGHS on the same market under specific tariffs, the only case that is a quadratic program:
levies and duties in proportion are none.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

import supplygraph as sg
from supplygraph.response.prices import market, model, policy

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "response" / "prices")]
LEVELS = 50
ZONE = (sg.forge(), "linked")
PEERS = ("magnet_rare_earths", "cobalt", "copper")


def timed(call, repeat=1):
    best = np.inf
    for _ in range(repeat):
        start = time.perf_counter()
        found = call()
        best = min(best, time.perf_counter() - start)
    return best, found


def say(words):
    print(words, flush=True)  # noqa: T201


def main():
    say("mineral, markets, activities: free equilibrium, under a floor 20 % up, all of sg.equilibrium(draws=40)")
    for mineral in sorted(sg.datasets()["mineral"].unique()):
        net = sg.load(mineral)
        asked = ask(net)
        product, price = last(net)
        floor = sg.PriceFloor(product, 1.2 * price, ZONE)
        under = policy.read(asked.base, (floor,))
        layout = market.build(asked.fitted, under)
        free, _ = timed(lambda asked=asked: asked.under(policy.nothing(asked.base)))
        taxed, _ = timed(lambda asked=asked, under=under: asked.under(under))
        whole, _ = timed(lambda net=net, floor=floor: sg.equilibrium(net, floor))
        say(f"{mineral:20s} {layout.market.markets:4d} {layout.market.activities:5d}: "
              f"{free:6.3f} s {taxed:6.3f} s {whole:6.2f} s")
    for mineral in PEERS:
        sweep(mineral)
        peer(mineral)


def ask(net):
    return model.model(net, run="long", prices=None, elasticities=None, costs=None, projects=None, relink_usd_t=300.0)


def last(net):
    """Return the last product of the chain that has a price, and its price."""
    priced = net.products[net.products["price_usd_t"].notna()]
    product = str(priced["order"].astype(float).idxmax())
    return product, float(priced.loc[product, "price_usd_t"])


def sweep(mineral):
    net = sg.load(mineral)
    asked = ask(net)
    product, price = last(net)
    policies = [policy.read(asked.base, (sg.PriceFloor(product, level, ZONE),))
                for level in np.linspace(price, 1.6 * price, LEVELS)]  # fmt: skip

    def warm():
        states = []
        for one in policies:
            states.append(asked.under(one, states[-1] if states else None))
        return states

    hot, following = timed(warm)
    cold, alone = timed(lambda: [asked.under(one) for one in policies])
    worst = max(np.abs(one.made - other.made).max() for one, other in zip(following, alone, strict=True))
    steps = [sum(state.found.iterations for state in states) for states in (following, alone)]
    say(f"{mineral}: {LEVELS} floors warm {hot:.2f} s, cold {cold:.2f} s, ratio {cold / hot:.1f}; systems "
          f"{steps[0]} and {steps[1]}; outputs agree within {worst:.1e} t")


def peer(mineral):
    from test_equilibrium import quadratic

    net = sg.load(mineral)
    asked = ask(net)
    product, price = last(net)
    tariff = sg.Tariff(product, usd_t=0.1 * price, importers=ZONE)
    under = policy.read(asked.base, (tariff,))
    layout = market.build(asked.fitted, under)
    ours, found = timed(lambda: market.solved(layout), 3)
    try:
        theirs, (x, _) = timed(lambda: quadratic(layout.market))
    except AssertionError:
        say(f"{mineral}: HiGHS ends without an optimum; ours {ours:.3f} s")
        return
    gap = np.abs(x * layout.unit_t - found.x).max()
    say(f"{mineral}: tariffs ours {ours:.3f} s, HiGHS QP {theirs:.3f} s, ratio {theirs / ours:.1f}; "
          f"largest difference {gap:.2e} t")


if __name__ == "__main__":
    main()
