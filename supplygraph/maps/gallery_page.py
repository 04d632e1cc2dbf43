"""The pages of the gallery: what a notebook says, does and shows, as a page that runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.maps import notebook_text
from supplygraph.maps.page import Tag, html
from supplygraph.maps.sheet import Site, frame, place, way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def summary(told: Mapping[str, Any]) -> dict[str, str]:
    """Return name, title and first paragraph of a notebook that was run."""
    source = next((cell["source"] for cell in told["cells"] if cell["kind"] == "markdown"), "")
    title, rest = notebook_text.heading(source)
    first = rest.split("\n\n")[0]
    words = " ".join(_words(notebook_text.markdown(first)).split())
    return {"name": told["name"], "title": title or told["name"], "text": words}


def _words(parts: Sequence[Tag | str]) -> str:
    return "".join(part if isinstance(part, str) else _words(part.children) for part in parts)


def gallery(summaries: Sequence[Mapping[str, str]], *, version: str, site: Site | None = None) -> str:
    """Return the first page of the gallery.

    Parameters
    ----------
    summaries
        Of :func:`summary`, in order.
    version
        Of supplygraph.
    site
        The atlas, as seen from its folder.
    """
    items = [
        html.li(
            html.h2(html.a(told["title"], href=f"{place(told['name'])}.html")),
            html.p(told["text"]) if told["text"] else None,
        )
        for told in summaries
    ]
    return frame(
        title="Notebooks",
        header=[
            html.p("supplygraph atlas", class_="kicker"),
            html.h1("Notebooks: the questions worked through"),
            html.p(
                "Each notebook was run from top to bottom when this atlas was made. Text, code and answers stand in "
                "order; maps open as pages of their own. Flows between sites are estimates.",
                class_="lead",
            ),
        ],
        body=[html.ul(items, class_="books")],
        version=version,
        site=site.below() if site else None,
        here="gallery",
        style=("gallery.css",),
    )


def notebook(told: Mapping[str, Any], *, version: str, site: Site | None = None) -> str:
    """Return the page of one notebook.

    Parameters
    ----------
    told
        Of :func:`supplygraph.gallery.run`.
    version
        Of supplygraph.
    site
        The atlas, as seen from its folder.
    """
    about = summary(told)
    body: list[Tag] = []
    level = 1
    titled = False
    for cell in told["cells"]:
        if cell["kind"] == "markdown":
            source = cell["source"]
            if not titled:
                source, titled = notebook_text.heading(source)[1], True
            made = notebook_text.markdown(source, after=level)
            levels = [int(part.name[1]) for part in made if isinstance(part, Tag) and part.name in _LEVELS]
            level = levels[-1] if levels else level
            body.append(html.div(made, class_="says"))
        elif cell["source"].strip():
            shown = [_shown(output) for output in cell["outputs"]]
            body.append(html.div(notebook_text.code(cell["source"]), shown, class_="does"))
    return frame(
        title=about["title"],
        header=[
            html.p(html.a("All notebooks", href="index.html"), class_="kicker"),
            html.h1(about["title"]),
        ],
        body=body,
        version=version,
        site=site.below() if site else None,
        here="gallery",
        style=("gallery.css",),
        closing=f"Made by running {about['name']}.ipynb.",
    )


_LEVELS = {f"h{level}" for level in range(1, 7)}


def _shown(output: Mapping[str, Any]) -> Tag:
    """Return one output."""
    kind = output["kind"]
    if kind == "map":
        words = f"Open the map: {output['title']}"
        return html.p(html.a(words, href=way(output["href"]), class_="open"), class_="shows")
    if kind == "picture":
        return html.p(html.img(src=output["src"], alt="Picture made by the code above"), class_="shows")
    if kind == "html":
        return html.div(notebook_text.tree(output["html"]), class_="shows")
    return html.pre(output["text"].rstrip("\n"), class_="shows", tabindex="0")
