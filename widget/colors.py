"""A brand colour made readable: WCAG contrast for whatever the owner picked."""

from __future__ import annotations

from dataclasses import dataclass

MIN_CONTRAST = 4.5
# The panel's own surfaces, as in panel.css.
LIGHT_SURFACE = "#ffffff"
DARK_SURFACE = "#16181d"

_Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """`fill` is the owner's colour, `ink` the text on it; accents are its shades for text."""

    fill: str
    ink: str
    accent_light: str
    accent_dark: str


def palette(color: str) -> Palette:
    """`color` is `#rrggbb`."""
    ink = max(("#ffffff", "#111318"), key=lambda candidate: contrast(candidate, color))
    return Palette(
        fill=color,
        ink=ink,
        accent_light=_readable_on(color, LIGHT_SURFACE, towards=(0, 0, 0)),
        accent_dark=_readable_on(color, DARK_SURFACE, towards=(255, 255, 255)),
    )


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    light, dark = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _readable_on(color: str, surface: str, *, towards: _Rgb) -> str:
    start = _rgb(color)
    for step in range(21):
        mixed = tuple(round(a + (b - a) * step / 20) for a, b in zip(start, towards, strict=True))
        shade = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast(shade, surface) >= MIN_CONTRAST:
            break
    return shade


def _rgb(color: str) -> _Rgb:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(rgb: _Rgb) -> float:
    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
