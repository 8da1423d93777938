"""A brand colour made readable: WCAG contrast for whatever the owner picked."""

from __future__ import annotations

from dataclasses import dataclass

MIN_CONTRAST = 4.5
# What accents stand on, as in panel.css: a message, and how much of the accent tints a chip there.
LIGHT_SURFACE = "#f3f4f7"
DARK_SURFACE = "#23262e"
CHIP_TINT = 0.13

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
    ink = max(("#ffffff", "#000000"), key=lambda candidate: contrast(candidate, color))
    return Palette(
        fill=color,
        ink=ink,
        accent_light=_readable_on(color, LIGHT_SURFACE, towards="#000000"),
        accent_dark=_readable_on(color, DARK_SURFACE, towards="#ffffff"),
    )


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    light, dark = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _readable_on(color: str, surface: str, *, towards: str) -> str:
    for step in range(21):
        shade = mix(color, towards, step / 20)
        if contrast(shade, mix(surface, shade, CHIP_TINT)) >= MIN_CONTRAST:
            break
    return shade


def mix(color: str, other: str, share: float) -> str:
    """`color` with `share` (0 to 1) of `other` in it."""
    mixed = (round(a + (b - a) * share) for a, b in zip(_rgb(color), _rgb(other), strict=True))
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def _rgb(color: str) -> _Rgb:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(rgb: _Rgb) -> float:
    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
