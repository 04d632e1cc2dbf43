"""HiGHS behind a small door: arrays in, arrays out, one thread, the same answer every time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import InfeasibleError, SupplyGraphError

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

    from supplygraph.engine.expanded import Floats, Ints


@dataclass(frozen=True, eq=False)
class Solution:
    """An optimum: its value, and the simplex steps it took.

    Columns, row duals and reduced costs (minimisation signs) are read when asked for: turning 20 000 numbers
    into an array takes a tenth of a warm solve.
    """

    objective: float
    steps: int
    _found: Any

    @cached_property
    def x(self) -> Floats:
        """Columns."""
        return np.array(self._found.col_value)

    @cached_property
    def dual(self) -> Floats:
        """Row duals."""
        return np.array(self._found.row_dual)

    @cached_property
    def reduced(self) -> Floats:
        """Reduced costs."""
        return np.array(self._found.col_dual)


class Solver:
    """One linear program, minimised; bounds and costs can be edited, solves start warm.

    Presolve is off for re-solves because a warm start needs the basis, and the basis can be put
    back with :meth:`restore`, so that the order of scenarios never matters.
    """

    def __init__(
        self, cost: Floats, lower: Floats, upper: Floats, matrix: csc_array, row_lower: Floats, row_upper: Floats,
        *, method: str = "simplex", presolve: str = "off",
    ) -> None:
        import highspy

        self._optimal = highspy.HighsModelStatus.kOptimal
        self._impossible = (
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        )
        options = {"presolve": presolve, "solver": method}
        self._engine = hand_over(cost, lower, upper, matrix, row_lower, row_upper, **options)
        self.columns = int(matrix.shape[1])
        self.rows = int(matrix.shape[0])

    def set_curve(self, curve: Floats) -> None:
        """Make the objective quadratic: add ``curve x^2 / 2`` to each column's cost."""
        used = np.flatnonzero(curve > 0)
        start = np.searchsorted(used, np.arange(self.columns + 1)).astype(np.int32)
        # 1 = triangular format; a separable Hessian is its own triangle
        self._engine.passHessian(self.columns, len(used), 1, start, used.astype(np.int32), curve[used])
        self._engine.setOptionValue("solver", "choose")
        self._engine.setOptionValue("qp_iteration_limit", 20_000)  # it can cycle

    def sharpened(self) -> Solver:
        """Ask for duals to 1e-10 instead of 1e-7; return self."""
        self._engine.setOptionValue("dual_feasibility_tolerance", 1e-10)
        return self

    def set_cost(self, cost: Floats) -> None:
        """Replace all costs."""
        self._engine.changeColsCost(self.columns, np.arange(self.columns, dtype=np.int32), cost)

    def set_columns(self, lower: Floats, upper: Floats) -> None:
        """Replace all column bounds."""
        self._engine.changeColsBounds(self.columns, np.arange(self.columns, dtype=np.int32), lower, upper)

    def set_rows(self, lower: Floats, upper: Floats) -> None:
        """Replace all row bounds."""
        self._engine.changeRowsBounds(self.rows, np.arange(self.rows, dtype=np.int32), lower, upper)

    def add(self, cost: Floats, upper: Floats, matrix: csc_array) -> None:
        """Append columns from zero up to ``upper``."""
        count = int(matrix.shape[1])
        self._engine.addCols(
            count, cost, np.zeros(count), upper, int(matrix.nnz),
            matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32), matrix.data.astype(np.float64),
        )
        self.columns += count

    def add_rows(self, lower: Floats, upper: Floats, matrix: csr_array) -> None:
        """Append rows."""
        count = int(matrix.shape[0])
        self._engine.addRows(
            count, lower, upper, int(matrix.nnz),
            matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32), matrix.data.astype(np.float64),
        )
        self.rows += count

    def cut_back(self, columns: int, rows: int) -> None:
        """Remove every column from number ``columns`` on, and every row from number ``rows`` on."""
        if self.columns > columns:
            self._engine.deleteCols(self.columns - columns, np.arange(columns, self.columns, dtype=np.int32))
            self.columns = columns
        if self.rows > rows:
            self._engine.deleteRows(self.rows - rows, np.arange(rows, self.rows, dtype=np.int32))
            self.rows = rows

    def basis(self) -> Any:
        """Return the present basis, to be put back later."""
        return self._engine.getBasis()

    def restore(self, basis: Any) -> None:
        """Start the next solve from this basis, with nothing else remembered: the same bits every time."""
        self._engine.clearSolver()
        self._engine.setBasis(basis)

    def solve(self) -> Solution:
        """Solve to optimality.

        Raises
        ------
        InfeasibleError
            If nothing satisfies the constraints; ``certificate`` is the dual ray by row, or None.
        """
        self._engine.run()
        status = self._engine.getModelStatus()
        if status != self._optimal and status not in self._impossible:
            # Numerical trouble is rare; a cold start with presolve settles it.
            self._engine.clearSolver()
            self._engine.setOptionValue("presolve", "on")
            self._engine.run()
            self._engine.setOptionValue("presolve", "off")
            status = self._engine.getModelStatus()
        if status in self._impossible:
            raise InfeasibleError("the program has no solution", self._ray())
        if status != self._optimal:
            message = f"the solver stopped without an answer ({self._engine.modelStatusToString(status)})"
            raise SupplyGraphError(message)
        info = self._engine.getInfo()  # the solution is a copy: later solves leave it alone
        return Solution(
            float(info.objective_function_value), int(info.simplex_iteration_count), self._engine.getSolution()
        )

    def _ray(self) -> Floats | None:
        answer = self._engine.getDualRay()
        has = bool(answer[1]) if len(answer) > 1 else False
        return np.array(answer[2]) if has and len(answer) > 2 else None


def hand_over(
    cost: Floats, lower: Floats, upper: Floats, matrix: csc_array, row_lower: Floats, row_upper: Floats, **options: Any
) -> Any:
    """Return HiGHS with a linear program in it: silent, nothing in parallel, one seed.

    The number of threads is left alone: HiGHS has one pool per process and refuses to run with another number than the
    caller's own programs have set up.
    """
    import highspy

    # The base class is the solver itself; the Python class on top prints a banner when it is made.
    engine: Any = highspy.Highs.__base__()
    for option, value in {"output_flag": False, "parallel": "off", "random_seed": 0, **options}.items():
        engine.setOptionValue(option, value)
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_, model.col_lower_, model.col_upper_ = cost, lower, upper
    model.row_lower_, model.row_upper_ = row_lower, row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = matrix.data.astype(np.float64)
    engine.passModel(model)
    return engine


def assemble(rows: list[Ints], columns: list[Ints], values: list[Floats], shape: tuple[int, int]) -> csc_array:
    """Put coordinate pieces together as one sparse matrix by columns."""
    from scipy.sparse import csc_array as make

    empty: list[Any] = [np.zeros(0)]
    triple = (
        np.concatenate(values or empty),
        (np.concatenate(rows or empty).astype(np.int64), np.concatenate(columns or empty).astype(np.int64)),
    )
    matrix = make(triple, shape=shape)
    matrix.sum_duplicates()
    return matrix
