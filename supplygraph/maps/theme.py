"""How pages look: colours, type and widths, each named once and handed to CSS and script alike."""

from __future__ import annotations

#: Colours by role. Kinds of site also differ by shape, so no reading hangs on hue alone.
COLOURS: dict[str, str] = {
    "ocean": "#e3ebf0",
    "land": "#faf8f3",
    "border": "#d3ccbd",
    "ink": "#1f2a33",
    "mute": "#566470",
    "line": "#d5dce1",
    "paper": "#ffffff",
    "accent": "#0b6a78",
    "focus": "#b93a06",
    "lane": "#0b6a78",
    "land_leg": "#75561f",
    "more": "#c2410c",
    "less": "#2457b8",
    "same": "#8b969e",
    "closed": "#b3151b",
    "mine": "#8f5a14",
    "refinery": "#7a35a3",
    "factory": "#25724a",
    "port": "#33566b",
    "passage": "#1f2a33",
}

#: Country fills by share: under 1, 5, 15, 30 %, and more.
SHARES: tuple[str, ...] = ("#f6efdf", "#f1e2c2", "#ead2a1", "#e0bb7c", "#d29f55")
SHARE_STEPS: tuple[float, ...] = (0.01, 0.05, 0.15, 0.30)

#: Country fills by alignment tier, from inside out.
TIERS: dict[str, str] = {
    "core": "#9cc3dd",
    "linked": "#bcd8e6",
    "engaged": "#d8e9ee",
    "unaligned": "#f3efe4",
    "rival": "#f0d3c2",
}

#: Line colours by position of the product in its chain, raw first.
PRODUCTS: tuple[str, ...] = ("#0b6a78", "#9a4d16", "#6d3a9c", "#25724a", "#a8326b", "#4a5a12")

FONT = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif'

#: Strokes in pixels at the scale of the whole world; the page widens them when zoomed in.
WIDTHS: dict[str, float] = {"lane": 9.0, "leg": 5.0, "link": 3.0, "least": 0.7, "site": 13.0, "passage": 9.0,
                            "failure": 17.0, "strait": 12.0}


def variables() -> str:
    """Return the colours and the font as CSS custom properties.

    Examples
    --------
    >>> variables().splitlines()[1]
    '  --ocean: #e3ebf0;'
    """
    lines = [f"  --{name.replace('_', '-')}: {colour};" for name, colour in COLOURS.items()]
    return ":root {\n" + "\n".join([*lines, f"  --font: {FONT};"]) + "\n}\n"


def for_script() -> dict[str, object]:
    """Return everything the drawing script needs to know about the look."""
    return {
        "colours": COLOURS,
        "shares": SHARES,
        "steps": SHARE_STEPS,
        "tiers": TIERS,
        "products": PRODUCTS,
        "font": FONT,
        "widths": WIDTHS,
    }
