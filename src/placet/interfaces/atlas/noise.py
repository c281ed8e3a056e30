"""Two bells for the page on method: what may be read off a number with one person in it, and without. Pure."""

from __future__ import annotations

from math import exp

from markupsafe import Markup, escape

_WIDE, _HIGH = 400, 120
_REACH = 3.6
"""Standard deviations to either side."""


def bells(sigma: float, *, title: str) -> Markup:
    """Noise of *sigma* people around a number, and around the number one larger."""
    scale = _WIDE / (2 * _REACH * sigma)
    body = "".join(f'<path class="{name}" d="{_bell(shift * scale, sigma * scale)}"/>' for name, shift in _BELLS)
    return Markup(  # noqa: S704 - every word in it was escaped
        f'<svg class="bells" role="img" viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none"'
        f' aria-label="{escape(title)}">{body}</svg>'
    )


_BELLS = (("without", -0.5), ("with", 0.5))


def _bell(shift: float, sigma: float) -> str:
    points = (
        f"{x} {_HIGH - (_HIGH - 6) * exp(-(((x - _WIDE / 2 - shift) / sigma) ** 2) / 2):.1f}"
        for x in range(0, _WIDE + 1, 5)
    )
    return "M" + " ".join(points)
