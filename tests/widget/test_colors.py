from __future__ import annotations

import pytest

from widget.colors import CHIP_TINT, DARK_SURFACE, LIGHT_SURFACE, contrast, mix, palette


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.01)


@pytest.mark.parametrize(
    "color",
    ["#000000", "#ffffff", "#ffff00", "#2450d3", "#ff7a00", "#808080", "#00e5ff", "#330000"],
)
def test_every_brand_colour_stays_readable(color: str) -> None:
    shades = palette(color)

    assert contrast(shades.ink, shades.fill) >= 4.5
    for accent, surface in (
        (shades.accent_light, LIGHT_SURFACE),
        (shades.accent_dark, DARK_SURFACE),
    ):
        assert contrast(accent, surface) >= 4.5
        assert contrast(accent, mix(surface, accent, CHIP_TINT)) >= 4.5


def test_a_colour_that_reads_well_is_left_alone() -> None:
    assert palette("#2450d3").accent_light == "#2450d3"
