"""Price instruments on a network: who makes, ships and buys what, where and at which price, before and after."""
