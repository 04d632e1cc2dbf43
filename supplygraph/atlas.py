"""The main job: measures, a FORGE rerouting, tables and offline maps per mineral, with an index page and a gallery."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph import __version__, atlas_policy, gallery
from supplygraph.atlas_countries import countries
from supplygraph.atlas_tables import key_figures, write_tables
from supplygraph.errors import DataError, SupplyGraphError, UnknownNameError
from supplygraph.maps import (
    atlas_page,
    country_page,
    evidence_page,
    gallery_page,
    map_network,
    policy_page,
    tables_page,
)
from supplygraph.maps.sheet import Site, place
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.concentration import concentration
from supplygraph.measures.evidence import evidence
from supplygraph.measures.exposure import exposure
from supplygraph.measures.interdiction import interdict
from supplygraph.network.formats import write
from supplygraph.response.reroute import reroute
from supplygraph.response.timeline import timeline
from supplygraph.scenario.alignment import forge
from supplygraph.scenario.shock import Shock
from supplygraph.world.datasets import datasets, load
from supplygraph.world.ensemble import ensemble
from supplygraph.world.workers import crew, deaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from supplygraph.maps.offline import OfflineMap
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.results import Result
    from supplygraph.scenario.alignment import Alignment

#: Alignment date of the atlas, and the tier that counts as inside.
AS_OF = "2026-07-01"
TIER = "linked"
#: The file by which an atlas folder is known, so that nothing else is ever replaced.
_MARK = "atlas.json"
#: Draws behind the intervals, and the day from which restrictions are shown over time.
_DRAWS, _SINCE = 100, "2023-01-01"
#: Chokepoints listed on the page, and in the tables and on their map; how many are named as the only way.
_WORST, _RANKED, _TOLD = 5, 30, 3
_FAILURES = ("countries", "sites", "straits")
#: Of these, how many fail together in the worst set looked for, and for how many seconds.
_TOGETHER, _PATIENCE = {"countries": ("country", 2), "sites": ("node", 3), "straits": ("passage", 3)}, 30.0


@dataclass(frozen=True)
class Chapter:
    """What the atlas knows of one mineral."""

    mineral: str
    net: SupplyNetwork
    answers: dict[str, Result]
    refiner: str
    shock: Shock
    unanswered: dict[str, str]

    @property
    def plan(self) -> Result:
        """The rerouting without a rule."""
        return self.answers["reroute"]


def study(mineral: str) -> Chapter:
    """Answer the atlas's questions for one bundled mineral.

    The scenario: the largest refining country halves its exports of refined product. Demand in
    countries of tier ``linked`` or better is the zone; it is rerouted freely, and once more with
    the rule that its refining be aligned.
    """
    net = load(mineral)
    many = ensemble(net, _DRAWS, workers=1)
    zone = forge(AS_OF)
    refining = concentration(many, stage="refining")
    refiner = str(refining.table.index[0])
    shock = Shock.ban(refiner, stage="refining", keep=0.5)
    answers = {
        "mining": concentration(many, stage="mining") if _mined(net) else refining,
        "refining": refining,
        "refining_by_owner": concentration(many, stage="refining", by="owner"),
        "centrality": refining_centrality(many),
        "exposure": exposure(many, rows="country"),
        "evidence": evidence(many),
        "chokepoints_sites": chokepoints(net, by="node", alignment=zone, top=_RANKED),
        "chokepoints_countries": chokepoints(net, by="country", alignment=zone, top=_RANKED),
        "chokepoints_straits": chokepoints(net, by="passage", alignment=zone),
        **{f"worst_{what}": interdict(net, k=k, by=by, time_limit=_PATIENCE) for what, (by, k) in _TOGETHER.items()},
        "reroute": reroute(net, shock, alignment=zone),
        "reroute_aligned": reroute(net, shock, alignment=zone, require=TIER, stages=("refining",)),
        **_over_time(net, zone),
    }
    if not _mined(net):
        del answers["mining"]
    policy, unanswered = atlas_policy.questions(net, zone, TIER, shock)
    return Chapter(mineral, net, answers | policy, refiner, shock, unanswered)


def _over_time(net: SupplyNetwork, zone: Alignment) -> dict[str, Result]:
    """Ask what the export restrictions of the last years would do, where there are any on this mineral."""
    try:
        return {"timeline": timeline(net, since=_SINCE, alignment=zone)}
    except DataError:  # none began since then, or none can be expressed
        return {}


def _mined(net: SupplyNetwork) -> bool:
    return bool((net.products["stage"] == "mining").any())


def summary(chapter: Chapter) -> dict[str, Any]:
    """Return what the index page says of a mineral, as plain values; ``maps`` and ``tables`` come with the files."""
    told = _forge(chapter)
    figures = key_figures(chapter.answers, told)
    return {
        "mineral": chapter.mineral,
        "title": _title(chapter.mineral),
        "shares": {stage: _leaders(chapter, stage) for stage in ("mining", "refining") if stage in chapter.answers},
        "owners": _leaders(chapter, "refining_by_owner"),
        "failures": {
            what: _failures(chapter.answers[f"chokepoints_{what}"], chapter.answers[f"worst_{what}"])
            for what in _FAILURES
        },
        "forge": told,
        "figures": {key: {"row": row} for row, key in enumerate(figures.index, start=1)},
        "evidence": told_evidence(chapter.mineral, chapter.answers["evidence"]),
        "policy": atlas_policy.told(chapter.answers, chapter.unanswered),
        "quality": json.loads(_quality(chapter).to_json(orient="records")),
        "weak": [str(words) for words in chapter.net.meta.get("weak_spots", [])],
        "network": {
            "sites": int(chapter.net.nodes["kind"].isin(["mine", "refinery", "factory"]).sum()),
            "shipments": len(chapter.net.shipments),
            "fingerprint": chapter.net.fingerprint[:12],
        },
    }


def _title(mineral: str) -> str:
    return mineral.replace("_", " ").capitalize()


def _quality(chapter: Chapter) -> pd.DataFrame:
    quality = datasets()
    return quality[quality["mineral"] == chapter.mineral]


def told_evidence(mineral: str, answer: Result) -> dict[str, Any]:
    """Return what the evidence page says of a mineral, as plain values."""
    table = answer.table.reset_index()
    texts = table[["note", "source"]].fillna("")
    rows = table.assign(note=texts["note"], source=texts["source"], our_year=table["our_year"].astype(object))
    return {
        "mineral": mineral,
        "title": _title(mineral),
        "words": answer.explain(),
        "draws": answer.params["draws"],
        "rows": rows.to_dict("records"),
    }


def _leaders(chapter: Chapter, name: str) -> dict[str, Any]:
    answer = chapter.answers[name]
    names = chapter.net.countries["name"]
    first = answer.table[["share", "share_low", "share_high"]].head(4).to_dict("index")
    rows = [
        {"country": str(code), "name": str(names.get(code, code)), **row, "row": place}
        for place, (code, row) in enumerate(first.items(), 1)
    ]
    return {
        "table": name,
        "rows": rows,
        "hhi": float(answer.hhi),
        "hhi_low": float(answer.hhi_low),
        "hhi_high": float(answer.hhi_high),
        "effective_n": float(answer.effective_n),
    }


def _failures(answer: Result, together: Result) -> dict[str, Any]:
    """Return the worst single failures as rows, and what else is to be said about them."""
    table = answer.table.assign(row=range(1, len(answer.table) + 1))
    # A factory that stops loses its own demand; that is no chokepoint of anybody else's.
    table = table[~table["residual"].astype(bool) & (table["kind"] != "factory")]
    columns = ["name", "country", "throughput_t", "loss_t", "loss_share", "loss_short_t", "zone_loss_t", "days", "km",
               "row"]
    rows = json.loads(table[columns].head(_WORST).reset_index(drop=True).to_json(orient="records"))
    return {"rows": rows, "notes": [*_cut_off(table), *_together(together)]}


def _together(worst: Result) -> list[str]:
    """Say which failures cost most together, and how sure that is."""
    table, figures = worst.table, worst.figures
    if table.empty or len(table) == 1:
        return []
    lost, share = figures["loss_t"], figures["loss_t"] / figures["delivered_t"]
    most = f"no set of that size costs more than {figures['bound_t']:,.0f} t"
    sure = "Proved: no other set of that size costs more" if figures["proved"] else f"Not proved: {most}"
    *first, last = table["name"].tolist()
    alone = f"one by one they add up to {table['loss_alone_t'].sum():,.0f} t"
    return [f"Worst together: {', '.join(first)} and {last}, {lost:,.0f} t ({share:.0%}); {alone}. {sure}."]


def _cut_off(table: pd.DataFrame) -> list[str]:
    """Say whose demand has no route at all without an item."""
    held = table[table["dominates"] > 0].sort_values("dominates_t", ascending=False, kind="stable").head(_TOLD)
    if held.empty:
        return []
    columns = (held[column].tolist() for column in ("name", "dominates_t", "dominates"))
    said = [
        f"{name} ({demand:,.0f} t of {users} user{'s' if users > 1 else ''})"
        for name, demand, users in zip(*columns, strict=True)
    ]
    return [f"Others have no route at all without: {'; '.join(said)}."]


def _forge(chapter: Chapter) -> dict[str, Any]:
    """Say what the zone loses, what rerouting recovers, what it costs, and who is displaced."""
    free, ruled = chapter.plan, chapter.answers["reroute_aligned"]
    zone = free.unmet[free.unmet["zone"]]
    rest = free.unmet[~free.unmet["zone"]]
    names = chapter.net.countries["name"]
    return {
        "refiner": chapter.refiner,
        "refiner_name": str(names.get(chapter.refiner, chapter.refiner)),
        "shock": chapter.shock.describe(),
        "zone_demand_t": float(zone["demand_t"].sum()),
        "cut_t": float(free.cut_t),
        "zone_unmet_t": float(zone["unmet_t"].sum()),
        "rest_unmet_t": float(rest["unmet_t"].sum()),
        "ruled_zone_unmet_t": float(ruled.unmet.loc[ruled.unmet["zone"], "unmet_t"].sum()),
        "coverage": json.loads(ruled.coverage.reset_index().to_json(orient="records")),
        "added_cost_usd_t": float(free.added_cost_usd_t),
        "words": free.explain(),
    }


def write_chapter(mineral: str, folder: Path) -> dict[str, Any]:
    """Study one mineral and write its maps and tables into ``folder / mineral``."""
    chapter = study(mineral)
    target = folder / mineral
    (target / "tables").mkdir(parents=True)
    told = summary(chapter)
    quality = _quality(chapter)
    told["tables"] = write_tables(target / "tables", _tables(chapter, quality, told), chapter.net, quality)
    told["names"] = {str(code): str(name) for code, name in chapter.net.countries["name"].items()}
    write(chapter.net, str(target / f"{mineral}.gpkg"))
    told["maps"] = []
    for name, title, text, drawn in _maps(chapter):
        drawn.save_html(target / name)
        told["maps"].append({"href": f"{mineral}/{name}", "title": title, "text": text})
    return told


def _maps(chapter: Chapter) -> Iterator[tuple[str, str, str, OfflineMap]]:
    """Yield the chapter's maps: file, title and text of its link, the map itself. One more map is one more yield."""
    title, zone = _title(chapter.mineral), forge(AS_OF)
    scenarios = [chapter.plan, chapter.answers["reroute_aligned"]]
    drawn = map_network(chapter.net, title=f"{title}: who supplies whom", scenarios=scenarios, alignment=zone)
    yield "map.html", "Who supplies whom", "Flows from mines to factories, today and after rerouting.", drawn
    countries, sites, straits = (chapter.answers[f"chokepoints_{what}"] for what in _FAILURES)
    heading = f"{title}: what hurts most if it fails"
    drawn = sites.map(title=heading, beside=[straits, countries], alignment=zone)
    yield "chokepoints.html", "What hurts most", "Sites, straits and countries by what is lost when they fail.", drawn
    drawn = chapter.answers["refining"].map(title=f"{title}: who refines", alignment=zone)
    yield "refining.html", "Who refines", "Countries by their share of refining, with intervals.", drawn
    drawn = chapter.answers["refining_by_owner"].map(title=f"{title}: who owns the refining", alignment=zone)
    yield "owners.html", "Who owns the refining", "Countries by what their companies refine, wherever it stands.", drawn
    drawn = chapter.answers["exposure"].map(title=f"{title}: what stands behind a country's demand")
    yield "exposure.html", "What stands behind demand", "All that is upstream of one country at a time.", drawn
    if "timeline" in chapter.answers:
        drawn = chapter.answers["timeline"].map(title=f"{title}: export restrictions over time", alignment=zone)
        text = f"What today's network would lose under the restrictions in force since {_SINCE[:4]}, day by day."
        yield "timeline.html", "Restrictions over time", text, drawn
    if "floor" in chapter.answers:
        drawn = chapter.answers["floor"].map(title=f"{title}: a price floor 20\u00a0% above today", alignment=zone)
        text = "Prices, duties and trade under a floor at the border; no level is proposed."
        yield "floor.html", "What a price floor does", text, drawn
    if "build" in chapter.answers:
        drawn = chapter.answers["build"].map(title=f"{title}: where to build", alignment=zone)
        yield "build.html", "Where to build", "Announced projects, and which would make shortages smaller.", drawn
    drawn = chapter.answers["policies"].map(title=f"{title}: policies side by side", alignment=zone)
    text = "The same shock under several policies: who ships what to whom, and who goes without."
    yield "policies.html", "Policies side by side", text, drawn


def _tables(chapter: Chapter, quality: pd.DataFrame, told: dict[str, Any]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the chapter's tables by name."""
    yield "key_figures", key_figures(chapter.answers, told["forge"]).reset_index(drop=True)
    yield "quality", quality.reset_index(drop=True)
    for name, answer in chapter.answers.items():
        for part, frame in answer.tables.items():
            yield (name if part == "table" else f"{name}_{part}"), frame
    for name in ("corrections", "fit"):
        frame = pd.DataFrame(chapter.net.meta.get(name, []))
        if len(frame):
            yield name, frame


def write_atlas(
    minerals: Sequence[str] | None,
    out: str | Path,
    *,
    progress: bool = False,
    workers: int = 2,
    notebooks: Sequence[Path] | None = None,
) -> Path:
    """Write the atlas and return the path of its index page.

    Everything is written beside the target first and moved there when it is whole, so an
    interruption or an error leaves what was there before.

    Parameters
    ----------
    minerals
        Bundled minerals; all when ``None`` or empty.
    out
        Folder to write. It may exist only if it is empty or an earlier atlas.
    progress
        Show a progress bar on stderr.
    workers
        Processes to use.
    notebooks
        Notebooks to run for the gallery; the bundled ones when ``None``, no gallery when empty. If what a gallery needs
        is not installed, the index page says how to get it.

    Raises
    ------
    UnknownNameError
        If a mineral is not bundled.
    DataError
        If ``out`` is a file, or a folder that is not an atlas.
    SupplyGraphError
        If a notebook fails; the message names the cell.
    OSError
        If ``out`` cannot be written.
    """
    chosen = _choose(minerals)
    books = gallery.notebooks() if notebooks is None else list(notebooks)
    lacking = bool(books) and bool(gallery.lacking())
    target = Path(out).absolute()
    with _beside(target) as work:
        parts = _write_parts(chosen, [] if lacking else books, work, progress=progress, workers=workers)
        site = Site(tuple((mineral["mineral"], mineral["title"]) for mineral in parts.told), bool(parts.ran))
        why = atlas_page.missing_gallery() if lacking else ""
        _write_pages(work, parts, site, why)
        mark = {"version": __version__, "minerals": chosen, "as_of": AS_OF}
        (work / _MARK).write_text(json.dumps(mark, indent=1) + "\n", encoding="utf-8")
    return target / "index.html"


@dataclass(frozen=True)
class _Parts:
    """What the jobs of an atlas told: chapters and notebooks in order, and the stockpile."""

    told: list[dict[str, Any]]
    ran: list[dict[str, Any]]
    stock: dict[str, Any] | None


def write_common(minerals: Sequence[str], folder: Path) -> dict[str, Any] | None:
    """Write the map of who is aligned, and of what Project Vault should hold; return what the page says of the latter.

    None where no mineral has a price.
    """
    net, zone = load(list(minerals)), forge(AS_OF)
    drawn = map_network(net, title=f"Who is aligned on {atlas_page.day(AS_OF)}", alignment=zone)
    drawn.save_html(folder / "alignment.html")
    try:
        answer, plain = atlas_policy.vault(net)
    except DataError:
        return None
    answer.map(title="Project Vault: what to hold", alignment=zone).save_html(folder / "vault.html")
    return plain


def _write_pages(work: Path, parts: _Parts, site: Site, why: str) -> None:
    """Write the pages that are made of what the chapters and the notebooks told."""
    told, ran = parts.told, parts.ran
    books = [gallery_page.summary(book) for book in ran]
    proofs = [mineral["evidence"] for mineral in told]
    pages = {
        "index.html": atlas_page.index(told, version=__version__, as_of=AS_OF, gallery=books, no_gallery=why),
        "policy.html": policy_page.policy(
            told, parts.stock, version=__version__, as_of=atlas_page.day(AS_OF), site=site
        ),
        "countries.html": country_page.countries(
            countries(told, AS_OF), version=__version__, as_of=atlas_page.day(AS_OF), site=site
        ),
        "evidence.html": evidence_page.evidence(proofs, version=__version__, site=site),
    }
    for mineral in told:
        page = tables_page.tables(mineral, version=__version__, site=site, names=mineral["names"])
        pages[f"{mineral['mineral']}/tables.html"] = page
    if ran:
        pages["gallery/index.html"] = gallery_page.gallery(books, version=__version__, site=site)
    for book in ran:
        page = gallery_page.notebook(book, version=__version__, site=site)
        pages[f"gallery/{place(book['name'])}.html"] = page
    for name, text in pages.items():
        (work / name).write_text(text, encoding="utf-8")


def _choose(minerals: Sequence[str] | None) -> list[str]:
    known = list(dict.fromkeys(datasets()["mineral"]))
    for name in minerals or ():
        if name not in known:
            raise UnknownNameError.of("mineral", name, known)
    return [name for name in known if not minerals or name in minerals]


def _write_parts(
    minerals: list[str], books: Sequence[Path], work: Path, *, progress: bool, workers: int
) -> _Parts:
    """Write chapters and the stockpile and run notebooks, each in a process; return what they told, in order."""
    with deaf():  # a compiled module that is interrupted while it loads fails in its own words
        from tqdm.auto import tqdm

    told: dict[str, dict[str, Any]] = {}
    ran: dict[Path, dict[str, Any]] = {}
    if books:
        (work / "gallery").mkdir()
    stock: dict[str, Any] | None = None
    with crew(min(workers, len(minerals) + len(books) + 1)) as pool:
        with deaf():
            vault = pool.submit(write_common, minerals, work)
            chapters = {pool.submit(write_chapter, mineral, work): mineral for mineral in minerals}
            runs = {pool.submit(gallery.run, book, work / "gallery"): book for book in books}
        jobs: dict[Any, object] = {**chapters, **runs, vault: None}
        with tqdm(total=len(jobs), disable=not progress, desc="atlas", unit="part") as bar:
            for job in as_completed(jobs):
                if job is vault:
                    stock = job.result()
                    bar.set_postfix_str("stockpile")
                elif job in chapters:
                    told[chapters[job]] = job.result()
                    bar.set_postfix_str(chapters[job])
                else:
                    ran[runs[job]] = job.result()
                    bar.set_postfix_str(f"notebook {runs[job].stem}")
                bar.update()
    return _Parts([told[mineral] for mineral in minerals], [ran[book] for book in books], stock)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a fresh folder beside the target; move it there at the end, or remove it."""
    if target.exists() and not target.is_dir():
        raise DataError(f"cannot write an atlas to {target}: it is a file; name a folder with --out")
    if target.is_dir() and any(target.iterdir()) and not (target / _MARK).is_file():
        raise DataError(
            f"cannot write an atlas to {target}: the folder holds something else (no {_MARK} in it); "
            "name an empty or a new folder with --out",
        )
    made: list[Path] = []
    work: Path | None = None
    try:
        with deaf():  # no folder is made that nobody knows of
            made = _make_parents(target.parent)
            work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        work.chmod(0o777 & ~_umask())
        yield work
        if target.exists():
            shutil.rmtree(target)
        work.replace(target)
    except BaseException:
        with deaf():
            if work is not None:
                shutil.rmtree(work, ignore_errors=True)
            for folder in made:
                folder.rmdir()
        raise


def _make_parents(parent: Path) -> list[Path]:
    """Make the missing parents and return them, innermost first."""
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SupplyGraphError(f"cannot write to {parent}: {reason}. Name a folder that can be written.") from None
    return missing


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
