"""SVG elements as text: the handful of shapes that every drawing here is made of."""

from __future__ import annotations

from collections.abc import Iterable

Point = tuple[float, float]


def tag(name: str, *children: str, **attributes: str | float) -> str:
    """`<name attribute="value">children</name>`; an underscore in an attribute's name is written as a hyphen."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{_text(item)}"' for key, item in attributes.items())
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def rect(x: float, y: float, width: float, height: float, **style: str | float) -> str:
    """A rectangle by its upper left corner and size."""
    return tag("rect", x=x, y=y, width=width, height=height, **style)


def circle(x: float, y: float, radius: float, **style: str | float) -> str:
    """A disc by its centre and radius."""
    return tag("circle", cx=x, cy=y, r=radius, **style)


def ellipse(x: float, y: float, rx: float, ry: float, **style: str | float) -> str:
    """An ellipse by its centre and half axes."""
    return tag("ellipse", cx=x, cy=y, rx=rx, ry=ry, **style)


def polygon(points: Iterable[Point], **style: str | float) -> str:
    """A closed polygon through `points`."""
    return tag("polygon", points=" ".join(f"{_text(x)},{_text(y)}" for x, y in points), **style)


def path(d: str, **style: str | float) -> str:
    """A path; `d` is SVG path data."""
    return tag("path", d=d, **style)


def line(x1: float, y1: float, x2: float, y2: float, **style: str | float) -> str:
    """A straight stroke."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **style)


def move(drawing: str, x: float, y: float, scale: float = 1.0, turn: float = 0.0, mirror: bool = False) -> str:
    """`drawing` mirrored, scaled and turned (degrees) about its own origin, then moved to (x, y)."""
    flip = -scale if mirror else scale
    change = f"translate({_text(x)} {_text(y)}) rotate({turn:g}) scale({flip:g} {scale:g})"
    return tag("g", drawing, transform=change)


def row(count: int, pitch: float) -> tuple[float, ...]:
    """`count` positions, `pitch` apart, centred on zero."""
    return tuple((index - (count - 1) / 2) * pitch for index in range(count))


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}"
