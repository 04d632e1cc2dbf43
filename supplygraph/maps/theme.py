"""How pages look: colours, type and widths, each named once and handed to CSS, scripts and charts alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Colours of one mode.

    Attributes
    ----------
    colours
        By role. Kinds of site also differ by shape, so no reading hangs on hue alone.
    shares
        Country fills by share: under 1, 5, 15, 30 %, and more; each further from the land than the one before.
    tiers
        Country fills by alignment tier, from inside out.
    products
        Line colours by position of the product in its chain, raw first.
    """

    colours: dict[str, str]
    shares: tuple[str, ...]
    tiers: dict[str, str]
    products: tuple[str, ...]


LIGHT = Palette(
    colours={
        "ocean": "#e3ebf0",
        "land": "#faf8f3",
        "border": "#d3ccbd",
        "ink": "#1f2a33",
        "mute": "#566470",
        "line": "#d5dce1",
        "paper": "#ffffff",
        "halo": "#ffffff",
        "edge": "#8fa0ab",
        "wash": "#e2f0f2",
        "on_accent": "#ffffff",
        "accent": "#0b6a78",
        "focus": "#b93a06",
        "lane": "#0b6a78",
        "land_leg": "#75561f",
        "more": "#ab3704",
        "less": "#2457b8",
        "same": "#8b969e",
        "closed": "#b3151b",
        "mine": "#83400a",
        "refinery": "#7326a8",
        "factory": "#2f6b4f",
        "port": "#2e485d",
        "passage": "#1f2a33",
    },
    shares=("#f4ead3", "#f0ddb3", "#eed197", "#ecc272", "#efb852"),
    tiers={
        "core": "#9cc7dc",
        "linked": "#bcd8e6",
        "engaged": "#d8e9ee",
        "unaligned": "#f3efe4",
        "rival": "#f0c4a8",
    },
    products=("#35717d", "#a35310", "#8035b6", "#0b3d0a", "#7a2853", "#5a4c06"),
)

DARK = Palette(
    colours={
        "ocean": "#0f1a22",
        "land": "#22303a",
        "border": "#3d4e5a",
        "ink": "#e8eef2",
        "mute": "#a7b6c1",
        "line": "#33444f",
        "paper": "#17232c",
        "halo": "#0b141b",
        "edge": "#5f7482",
        "wash": "#1d3a42",
        "on_accent": "#06222a",
        "accent": "#5cc8d6",
        "focus": "#ffb07a",
        "lane": "#53c4d4",
        "land_leg": "#d6b06a",
        "more": "#ff9a5c",
        "less": "#82b1ff",
        "same": "#8a98a2",
        "closed": "#ff8f8a",
        "mine": "#e0a458",
        "refinery": "#dc9bf5",
        "factory": "#5fcf97",
        "port": "#a6cbe0",
        "passage": "#f2f6f9",
    },
    shares=("#2d3833", "#3c3c2c", "#4c4127", "#5c4419", "#6b480e"),
    tiers={
        "core": "#304a94",
        "linked": "#2b4e67",
        "engaged": "#293e4c",
        "unaligned": "#262f36",
        "rival": "#633825",
    },
    products=("#57cdf7", "#ff7f2e", "#8296ff", "#affbdd", "#fb97aa", "#f3df3c"),
)

#: What a page is drawn in unless the reader's system, or the reader, asks for dark.
COLOURS, SHARES, TIERS, PRODUCTS = LIGHT.colours, LIGHT.shares, LIGHT.tiers, LIGHT.products

SHARE_STEPS: tuple[float, ...] = (0.01, 0.05, 0.15, 0.30)

FONT = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif'

#: Strokes in pixels at the scale of the whole world; the page widens them when zoomed in.
WIDTHS: dict[str, float] = {"lane": 9.0, "leg": 5.0, "link": 3.0, "least": 0.7, "site": 13.0, "passage": 9.0,
                            "failure": 17.0, "strait": 12.0}


def variables() -> str:
    """Return the colours and the font as CSS custom properties, for light and dark.

    Dark applies where the reader's system asks for it, unless the page says ``data-mode="light"``, and wherever the
    page says ``data-mode="dark"``. Print is always light.

    Examples
    --------
    >>> variables().splitlines()[1]
    '  --ocean: #e3ebf0;'
    """
    light, dark = _properties(LIGHT), _properties(DARK)
    dark.append("  color-scheme: dark;")
    blocks = [
        _block(":root", [*light, f"  --font: {FONT};", "  color-scheme: light;"]),
        "@media screen and (prefers-color-scheme: dark) {\n" + _block(':root:not([data-mode="light"])', dark) + "\n}",
        "@media screen {\n" + _block(':root[data-mode="dark"]', dark) + "\n}",
    ]
    return "\n".join(blocks) + "\n"


def _properties(palette: Palette) -> list[str]:
    return [f"  --{name.replace('_', '-')}: {colour};" for name, colour in palette.colours.items()]


def _block(selector: str, lines: list[str]) -> str:
    return selector + " {\n" + "\n".join(lines) + "\n}"


def for_script() -> dict[str, object]:
    """Return everything the drawing script needs to know about the look; colours by mode."""
    modes = {
        name: {"colours": mode.colours, "shares": mode.shares, "tiers": mode.tiers, "products": mode.products}
        for name, mode in (("light", LIGHT), ("dark", DARK))
    }
    return {**modes, "steps": SHARE_STEPS, "font": FONT, "widths": WIDTHS}
