"""The six symbols of the inn signs, as path data centred on the origin and about 110 units across."""

from __future__ import annotations

import math


def _star() -> str:
    points = ((60 if i % 2 == 0 else 25, math.pi * (i / 5 - 0.5)) for i in range(10))
    return "M" + "L".join(f"{r * math.cos(t):.1f} {r * math.sin(t) + 4:.1f}" for r, t in points) + "Z"


SYMBOL_PATHS = {
    "star": _star(),
    "moon": "M22 -54A56 56 0 1 0 22 54A46 46 0 1 1 22 -54Z",
    "fish": "M-66 0Q-18 -52 26 -8L62 -36V36L26 8Q-18 52 -66 0ZM-36 -12a8 8 0 1 0 0.1 0Z",
    "crown": "M-54 42L-60 -36L-28 -2L0 -50L28 -2L60 -36L54 42Z",
    "heart": "M0 54C-80 -2 -56 -52 -26 -50C-8 -50 0 -34 0 -26C0 -34 8 -50 26 -50C56 -52 80 -2 0 54Z",
    "key": "M-32 -32A32 32 0 0 1 -3 -13H64V32H44V13H28V26H10V13H-3A32 32 0 1 1 -32 -32ZM-34 -13a13 13 0 1 0 0.1 0Z",
}
