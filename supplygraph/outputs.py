"""What the command line gives back: tables on stdout, maps and charts as files, words about them on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from supplygraph import inputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from supplygraph.results import Result


def show(table: pd.DataFrame, *, as_json: bool, as_csv: bool, top: int) -> None:
    """Print a table for machines or for people."""
    frame = table.head(top) if top else table
    if frame.index.name in frame.columns:  # countries by country: once is enough
        frame = frame.drop(columns=str(frame.index.name))
    if as_json:
        typer.echo(frame.reset_index().to_json(orient="records", indent=1))
    elif as_csv:
        typer.echo(frame.to_csv(lineterminator="\n"), nl=False)
    else:
        typer.echo(frame.to_string(float_format=lambda x: f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}", na_rep=""))


def check_chart(plot: Path | None) -> None:
    """Refuse a name that no chart can have before anything is computed."""
    from supplygraph.maps import plots

    if plot is not None and plot.suffix.lower() not in plots.FORMATS:
        raise typer.BadParameter(f"{plot.name!r} does not end in {', '.join(plots.FORMATS)}", param_hint="--plot")


def plot(answer: Result, path: Path | None) -> None:
    """Write the chart of an answer where one is asked for."""
    if path is not None:
        from supplygraph.maps import plots

        plots.save(answer.plot(), path)
        inputs.say(f"Open {path}")


def draw(answer: Result, page: Path | None) -> None:
    """Write the map of an answer where one is asked for."""
    if page is not None:
        answer.save_html(page)
        inputs.say(f"Open {page}")


def tell(
    answer: Result, name: str, *, page: Path | None, chart: Path | None, as_json: bool, as_csv: bool,
    columns: Sequence[str] = (),
) -> None:  # fmt: skip
    """Say an answer in words, print one of its tables, write its map and its chart where they are asked for.

    People see the ``columns`` of the main table, where some are named; machines get all.
    """
    if name not in answer.tables:
        raise typer.BadParameter(f"expected one of {', '.join(answer.tables)}", param_hint="--show")
    inputs.say(answer.explain())
    table = answer.tables[name]
    if columns and name == "table" and not (as_json or as_csv):
        table = table[list(columns)]
    show(table, as_json=as_json, as_csv=as_csv, top=0)
    draw(answer, page)
    plot(answer, chart)
