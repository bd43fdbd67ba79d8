"""Who the letters are from, and in which colours they can be read."""

import re
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import dataclass

PAPER, NIGHT = "#ffffff", "#242423"  # what letters are written on, by day and in dark mode
_LEGIBLE = 4.5  # WCAG 2.2, 1.4.3: contrast of text, at the least
_STEPS = 20


@dataclass(frozen=True)
class Brand:
    """The shop as letters show it. `colour` is `#rrggbb`; `shop_url` has no slash at its end; an empty
    `address` is not shown. Raises ValueError for a colour that is none."""

    name: str
    colour: str
    address: str
    shop_url: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.colour):
            raise ValueError(f"{self.colour!r} is no colour; it must look like #1f4d3a")

    @property
    def accent(self) -> str:
        """The colour as it can be read on paper."""
        return legible(self.colour, PAPER)

    @property
    def on_accent(self) -> str:
        return opposite(self.accent)

    @property
    def dark_accent(self) -> str:
        """The colour as it can be read in dark mode."""
        return legible(self.colour, NIGHT)

    @property
    def on_dark_accent(self) -> str:
        return opposite(self.dark_accent)


def legible(colour: str, ground: str) -> str:
    """The colour, its hue kept, darkened or lightened as far as it must be to be read on that ground."""
    hue, light, saturation = rgb_to_hls(*(part / 255 for part in _channels(colour)))
    end = 1 if opposite(ground) == "#ffffff" else 0
    lights = [light + (end - light) * step / _STEPS for step in range(1, _STEPS + 1)]
    shades = [colour, *(_hex(hls_to_rgb(hue, lightness, saturation)) for lightness in lights)]
    return next(shade for shade in shades if contrast(shade, ground) >= _LEGIBLE)


def opposite(ground: str) -> str:
    """Black or white, whichever is read better on that ground."""
    return max("#ffffff", "#000000", key=lambda ink: contrast(ink, ground))


def contrast(one: str, other: str) -> float:
    """How far two colours are apart, 1 to 21 (WCAG 2.2, contrast ratio)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [part / 255 for part in _channels(colour)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))
