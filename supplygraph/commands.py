"""What all commands share: the application, its options, and one message and exit code for every failure."""

from __future__ import annotations

import functools
from collections.abc import Callable  # noqa: TC003 - typer reads the annotations
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from supplygraph import inputs
from supplygraph.errors import SupplyGraphError, UnknownNameError
from supplygraph.inputs import Several

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
Scenario = Annotated[Several, typer.Option(help="Built-in scenario, see `supplygraph scenarios`.")]
Banned = Annotated[Several, typer.Option(help="Country that stops exports, alpha-3.")]
Failing = Annotated[Several, typer.Option(help="Country that fails, alpha-3.")]
Stage = Annotated[str | None, typer.Option(help="Only this stage of --ban or --country.")]
Passage = Annotated[Several, typer.Option(help="Strait that closes.")]
Node = Annotated[Several, typer.Option(help="Site that fails.")]
Keep = Annotated[float | None, typer.Option(help="Share of today that stays; 0 unless given.", min=0.0)]
AsOf = Annotated[str, typer.Option(help="Day of the alignment facts.")]
Binding = Annotated[bool, typer.Option("--no-memoranda", help="Count only what binds.")]
Page = Annotated[Path | None, typer.Option("--html", "--map", help="Write the map here.")]
Chart = Annotated[Path | None, typer.Option("--plot", help="Write the chart here (.png, .svg, .pdf).")]
By = Literal["territory", "owner"]
Rationing = Literal["proportional", "home_first", "zone_first", "all"]
Grouping = Annotated[Literal["node", "edge", "passage", "country", "owner"], typer.Option(help="What fails.")]
Supplier = Literal["country", "owner", "bloc", "node"]
Traced = Literal["country", "owner", "bloc", "node", "passage"]
Draws = Annotated[int, typer.Option(help="Draws of an ensemble behind intervals; 0: none.", min=0)]
Demand = Annotated[Several, typer.Option(help="Whose demand counts: a factory, a country or `zone`; all unless given.")]
Kind = Annotated[Several, typer.Option(help="Only sites of this kind: mine, refinery, port, passage, factory.")]
Excluded = Annotated[Several, typer.Option(help="Item that cannot fail.")]
Patience = Annotated[float, typer.Option(help="Seconds; what is found by then is given with its gap.", min=0.0)]
Zone = Annotated[str, typer.Option(help="The zone is the demand in countries of this tier or better.")]
Objective = Literal["least_change", "least_cost"]
Show = Literal[
    "unmet", "coverage", "routes", "displaced", "rationings", "cut", "shadow", "edges", "shipments_after", "table"
]
#: Day of the alignment facts unless one is given, as in :func:`supplygraph.forge`.
AS_OF = "2026-07-01"


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose every expected failure is one message and an exit code."""

    @functools.wraps(function)
    def guarded(*args: object, **options: object) -> None:
        try:
            function(*args, **options)
        except KeyboardInterrupt:
            fail("Interrupted; nothing was left half-written.", 130)
        except UnknownNameError as error:
            fail(f"Error: {error}", 2)
        except SupplyGraphError as error:
            fail(f"Error: {error}", 1)
        except OSError as error:
            fail(f"Error: cannot use {error.filename or 'the path'}: {error.strerror or error}.", 1)

    app.command(function.__name__.rstrip("_"))(guarded)
    return function


def fail(text: str, code: int) -> NoReturn:
    """Say what is wrong and end with an exit code."""
    inputs.say(text)
    raise typer.Exit(code)
