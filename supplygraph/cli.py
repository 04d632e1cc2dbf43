"""The command line: tables on stdout, words on stderr.

Exit 0: done. 1: the data are wrong or the question has no answer. 2: the call itself is wrong.
130: interrupted.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable  # noqa: TC003 - typer reads the annotations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

import supplygraph as sg
from supplygraph.errors import SupplyGraphError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    name="supplygraph",
    help="Where does a supply network break, who controls the refining, and what can be rerouted?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Source = Annotated[str, typer.Argument(help="A bundled mineral (cobalt) or the path of a network.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the table as JSON records.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")]
Top = Annotated[int, typer.Option(help="How many rows to print; 0 prints all.", min=0)]
Out = Annotated[Path, typer.Option("--out", help="Where to write.")]


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose every expected failure is one message and an exit code."""

    @functools.wraps(function)
    def guarded(*args: object, **options: object) -> None:
        try:
            function(*args, **options)
        except KeyboardInterrupt:
            _fail("Interrupted; nothing was left half-written.", 130)
        except UnknownNameError as error:
            _fail(f"Error: {error}", 2)
        except SupplyGraphError as error:
            _fail(f"Error: {error}", 1)
        except OSError as error:
            _fail(f"Error: cannot use {error.filename or 'the path'}: {error.strerror or error}.", 1)

    app.command(function.__name__.rstrip("_"))(guarded)
    return function


def _fail(text: str, code: int) -> NoReturn:
    _say(text)
    raise typer.Exit(code)


def _network(source: str) -> sg.SupplyNetwork:
    """Load a bundled mineral, or read a network from a path."""
    if Path(source).exists():
        return sg.read(source)
    try:
        return sg.load(source)
    except UnknownNameError as error:
        message = f"{error} Nor is there a file or folder {source!r}."
        raise UnknownNameError(message) from None


def _show(table: pd.DataFrame, *, as_json: bool, as_csv: bool, top: int) -> None:
    """Print a table for machines or for people."""
    frame = table.head(top) if top else table
    if as_json:
        typer.echo(frame.reset_index().to_json(orient="records", indent=1))
    elif as_csv:
        typer.echo(frame.to_csv(lineterminator="\n"), nl=False)
    else:
        typer.echo(frame.to_string(float_format=lambda x: f"{x:,.4g}", na_rep=""))


def _say(text: str) -> None:
    typer.echo(text, err=True)


@_command
def atlas(
    minerals: Annotated[list[str] | None, typer.Argument(help="Minerals; all when none is named.")] = None,
    out: Out = Path("atlas"),
) -> None:
    """Write measures, a FORGE rerouting and an offline map for each mineral, with an index page."""
    from supplygraph.atlas import write_atlas

    page = write_atlas(minerals, out, progress=True)
    _say(f"Open {page}")


@_command
def info(
    source: Annotated[str | None, typer.Argument(help="Mineral or path; none lists the data sets.")] = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Say what a network holds, or list the bundled data sets."""
    if source is None:
        _show(sg.datasets(), as_json=as_json, as_csv=as_csv, top=0)
    else:
        typer.echo(repr(_network(source)))


@_command
def check(path: Annotated[str, typer.Argument(help="A network: folder, .gpkg or .graphml.")]) -> None:
    """List every problem of a network's tables."""
    if not Path(path).exists():
        _fail(f"Error: there is no file or folder {path!r} to check.", 1)
    problems = sg.check(path)
    for problem in problems:
        typer.echo(str(problem))
    _say(f"{len(problems)} problem{'s' * (len(problems) > 1)}" if problems else "no problems")
    if problems:
        raise typer.Exit(1)


@_command
def concentration(
    source: Source,
    *,
    stage: str = "refining",
    by: Literal["country", "owner", "node"] = "country",
    top: Top = 10,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show the shares and the HHI of a stage."""
    answer = sg.concentration(_network(source), stage=stage, by=by)
    _say(answer.explain())
    _show(answer.table, as_json=as_json, as_csv=as_csv, top=top)


@_command
def chokepoints(
    source: Source,
    *,
    by: Literal["node", "edge", "passage", "country", "owner"] = "node",
    top: Top = 10,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Rank single failures by what they cost after the best rerouting."""
    answer = sg.chokepoints(_network(source), by=by, progress=sys.stderr.isatty())
    _show(answer.table, as_json=as_json, as_csv=as_csv, top=top)


@_command
def reroute(
    source: Source,
    *,
    country: Annotated[str | None, typer.Option(help="Country that fails, alpha-3.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage of it.")] = None,
    passage: Annotated[list[str] | None, typer.Option(help="Strait that closes; may be repeated.")] = None,
    node: Annotated[list[str] | None, typer.Option(help="Site that fails; may be repeated.")] = None,
    keep: Annotated[float, typer.Option(help="Share that stays.", min=0.0)] = 0.0,
    require: Annotated[str | None, typer.Option(help="Tier that zone demand must come through.")] = None,
    rationing: Literal["proportional", "home_first", "zone_first"] = "proportional",
    page: Annotated[Path | None, typer.Option("--map", help="Write the map here.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Reroute after a failure: through whom, and who goes without."""
    if country is None and not passage and not node:
        message = "name what fails: --country, --passage or --node"
        raise typer.BadParameter(message)
    parts = []
    if country is not None:
        parts.append(sg.Shock.close(country=country, stage=stage, keep=keep))
    if passage:
        parts.append(sg.Shock.close(passage=list(passage), keep=keep))
    if node:
        parts.append(sg.Shock.close(node=list(node), keep=keep))
    shock = parts[0]
    for part in parts[1:]:
        shock = shock + part
    plan = sg.reroute(_network(source), shock, alignment=sg.forge(), require=require, rationing=rationing)
    _say(plan.explain())
    _show(plan.unmet, as_json=as_json, as_csv=as_csv, top=0)
    if page is not None:
        plan.save_html(page)
        _say(f"Open {page}")


@_command
def map_(source: Source, out: Out = Path("map.html")) -> None:
    """Write an offline map of a network."""
    sg.map(_network(source)).save_html(out)
    _say(f"Open {out}")


@_command
def convert(
    source: Source, target: Annotated[str, typer.Argument(help="Folder, .gpkg or .graphml to write.")]
) -> None:
    """Write a network in another format."""
    sg.write(_network(source), target)
    _say(f"Wrote {target}")


@_command
def build(
    minerals: Annotated[list[str] | None, typer.Argument(help="Minerals; all when none is named.")] = None,
    out: Out = Path("networks"),
) -> None:
    """Build the bundled networks again from the facts."""
    from supplygraph.world.build import write_bundled

    write_bundled(minerals, out, progress=True)
    _say(f"Wrote {out}")


def main() -> NoReturn:
    """Run the command line."""
    app()
    raise SystemExit(0)
