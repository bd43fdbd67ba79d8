"""The shop's brand in emails, with colours that meet WCAG's contrast."""

import re
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import dataclass

LIGHT_GROUND, DARK_GROUND = "#ffffff", "#242423"
_MIN_CONTRAST = 4.5  # to 1; WCAG 2.2, 1.4.3
_STEPS = 20


@dataclass(frozen=True)
class Brand:
    """The shop as emails show it. `colour` is `#rrggbb`; `shop_url` has no trailing slash; an empty `address`
    is not shown. Raises ValueError if the colour is invalid."""

    name: str
    colour: str
    address: str
    shop_url: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.colour):
            raise ValueError(f"invalid colour {self.colour!r}; use the form #1f4d3a")

    @property
    def accent(self) -> str:
        """The colour, legible on the light ground."""
        return legible(self.colour, LIGHT_GROUND)

    @property
    def on_accent(self) -> str:
        return text_colour(self.accent)

    @property
    def dark_accent(self) -> str:
        """The colour, legible on the dark ground."""
        return legible(self.colour, DARK_GROUND)

    @property
    def on_dark_accent(self) -> str:
        return text_colour(self.dark_accent)


def legible(colour: str, ground: str) -> str:
    """Return the colour, darkened or lightened until it is legible on the ground."""
    hue, light, saturation = rgb_to_hls(*(part / 255 for part in _channels(colour)))
    end = 1 if text_colour(ground) == "#ffffff" else 0
    lights = [light + (end - light) * step / _STEPS for step in range(1, _STEPS + 1)]
    shades = [colour, *(_hex(hls_to_rgb(hue, lightness, saturation)) for lightness in lights)]
    return next(shade for shade in shades if contrast(shade, ground) >= _MIN_CONTRAST)


def text_colour(ground: str) -> str:
    """Return black or white, whichever has more contrast."""
    return max("#ffffff", "#000000", key=lambda ink: contrast(ink, ground))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    parts = [part / 255 for part in _channels(colour)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))
