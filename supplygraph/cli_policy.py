"""Commands about policy: agreements, and what price floors, stocks and projects would do."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

import supplygraph as sg
from supplygraph import inputs, outputs
from supplygraph.commands import AS_OF, AsCsv, AsJson, AsOf, Binding, Chart, Page, Source, command
from supplygraph.inputs import Several  # noqa: TC001 - typer reads the annotations

Budget = Annotated[str, typer.Option(help="Dollars of 2025: 12e9, '12 bn', or with its year '2 bn USD 2025'.")]
Tier = Annotated[str, typer.Option(help="The zone is the countries of this tier or better.")]
Goal = Literal["loss", "concentration", "cost"]
#: Columns that people see of a plan; machines get all.
_PROJECTS = ["name", "stage", "country", "role", "funded", "year", "start", "public_usd", "capacity_t"]


@command
def agreements(
    *,
    country: Several = None,
    mineral: Several = None,
    provision: Several = None,
    as_of: AsOf = AS_OF,
    no_memoranda: Binding = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the agreements on minerals between states, and which are in force."""
    found = sg.agreements(as_of, country=country, mineral=mineral, provision=provision, non_binding=not no_memoranda)
    inputs.say(found.explain())
    shown = found.table if as_json or as_csv else found.table[["date", "parties", "provisions", "in_force", "binding"]]
    outputs.show(shown, as_json=as_json, as_csv=as_csv, top=0)


@command
def prices(
    source: Source,
    *,
    floor: Annotated[Several, typer.Option(help="PRODUCT=USD per tonne that a levy holds in the zone.")] = None,
    tariff: Annotated[Several, typer.Option(help="PRODUCT=SHARE of the landed price, paid in the zone.")] = None,
    origin: Annotated[Several, typer.Option(help="Only goods from this country pay --tariff, alpha-3.")] = None,
    zone: Tier = "linked",
    member: Annotated[Several, typer.Option(help="Country of the zone instead of --zone, alpha-3.")] = None,
    price: Annotated[Several, typer.Option(help="PRODUCT=USD per tonne today, where the network has none.")] = None,
    run: Annotated[Literal["long", "short"], typer.Option(help="long: plants are built.")] = "long",
    draws: Annotated[int, typer.Option(help="Draws behind the intervals; 0: none.", min=0)] = 40,
    as_of: AsOf = AS_OF,
    show: Annotated[str, typer.Option(help="Which table: table, duties, viable, surplus, buying, ...")] = "table",
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show prices, quantities, duties and who gains under price floors and tariffs; without any, today's."""
    outputs.check_chart(plot)
    inside = tuple(member) if member else (sg.forge(as_of), zone)
    members = tuple(member) if member else sg.forge(as_of).members(zone)
    origins = tuple(origin) if origin else None
    floors = [sg.PriceFloor(product, level, zone=inside) for product, level in inputs.amounts("--floor", floor).items()]
    tariffs = [
        sg.Tariff(product, rate=share, importers=members, origins=origins)
        for product, share in inputs.amounts("--tariff", tariff).items()
    ]
    asked: list[sg.PriceFloor | sg.Tariff | sg.OfftakeFloor] = [*floors, *tariffs]
    known = inputs.amounts("--price", price)
    answer = sg.equilibrium(inputs.network(source), asked or None, prices=known or None, run=run, draws=draws)
    outputs.tell(answer, show, page=page, chart=plot, as_json=as_json, as_csv=as_csv)


@command
def stockpile(
    minerals: Annotated[list[str] | None, typer.Argument(help="Minerals; all when none is named.")] = None,
    *,
    budget: Budget = "12 bn USD",
    for_: Annotated[Several, typer.Option("--for", help="Whose shortfall counts, alpha-3; USA unless given.")] = None,
    paths: Annotated[int, typer.Option(help="Drawn paths of disruptions.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the draws.", min=0)] = 0,
    risk: Annotated[Literal["expected", "cvar"], typer.Option(help="Mean loss, or the mean of the worst 5 %.")]
    = "expected",
    show: Annotated[str, typer.Option(help="Which table: cover, table, purchases, scenarios, ...")] = "cover",
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what a reserve like Project Vault should hold of each mineral within a budget."""
    outputs.check_chart(plot)
    net = sg.load(minerals) if minerals else sg.load()
    whose = tuple(for_ or ("USA",))
    answer = sg.project_vault(net, n=paths, seed=seed, budget=budget, risk=risk, for_=whose)
    outputs.tell(answer, show, page=page, chart=plot, as_json=as_json, as_csv=as_csv)


@command
def invest(
    source: Source,
    *,
    budget: Budget,
    first: Annotated[int, typer.Option("--from", help="First year of the horizon.")] = 2026,
    last: Annotated[int, typer.Option("--to", help="Last year of the horizon.")] = 2035,
    objective: Annotated[Goal, typer.Option(help="What the plan makes least.")] = "loss",
    funder: Annotated[str | None, typer.Option(help="Who pays, alpha-3; only where an agreement opens it.")] = None,
    as_of: AsOf = AS_OF,
    show: Annotated[str, typer.Option(help="Which table: table, path, left_out, scenarios.")] = "table",
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show which announced mines and refineries to fund, and when, within a budget."""
    outputs.check_chart(plot)
    answer = sg.invest(
        inputs.network(source), budget=budget, horizon=(first, last), objective=objective, funder=funder,
        agreements=sg.agreements(as_of) if funder else None,
    )  # fmt: skip
    outputs.tell(answer, show, page=page, chart=plot, as_json=as_json, as_csv=as_csv, columns=_PROJECTS)
