"""The command line: tables on stdout, words on stderr.

Exit 0: done. 1: the data are wrong or the question has no answer. 2: the call itself is wrong.
130: interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

import supplygraph as sg
from supplygraph import inputs, outputs
from supplygraph.commands import (
    AS_OF,
    AsCsv,
    AsJson,
    AsOf,
    Banned,
    Binding,
    By,
    Chart,
    Demand,
    Draws,
    Excluded,
    Failing,
    Grouping,
    Keep,
    Kind,
    Node,
    Objective,
    Out,
    Page,
    Passage,
    Patience,
    Rationing,
    Scenario,
    Show,
    Source,
    Stage,
    Supplier,
    Top,
    Traced,
    Zone,
    app,
    command,
    fail,
)
from supplygraph.inputs import Several  # noqa: TC001 - typer reads the annotations

#: Letters of a title that a row of the list of scenarios shows; machines get all.
_TITLE = 90


@command
def atlas(
    minerals: Annotated[list[str] | None, typer.Argument(help="Minerals; all when none is named.")] = None,
    out: Out = Path("atlas"),
    *,
    gallery: Annotated[bool, typer.Option(help="Run the notebooks and show them beside the chapters.")] = True,
) -> None:
    """Write measures, a FORGE rerouting and offline maps for each mineral, with an index page and the notebooks."""
    from supplygraph.atlas import write_atlas

    page = write_atlas(minerals, out, progress=True, notebooks=None if gallery else ())
    inputs.say(f"Open {page}")


@command
def info(
    source: Annotated[str | None, typer.Argument(help="Mineral or path; none lists the data sets.")] = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Say what a network holds, or list the bundled data sets."""
    if source is None:
        outputs.show(sg.datasets(), as_json=as_json, as_csv=as_csv, top=0)
    else:
        typer.echo(repr(inputs.network(source)))


@command
def check(path: Annotated[str, typer.Argument(help="A network: folder, .gpkg or .graphml.")]) -> None:
    """List every problem of a network's tables."""
    if not Path(path).exists():
        fail(f"Error: there is no file or folder {path!r} to check.", 1)
    problems = sg.check(path)
    for problem in problems:
        typer.echo(str(problem))
    inputs.say(f"{len(problems)} problem{'s' * (len(problems) > 1)}" if problems else "no problems")
    if problems:
        raise typer.Exit(1)


@command
def concentration(
    source: Source,
    *,
    stage: Annotated[str, typer.Option(help="Stage of the chain.")] = "refining",
    by: Annotated[Supplier, typer.Option(help="Who counts as one; blocs are alignment tiers.")] = "country",
    as_of: AsOf = AS_OF,
    draws: Draws = 0,
    top: Top = 10,
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show the shares and the HHI of a stage."""
    outputs.check_chart(plot)
    blocs = sg.forge(as_of) if by == "bloc" else None
    answer = sg.concentration(inputs.drawn(source, draws), stage=stage, by=by, blocs=blocs)
    inputs.say(answer.explain())
    outputs.show(answer.table, as_json=as_json, as_csv=as_csv, top=top)
    outputs.draw(answer, page)
    outputs.plot(answer, plot)


@command
def centrality(
    source: Source,
    *,
    stage: Annotated[str, typer.Option(help="Stage of the chain.")] = "refining",
    draws: Draws = 0,
    top: Top = 10,
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show which sites the concentration of a stage comes from, by territory and by owner."""
    outputs.check_chart(plot)
    answer = sg.refining_centrality(inputs.drawn(source, draws), stage=stage)
    inputs.say(answer.explain())
    outputs.show(answer.table, as_json=as_json, as_csv=as_csv, top=top)
    outputs.draw(answer, page)
    outputs.plot(answer, plot)


@command
def exposure(
    source: Source,
    *,
    to: Annotated[Traced, typer.Option(help="What the columns are; blocs are alignment tiers.")] = "country",
    stage: Annotated[str, typer.Option(help="Stage whose last crossing counts.")] = "refining",
    rows: Annotated[Literal["factory", "country", "bloc"], typer.Option(help="What the rows are.")] = "country",
    explain: Annotated[tuple[str, str] | None, typer.Option(help="ROW COLUMN: the paths behind a number.")] = None,
    as_of: AsOf = AS_OF,
    draws: Draws = 0,
    show: Annotated[str, typer.Option(help="Which table: table, direct, bound_low, bound_high, ...")] = "table",
    top: Top = 0,
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Trace each factory's or country's material back to who refined (mined, shipped) it."""
    outputs.check_chart(plot)
    blocs = sg.forge(as_of) if "bloc" in {to, rows} else None
    answer = sg.exposure(inputs.drawn(source, draws), to=to, stage=stage, rows=rows, blocs=blocs)
    if show not in answer.tables:
        raise typer.BadParameter(f"expected one of {', '.join(answer.tables)}", param_hint="--show")
    inputs.say(answer.explain(*explain) if explain else answer.explain())
    outputs.show(answer.tables[show], as_json=as_json, as_csv=as_csv, top=top)
    outputs.draw(answer, page)
    outputs.plot(answer, plot)


@command
def evidence(
    minerals: Annotated[list[str] | None, typer.Argument(help="Minerals; all when none is named.")] = None,
    *,
    draws: Annotated[int, typer.Option(help="Draws behind the intervals.", min=1)] = 200,
    page: Page = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Hold our figures against the published ones: with intervals, years, sources, and what disagrees."""
    import pandas as pd

    from supplygraph.atlas import told_evidence
    from supplygraph.maps import evidence_page

    chosen = minerals or list(dict.fromkeys(sg.datasets()["mineral"]))
    answers = [sg.evidence(sg.load(name), draws=draws, progress=sys.stderr.isatty()) for name in chosen]
    for name, answer in zip(chosen, answers, strict=True):
        inputs.say(f"{name}: {answer.explain()}")
    table = pd.concat([answer.table for answer in answers])
    columns = ["about", "ours", "ours_low", "ours_high", "published", "year", "verdict", "independent"]
    shown = table if as_json or as_csv else table[columns]
    outputs.show(shown, as_json=as_json, as_csv=as_csv, top=0)
    if page is not None:
        told = [told_evidence(name, answer) for name, answer in zip(chosen, answers, strict=True)]
        page.write_text(evidence_page.evidence(told, version=sg.__version__), encoding="utf-8")
        inputs.say(f"Open {page}")


@command
def chokepoints(
    source: Source,
    *,
    by: Grouping = "node",
    demand: Demand = None,
    mineral: Annotated[str | None, typer.Option(help="Look at one mineral of the network.")] = None,
    scenario: Scenario = None,
    ban: Banned = None,
    country: Failing = None,
    stage: Stage = None,
    passage: Passage = None,
    node: Node = None,
    keep: Keep = None,
    as_of: AsOf = AS_OF,
    zone: Zone = "linked",
    lens: Annotated[Several, typer.Option(help="structure, cuts, capacity or change; all unless given.")] = None,
    explain: Annotated[str | None, typer.Option(help="Say what happens when this item of the table fails.")] = None,
    top: Top = 10,
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Rank single failures by what they cost after the best rerouting, on top of what has already failed."""
    outputs.check_chart(plot)
    shock = inputs.shock(
        scenario, ban=ban, country=country, stage=stage, passage=passage, node=node, keep=keep, needed=False
    )
    answer = sg.chokepoints(
        inputs.network(source), by=by, demand=demand, mineral=mineral, shock=shock, alignment=sg.forge(as_of),
        zone=zone, lenses=tuple(lens or ("structure", "cuts", "capacity", "change")), progress=sys.stderr.isatty(),
        top=(top or None) if explain is None and page is None else None,
    )  # fmt: skip
    inputs.say(answer.explain(explain))
    outputs.show(answer.table, as_json=as_json, as_csv=as_csv, top=top)
    outputs.draw(answer, page)
    outputs.plot(answer, plot)


@command
def interdict(
    source: Source,
    *,
    k: Annotated[int, typer.Option("-k", help="How many may fail together.", min=1)] = 2,
    by: Grouping = "node",
    demand: Demand = None,
    scenario: Scenario = None,
    ban: Banned = None,
    country: Failing = None,
    stage: Stage = None,
    passage: Passage = None,
    node: Node = None,
    keep: Keep = None,
    as_of: AsOf = AS_OF,
    zone: Zone = "linked",
    kind: Kind = None,
    exclude: Excluded = None,
    time_limit: Patience = 60.0,
    page: Page = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Find the set of failures that together cost most, with its proof, on top of what has already failed."""
    shock = inputs.shock(
        scenario, ban=ban, country=country, stage=stage, passage=passage, node=node, keep=keep, needed=False
    )
    answer = sg.interdict(
        inputs.network(source), k=k, by=by, demand=demand, shock=shock, alignment=sg.forge(as_of), zone=zone,
        kinds=kind, exclude=exclude or (), time_limit=time_limit, progress=sys.stderr.isatty(),
    )  # fmt: skip
    inputs.say(answer.explain())
    outputs.show(answer.table, as_json=as_json, as_csv=as_csv, top=0)
    outputs.draw(answer, page)


@command
def defend(
    source: Source,
    *,
    k: Annotated[int, typer.Option("-k", help="How many can be protected.", min=1)] = 2,
    j: Annotated[int, typer.Option("-j", help="How many others may fail together.", min=1)] = 2,
    by: Grouping = "node",
    demand: Demand = None,
    as_of: AsOf = AS_OF,
    zone: Zone = "linked",
    kind: Kind = None,
    exclude: Excluded = None,
    time_limit: Patience = 60.0,
    page: Page = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Find what to protect so that the worst attack on the others hurts least, with its proof."""
    answer = sg.defend(
        inputs.network(source), k=k, j=j, by=by, demand=demand, alignment=sg.forge(as_of), zone=zone, kinds=kind,
        exclude=exclude or (), time_limit=time_limit, progress=sys.stderr.isatty(),
    )  # fmt: skip
    inputs.say(answer.explain())
    outputs.show(answer.table, as_json=as_json, as_csv=as_csv, top=0)
    outputs.draw(answer, page)


@command
def scenarios(
    mineral: Annotated[str | None, typer.Option(help="Only restrictions on this bundled mineral.")] = None,
    *,
    as_of: Annotated[str | None, typer.Option(help="Only what was in force on this day, YYYY-MM-DD.")] = None,
    country: Annotated[str | None, typer.Option(help="Only restrictions by this country, alpha-3.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the built-in scenarios: real export restrictions, and the closure of each strait."""
    found = sg.scenarios(mineral=mineral, as_of=as_of, country=country)
    inputs.say(found.explain())
    table = found.table
    if not (as_json or as_csv):
        columns = ["in_force", "type", "country", "start", "end", "title"]
        table = table[[name for name in columns if name in table.columns]]
        table["title"] = [text if len(text) <= _TITLE else f"{text[: _TITLE - 1]}…" for text in table["title"]]
    outputs.show(table, as_json=as_json, as_csv=as_csv, top=0)


@command
def reroute(
    source: Source,
    *,
    scenario: Scenario = None,
    ban: Banned = None,
    country: Failing = None,
    stage: Stage = None,
    passage: Passage = None,
    node: Node = None,
    keep: Keep = None,
    as_of: AsOf = AS_OF,
    no_memoranda: Binding = False,
    zone: Zone = "linked",
    require: Annotated[str | None, typer.Option(help="Tier that the zone must be served through.")] = None,
    prefer: Annotated[float | None, typer.Option(help="USD/t the zone pays per tier nearer.", min=0.0)] = None,
    cap: Annotated[str | None, typer.Option(help="Most of the zone's supply from one country: 0.65, or eu.")] = None,
    cap_outside: Annotated[float | None, typer.Option(help="The same, from outside in all.", min=0.0, max=1.0)] = None,
    rule_stage: Annotated[Several, typer.Option(help="Stage the rules are about; refining unless given.")] = None,
    by: Annotated[By, typer.Option(help="Whose country a plant counts for.")] = "territory",
    rationing: Annotated[Rationing, typer.Option(help="Who goes without.")] = "proportional",
    objective: Annotated[Objective, typer.Option(help="What rerouting minimises.")] = "least_change",
    priority: Annotated[Several, typer.Option(help="Factory or country that is served first.")] = None,
    must_serve: Annotated[Several, typer.Option(help="NAME=SHARE of demand that must be served.")] = None,
    show: Annotated[Show | None, typer.Option(help="Table to print; unmet unless given.")] = None,
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Reroute after a failure: through whom, at what cost, and who goes without. Options may be repeated."""
    outputs.check_chart(plot)
    shock = inputs.shock(scenario, ban=ban, country=country, stage=stage, passage=passage, node=node, keep=keep)
    caps = inputs.caps(cap, cap_outside)
    shares = inputs.shares(must_serve)
    net = inputs.network(source)
    plan = sg.reroute(
        net, shock, alignment=sg.forge(as_of, non_binding=not no_memoranda), zone=zone, require=require, prefer=prefer,
        cap=caps, stages=tuple(rule_stage or ("refining",)), by=by, rationing=rationing, objective=objective,
        priority=priority, must_serve=shares,
    )  # fmt: skip
    wanted = show or ("rationings" if rationing == "all" else "unmet")
    if wanted not in plan.tables:
        raise typer.BadParameter("rationings needs --rationing all", param_hint="--show")
    inputs.say(plan.explain())
    outputs.show(plan.tables[wanted], as_json=as_json, as_csv=as_csv, top=0)
    outputs.draw(plan, page)
    outputs.plot(plan, plot)


@command
def frontier(
    source: Source,
    *,
    scenario: Scenario = None,
    ban: Banned = None,
    country: Failing = None,
    stage: Stage = None,
    passage: Passage = None,
    node: Node = None,
    keep: Keep = None,
    as_of: AsOf = AS_OF,
    no_memoranda: Binding = False,
    tier: Annotated[str, typer.Option(help="Plants of this tier or better are aligned.")] = "linked",
    share: Annotated[list[float] | None, typer.Option(help="Aligned share, 0 to 1; repeat for several.")] = None,
    by: Annotated[By, typer.Option(help="Whose country a plant counts for.")] = "territory",
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what can be served, and at what cost, as more must come from aligned plants."""
    shock = inputs.shock(
        scenario, ban=ban, country=country, stage=stage, passage=passage, node=node, keep=keep, needed=False
    )
    outputs.check_chart(plot)
    answer = sg.alignment_frontier(
        inputs.network(source), shock, alignment=sg.forge(as_of, non_binding=not no_memoranda), tier=tier,
        shares=share or None, by=by, progress=sys.stderr.isatty(),
    )  # fmt: skip
    inputs.say(answer.explain())
    outputs.show(answer.table, as_json=as_json, as_csv=as_csv, top=0)
    outputs.plot(answer, plot)


@command
def timeline(
    source: Source,
    *,
    since: Annotated[str | None, typer.Option(help="Only days from this one on.")] = None,
    until: Annotated[str | None, typer.Option(help="Only days up to this one.")] = None,
    as_of: AsOf = AS_OF,
    rationing: Annotated[Literal["proportional", "home_first", "zone_first"], typer.Option(help="Who goes without.")]
    = "proportional",
    page: Page = None,
    plot: Chart = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what the real export restrictions in force on each day would do to the network."""
    outputs.check_chart(plot)
    answer = sg.timeline(
        inputs.network(source), since=since, until=until, alignment=sg.forge(as_of), rationing=rationing,
        progress=sys.stderr.isatty(),
    )  # fmt: skip
    inputs.say(answer.explain())
    outputs.show(answer.table, as_json=as_json, as_csv=as_csv, top=0)
    outputs.draw(answer, page)
    outputs.plot(answer, plot)


@command
def alternatives(
    source: Source,
    *,
    start: Annotated[str | None, typer.Option("--from", help="Site or country; every mine unless given.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="Site or country; every factory unless given.")] = None,
    k: Annotated[int, typer.Option("--most", "-k", help="Most routes per target.", min=1)] = 5,
    avoid: Annotated[Several, typer.Option(help="Country, strait or site that no route may touch.")] = None,
    require: Annotated[str | None, typer.Option(help="Tier of country that refining must stand in.")] = None,
    as_of: AsOf = AS_OF,
    no_memoranda: Binding = False,
    by: Annotated[Literal["cost_usd_t", "km", "days"], typer.Option(help="What ranks.")] = "cost_usd_t",
    differ: Annotated[Several, typer.Option(help="What routes avoid of each other; country unless given.")] = None,
    unnamed: Annotated[bool, typer.Option("--unnamed", help="Let routes pass unnamed rests.")] = False,
    page: Page = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Rank routes that avoid each other: what else could feed a factory. Options may be repeated."""
    answer = sg.alternatives(
        inputs.network(source), start, target, k=k, avoid=avoid or None,
        policy=None if require is None else sg.forge(as_of, non_binding=not no_memoranda), require=require, by=by,
        differ=tuple(differ or ("country",)), unnamed=unnamed,
    )  # fmt: skip
    inputs.say(answer.explain())
    shown = answer.table if as_json or as_csv else answer.table[["route", "km", "days", "cost_usd_t", "spare_t"]]
    outputs.show(shown, as_json=as_json, as_csv=as_csv, top=0)
    outputs.draw(answer, page)


@command
def map_(source: Source, out: Out = Path("map.html")) -> None:
    """Write an offline map of a network."""
    sg.map(inputs.network(source)).save_html(out)
    inputs.say(f"Open {out}")


@command
def convert(
    source: Source, target: Annotated[str, typer.Argument(help="Folder, .gpkg or .graphml to write.")]
) -> None:
    """Write a network in another format."""
    sg.write(inputs.network(source), target)
    inputs.say(f"Wrote {target}")


@command
def build(
    minerals: Annotated[list[str] | None, typer.Argument(help="Minerals; all when none is named.")] = None,
    out: Out = Path("networks"),
    *,
    calibrate: Annotated[bool, typer.Option(help="Also test the intervals on hidden figures (minutes).")] = False,
) -> None:
    """Build the bundled networks again from the facts."""
    from supplygraph.world.build import write_bundled
    from supplygraph.world.calibration import write_calibration

    write_bundled(minerals, out, progress=True)
    if calibrate:
        write_calibration(out, progress=True)
    inputs.say(f"Wrote {out}")


from supplygraph import cli_policy  # noqa: E402, F401 - its commands come after ours in the list of help


def main() -> NoReturn:
    """Run the command line."""
    app()
    raise SystemExit(0)
