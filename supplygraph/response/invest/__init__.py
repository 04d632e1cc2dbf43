"""Where to build: which candidate mines, refineries and magnet plants to fund, and when.

Exact: the loss left by a plan is a linear program, convex in the capacity added, so every plan looked at yields a cut
that holds for all plans; a small program over yes-or-no decisions finds the best plan under the cuts, and its optimum
proves a bound (Benders). Concentration is a convex quadratic in what is added and is treated the same way.
"""

from supplygraph.response.invest.answer import Investment
from supplygraph.response.invest.ask import invest

__all__ = ["Investment", "invest"]
