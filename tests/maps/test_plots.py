"""Charts draw the numbers of the table, say what is missing, and can be read at every size."""

from __future__ import annotations

import builtins
import warnings

import maptoys
import matplotlib as mpl
import numpy as np
import pandas as pd
import plotting
import pytest
from matplotlib import pyplot as plt

import supplygraph as sg
from supplygraph.errors import DataError, MissingDependencyError, UnknownNameError
from supplygraph.maps import plots
from supplygraph.maps.plots import style
from supplygraph.results import Result

SIZES = tuple(style.SIZES)


@pytest.fixture(scope="module")
def answers():
    """An answer of every kind that has a picture, about cobalt."""
    net = sg.load("cobalt")
    many = sg.ensemble(net, 20, seed=0)
    zone = sg.forge("2026-07-01")
    china = sg.Shock.close(country="CHN", stage="refining", keep=0.5)
    return {
        "concentration": sg.concentration(many),
        "sites": sg.concentration(net, by="node"),
        "centrality": sg.refining_centrality(many),
        "factories": sg.refining_centrality(net, per="factory"),
        "exposure": sg.exposure(many, rows="country", stage="mining"),
        "straits": sg.exposure(net, to="passage"),
        "failures": sg.chokepoints(net, by="country", lenses=("capacity",)),
        "attack": sg.interdict(net, k=2, by="country"),
        "defence": sg.defend(net, k=2, j=1, by="country"),
        "rerouting": sg.reroute(net, china, alignment=zone, require="linked"),
        "frontier": sg.alignment_frontier(net, china, alignment=zone, shares=[0, 0.5, 1]),
        "evidence": sg.evidence(many),
        "risk": sg.supply_risk(net),
    }


PICTURES = [
    ("concentration", "bars", {}), ("concentration", "lorenz", {}), ("sites", "bars", {}), ("centrality", "bars", {}),
    ("factories", "bars", {}), ("exposure", "stacked", {}), ("exposure", "bars", {"row": "KOR"}),
    ("exposure", "bars", {}), ("straits", "stacked", {}), ("failures", "bars", {}),
    ("failures", "bars", {"column": "throughput_t"}), ("attack", "unmet", {}), ("defence", "bars", {}),
    ("rerouting", "unmet", {}), ("rerouting", "displaced", {"by": "country"}), ("evidence", "dots", {}),
    ("risk", "bars", {}), ("frontier", "frontier", {}),
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "kind", "options"), PICTURES)
def test_every_chart_can_be_read_at_every_size(answers, name, kind, options, size):
    axes = np.ravel(answers[name].plot(kind, size=size, **options))[0]
    plotting.check_readable(axes)
    assert axes.figure.get_size_inches()[0] == pytest.approx(style.SIZES[size].width)
    told = plotting.caption(axes)
    assert "supplygraph" in told
    assert answers[name].network.fingerprint[:8] in told
    assert "2025" in told or name == "risk"
    assert "draws" in told or "No interval" in told or "no interval" in told or name == "risk"
    [title] = plotting.texts(axes, "title")
    assert title


def test_the_usual_picture_is_the_first(answers):
    assert plots.kinds(answers["concentration"]) == ("bars", "lorenz")
    assert plots.kinds(answers["rerouting"]) == ("unmet", "displaced")
    assert plots.kinds(Result(title="x", table=pd.DataFrame())) == ()


# -- the numbers --------------------------------------------------------------------------------------------------


def test_concentration_draws_its_shares_and_intervals(answers):
    answer = answers["concentration"]
    axes = answer.plot(top=5)
    shares = [*answer.table["share"].head(5), answer.table["share"].iloc[5:].sum(), answer.unknown_share]
    np.testing.assert_allclose(plotting.widths(axes), 100 * np.array(shares))
    lines = [line.get_xdata() for line in plotting.parts(axes, "interval")]
    named = answer.table.head(5)[["share_low", "share_high"]].to_numpy()
    unknown = [answer.figures["unknown_share_low"], answer.figures["unknown_share_high"]]
    np.testing.assert_allclose(lines, 100 * np.array([*named, unknown]))
    assert plotting.texts(axes, "name")[:2] == ["China", "Finland"]
    assert plotting.texts(axes, "name")[5:] == ["6 other countries", "No known name"]
    assert "5 to 95\u00a0% of 20 draws" in plotting.caption(axes)
    assert "The sum of the others has no interval" in plotting.caption(axes)


def test_without_draws_no_whisker_is_drawn(answers):
    for answer in (sg.concentration(sg.load("cobalt")), answers["factories"], answers["failures"]):
        axes = answer.plot()
        assert plotting.parts(axes, "interval") == []
        assert "No intervals: ask it of sg.ensemble(net, 200) for them" in plotting.caption(axes)


def test_plain_quantities_name_no_network():
    axes = sg.concentration({"CHN": 750.0, "JPN": 150.0, "OTH": 100.0}).plot()
    np.testing.assert_allclose(plotting.widths(axes), [75, 15, 10])
    assert "from quantities given by the caller" in plotting.caption(axes)
    assert [bar.get_hatch() for bar in plotting.parts(axes, "bar")] == ["", "", style.HATCH]


def test_centralities_add_up_to_the_index(answers):
    answer = answers["centrality"]
    axes = answer.plot(top=7)
    assert sum(plotting.widths(axes)) == pytest.approx(answer.hhi)
    np.testing.assert_allclose(plotting.widths(axes)[:7], answer.table["centrality"].head(7))
    lines = [line.get_xdata() for line in plotting.parts(axes, "interval")]
    np.testing.assert_allclose(lines, answer.table.head(7)[["centrality_low", "centrality_high"]])
    straits = sg.refining_centrality(sg.load("cobalt"), of="passages").plot()
    assert plotting.parts(straits, "interval") == []  # an upper bound alone is no interval
    assert "overlap" in " ".join(plotting.texts(straits, "told"))


def test_failures_are_ranked_and_what_was_not_computed_stays_missing(answers):
    answer = answers["failures"]
    np.testing.assert_allclose(plotting.widths(answer.plot(top=3)), answer.table["loss_t"].head(3) / 1000)
    table = answer.table
    table.loc["CHN", "loss_t"] = np.nan
    axes = answer.extended(tables={"table": table}).plot(top=20, size="page")
    names = plotting.texts(axes, "name")
    assert len(plotting.widths(axes)) == len(names)  # none is cut off by the rows
    whole = answer.extended(tables={"table": table.head(6)}).plot(size="page")
    assert plotting.texts(whole, "name")[-1] == "China"
    assert plotting.texts(whole, "label")[-1] == "not computed"
    assert len(plotting.widths(whole)) == 5


def test_straits_are_ranked_by_days():
    answer = sg.chokepoints(maptoys.network(), by="passage")
    axes = answer.plot()
    np.testing.assert_allclose(sorted(plotting.widths(axes)), sorted(answer.table["days"]))
    assert "days" in axes.get_xlabel()


def test_a_stack_is_the_whole_of_each_row(answers):
    answer = answers["exposure"]
    axes = answer.plot(top=6)
    rows = answer.table.sort_values("demand_t", ascending=False).head(6)
    total, drawn = np.zeros(6), {}
    for bars in axes.containers:
        name = bars.patches[0].get_gid().removeprefix("share ")
        drawn[name] = [bar.get_width() for bar in bars]
        np.testing.assert_allclose([bar.get_x() for bar in bars], total, atol=1e-9)
        total += drawn[name]
    np.testing.assert_allclose(total, 100)
    np.testing.assert_allclose(drawn["COD"], 100 * rows["COD"])
    refined = sg.exposure(sg.load("cobalt"), rows="country", bounds=False)
    axes = refined.plot()
    [unknown] = [bars for bars in axes.containers if bars.patches[0].get_gid() == "share unknown"]
    largest = refined.table.sort_values("demand_t", ascending=False).head(12)
    np.testing.assert_allclose([bar.get_width() for bar in unknown], 100 * largest["unknown"])
    hatched = {bars.patches[0].get_gid() for bars in axes.containers if bars.patches[0].get_hatch()}
    assert "share unknown" in hatched
    assert "share CHN" not in hatched


def test_one_row_has_direct_traced_and_bounds(answers):
    answer = answers["exposure"]
    axes = answer.plot("bars", row="KOR", top=4)
    side = answer.side_by_side.query("row == 'KOR'")
    most = side.assign(most=side[["direct", "traced"]].max(axis=1)).sort_values("most", ascending=False).head(4)
    for kind in ("traced", "direct"):
        np.testing.assert_allclose(plotting.widths(axes, kind), 100 * most[kind])
    lines = [line.get_xdata() for line in plotting.parts(axes, "interval")]
    np.testing.assert_allclose(lines, 100 * most[["low", "high"]])
    bounds = [line.get_xdata() for line in plotting.parts(axes, "bound")]
    apart = most[most["bound_high"] - most["bound_low"] > 1e-9]
    assert len(apart)
    np.testing.assert_allclose(bounds, 100 * apart[["bound_low", "bound_high"]])
    mean = answer.plot("bars")
    assert plotting.parts(mean, "interval") == plotting.parts(mean, "bound") == []
    weight = answer.table["demand_t"] / answer.table["demand_t"].sum()
    place = plotting.texts(mean, "name").index("DR Congo")
    assert plotting.widths(mean, "traced")[place] == pytest.approx(100 * (answer.table["COD"] * weight).sum())
    assert "no intervals of its own" in plotting.caption(mean)


def test_who_goes_without(answers):
    plan = answers["rerouting"]
    ranked = plan.unmet.sort_values("unmet_t", ascending=False)
    axes = plan.plot(top=5)
    bars = plotting.widths(axes)
    np.testing.assert_allclose(bars[:5], ranked["unmet_t"].head(5) / 1000)
    assert sum(bars) == pytest.approx(plan.figures["unmet_t"] / 1000)
    np.testing.assert_allclose(plotting.widths(axes, "whole")[:5], ranked["demand_t"].head(5) / 1000)
    by_country = plan.unmet.assign(country=plan.unmet["country"].fillna("-")).groupby("country")["unmet_t"].sum()
    whole = plan.plot(by="country", top=20)
    np.testing.assert_allclose(plotting.widths(whole), sorted(by_country[by_country > 0] / 1000, reverse=True))
    assert "No known country" in plotting.texts(whole, "name")
    displaced = plan.plot("displaced", top=20)
    assert sum(plotting.widths(displaced)) == pytest.approx(plan.displaced["displaced_t"].sum() / 1000)
    lost = answers["attack"]
    assert sum(plotting.widths(lost.plot())) == pytest.approx(lost.figures["loss_t"] / 1000)
    saved = answers["defence"]
    np.testing.assert_allclose(plotting.widths(saved.plot()),
                               [saved.figures["before_t"] / 1000, saved.figures["loss_t"] / 1000])


def test_evidence_stands_beside_what_is_published(answers):
    answer = answers["evidence"]
    axes = answer.plot(top=6)
    names = plotting.texts(axes, "name")
    points = [(float(ours.get_xdata()[0]), float(theirs.get_xdata()[0]), ours.get_marker()) for ours, theirs in
              zip(plotting.parts(axes, "ours"), plotting.parts(axes, "published"), strict=True)]
    assert len(points) == 6
    known = {(round(100 * row.ours, 6), round(100 * row.published, 6), row.verdict)
             for row in answer.table.itertuples()}
    for ours, theirs, marker in points:
        assert (round(ours, 6), round(theirs, 6), "disagrees" if marker == "D" else "agrees") in known
    apart = [abs(ours - theirs) for ours, theirs, _ in points]
    assert apart == sorted(apart, reverse=True)
    assert all(name[:4].isdigit() for name in names)
    assert "figures in other units" in plotting.caption(axes)


def test_the_frontier_draws_the_numbers_of_its_table():
    shock, zone = sg.Shock.close(node="mine-b"), sg.forge("2026-07-01")
    answer = sg.alignment_frontier(maptoys.network(), shock, alignment=zone, shares=[0, 0.5, 0.8, 1])
    upper, lower = answer.plot()
    table = answer.table
    lines = {line.get_label(): line for line in upper.get_lines()}
    assert np.ptp(table["zone_served_t"]) > 0  # the case has something to show
    for label, tonnes in (("served", table["zone_served_t"]),
                          ("asked for", table["zone_served_t"] + table["zone_unmet_t"])):
        x, y = lines[label].get_data()
        np.testing.assert_allclose(x, 100 * table.index.to_numpy())
        np.testing.assert_allclose(y * (1000 if "kt" in upper.get_ylabel() else 1), tonnes)
    np.testing.assert_allclose(lower.get_lines()[0].get_ydata(), table["change_usd"] / table["zone_served_t"])
    assert "USD per" in lower.get_ylabel()
    assert "%" in lower.get_xlabel()
    assert upper.get_shared_x_axes().joined(upper, lower)
    table.loc[1.0, ["zone_served_t", "zone_unmet_t"]] = 0.0, float(table["zone_served_t"].iloc[0])
    none = answer.extended(tables={"table": table}).plot()
    assert np.isnan(none[1].get_lines()[0].get_ydata()[-1])  # nothing served has no cost


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"kind": "pie"}, UnknownNameError, "Known: bars, lorenz"),
    ({"kind": "lorentz"}, UnknownNameError, "Did you mean 'lorenz'"),
    ({"size": "poster"}, UnknownNameError, "column, page, slide"),
    ({"top": 0}, DataError, "from 1 to 20"),
    ({"top": 21}, DataError, 'size="page"'),
    ({"top": True}, DataError, "whole number"),
    ({"row": "KOR"}, UnknownNameError, "option of kind='bars' 'row'"),
    ({"ax": "here"}, DataError, "expected axes"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(answers, options, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(")):
        answers["concentration"].plot(**options)


def test_more_refusals(answers):
    with pytest.raises(DataError, match=r"has no picture.*Read its \.table"):
        Result(title="x", table=pd.DataFrame()).plot()
    with pytest.raises(UnknownNameError, match="'KOR'"):
        answers["exposure"].plot("bars", row="KRO")
    with pytest.raises(UnknownNameError, match="loss_t"):
        answers["failures"].plot(column="lost")
    with pytest.raises(UnknownNameError, match="country, node"):
        answers["rerouting"].plot(by="owner")
    with pytest.raises(DataError, match="2 axes"):
        answers["frontier"].plot(ax=plt.figure().add_subplot())
    plt.close("all")


def test_without_matplotlib_the_message_has_the_install_line(answers, monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingDependencyError, match="pip install 'matplotlib"):
        answers["concentration"].plot()


# -- words that are not ours --------------------------------------------------------------------------------------

ODD = ["$x^2$ and \\frac{1}{2}", "{curly} \\alpha $", "A mine with " + "a very long name " * 12, "مصنع الكوبالت",
       "\u202eevil\u202c \u0007bell", "矿山 \U0001f48e", "a\nb\tc", "e" + "\u0301" * 60, "<b>&amp;</b>", "% _ ^ # ~"]


@pytest.mark.parametrize("size", ["slide", "column"])
def test_odd_names_are_drawn_as_they_are(size, tmp_path):
    made = pd.DataFrame({"quantity_t": np.arange(len(ODD), 0, -1.0)}, index=pd.Index(ODD, name="node"))
    answer = sg.concentration(dict(zip(ODD, made["quantity_t"], strict=True)), by="node")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = answer.plot(size=size)
        plotting.check_readable(axes)
        for kind in plots.FORMATS:
            plots.save(axes, tmp_path / f"odd{kind}")
    names = plotting.texts(axes, "name")
    assert names[0] == ODD[0] or names[0].endswith("…")
    assert any(name.endswith("…") for name in names)
    assert not any("\u202e" in name or "\n" in name or "\u0007" in name for name in names)
    assert not any(text.get_parse_math() for text in axes.figure.findobj(mpl.text.Text) if text.get_gid())


def test_odd_titles_and_countries():
    odd = "$\\frac{x}$ " * 30
    net = maptoys.network(countries={"CHN": odd, "FIN": "中国"}, names={"ref-a": odd})
    for size in SIZES:
        for axes in (net.plot(size=size), sg.concentration(net).plot(size=size),
                     sg.concentration(net, by="node").plot(size=size), sg.exposure(net).plot(size=size)):
            plotting.check_readable(axes)
    answer = Result.extended(sg.concentration(net))
    answer.__dict__["title"] = odd
    plotting.check_readable(answer.plot(size="column"))


# -- no traces left -----------------------------------------------------------------------------------------------


def test_thirty_charts_leave_nothing_behind(answers):
    before = dict(mpl.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(30):
            answers["risk"].plot(size="column")
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_the_callers_style_does_not_leak_in(answers, tmp_path):
    plain = plots.save(answers["concentration"].plot(), tmp_path / "plain.svg").read_bytes()
    loud = {"font.size": 30, "axes.facecolor": "black", "axes.grid": True, "text.usetex": True, "lines.linewidth": 9,
            "axes.prop_cycle": mpl.cycler(color=["red"]), "xtick.labelsize": 40, "hatch.linewidth": 8,
            "savefig.bbox": "tight", "figure.constrained_layout.use": True, "axes.titlesize": 50,
            "patch.force_edgecolor": True}  # fmt: skip
    with mpl.rc_context(loud):
        assert plots.save(answers["concentration"].plot(), tmp_path / "loud.svg").read_bytes() == plain
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("kind", plots.FORMATS)
def test_the_same_chart_is_the_same_file(answers, tmp_path, kind):
    for name in ("frontier", "exposure"):
        first, second = (plots.save(answers[name].plot(), tmp_path / f"{name}-{turn}{kind}") for turn in "ab")
        assert first.stat().st_size > 5_000
        assert first.read_bytes() == second.read_bytes()


def test_files(answers, tmp_path):
    axes = answers["risk"].plot()
    with pytest.raises(DataError, match=r"expected \.png"):
        plots.save(axes, tmp_path / "chart.doc")
    assert list(tmp_path.iterdir()) == []
    assert plt.imread(plots.save(axes, tmp_path / "slide.png")).shape[:2] == (1080, 1920)
    column = plt.imread(plots.save(answers["risk"].plot(size="column"), tmp_path / "column.png"))
    assert column.shape[1] == 1050


def test_axes_of_ones_own(answers):
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 6), layout="constrained")
    assert answers["concentration"].plot(ax=left, size="page") is left
    assert sg.load("cobalt").plot(ax=right, size="page") is right
    assert len(figure.axes) == 2
    assert left.get_title(loc="left").startswith("Concentration of cobalt")
    pair = plt.subplots(2, 1, sharex=True)[1]
    assert list(answers["frontier"].plot(ax=pair)) == list(pair)
    plt.close("all")


def test_a_chart_shows_in_a_notebook(tmp_path):
    """At the end of a cell, and all of a loop; nothing but pictures and their words comes out."""
    import nbclient
    import nbformat

    cells = [("import warnings; warnings.simplefilter('error')\nimport supplygraph as sg\n"
             "answer = sg.concentration({'CHN': 3.0, 'JPN': 1.0})\nanswer.plot()"),
             "for _ in range(22):\n    answer.plot(size='column')",
             "from matplotlib import pyplot as plt\nprint(plt.get_fignums())"]  # fmt: skip
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own start
        nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute(cwd=str(tmp_path))
    pictures = [sum("image/png" in out.get("data", {}) for out in cell["outputs"]) for cell in book.cells]
    assert pictures == [1, 22, 0]
    assert book.cells[2]["outputs"][0]["text"].strip() == "[]"


#: Least difference of two suppliers by sight, of 100 from black to white; about 2 is just seen side by side.
LEAST = {"all cones": 10, "protan": 10, "deutan": 10, "tritan": 2.5}  # names stand beside the colours too


# -- colours ------------------------------------------------------------------------------------------------------


def test_suppliers_differ_without_red_and_green():
    from test_theme import SIGHT, contrast, least

    assert all(least(style.SERIES, sight) > LEAST[sight] for sight in SIGHT)
    assert all(contrast(colour, "#ffffff") > 1.6 for colour in style.SERIES)


def test_words_in_segments_reach_wcag_aa():
    from test_theme import contrast

    from supplygraph.maps.plots.exposed import ink_on

    for colour in style.SERIES:
        assert contrast(ink_on(colour), colour) >= 3.0, colour
