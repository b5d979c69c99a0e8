"""Names without end: every world owns a block of 512 that no other world has.

A name is a number written in syllables of exactly three letters, so it decodes in one way. The last syllable's vowel is
counted apart: the four names of a family ("Velmar", "Velmer", "Velmir", "Velmor") differ in it alone. Family numbers
are scrambled within each length by a multiplication that is a bijection, so neighbours do not look alike. Worlds 0 to
77 have names of two syllables, the next 15,625 of three, and so on without end.
"""

from __future__ import annotations

import math
from typing import TypeAlias

VOWELS = "aeio"
# Onset and coda. Left out are pairs that spell something rude, alone or across two syllables.
FRAMES = tuple(
    """
    vl vn vr vs ml mn mr gl gm gn gr lm ln lr dn dr ds tl tm tn tr rl rm rn rs
    sl sn sr bl bn br kl km kn kr hm hn hr nl nm nr pl fl fn zl zm zn zr wl wr
    """.split()  # noqa: SIM905 - a block of pairs reads better than fifty strings
)
FAMILIES = 128  # of a world

_SHORT = range(8, 78)  # worlds of two syllables; those before are for people to look at

Family: TypeAlias = tuple[str, ...]


def families(seed: int) -> tuple[Family, ...]:
    """The 128 families of four names that belong to world `seed` alone."""
    syllables, first = 2, seed
    while first >= (worlds := _families_of(syllables) // FAMILIES):
        syllables, first = syllables + 1, first - worlds
    return tuple(_family(first * FAMILIES + index, syllables) for index in range(FAMILIES))


def mixed(first: int, count: int) -> list[int]:
    """Seeds of `count` worlds to learn from: `first`, `first` + 1, ..., so that names of every length are met.

    Of twelve one has names of two syllables and three have names of four; the others have three. Trained on worlds of
    three alone, then of four alone, the model put a fourth syllable to every name that it copied. `first` from 78 to
    15,000, or the lengths are others.
    """
    return [_of_length(seed) for seed in range(first, first + count)]


def _of_length(seed: int) -> int:
    if seed % 12 == 0:
        return _SHORT[seed // 12 % len(_SHORT)]
    return seed + 20_000 if seed % 4 == 2 else seed


def _families_of(syllables: int) -> int:
    return int((len(FRAMES) * len(VOWELS)) ** (syllables - 1)) * len(FRAMES)


def _family(number: int, syllables: int) -> Family:
    """The names of family `number` among those of so many syllables."""
    total = _families_of(syllables)
    rest, frame = divmod(number * _multiplier(total) % total, len(FRAMES))
    stem = ""
    for _ in range(syllables - 1):
        rest, digit = divmod(rest, len(FRAMES) * len(VOWELS))
        stem = _syllable(*divmod(digit, len(VOWELS))) + stem
    return tuple((stem + _syllable(frame, vowel)).capitalize() for vowel in range(len(VOWELS)))


def _syllable(frame: int, vowel: int) -> str:
    return FRAMES[frame][0] + VOWELS[vowel] + FRAMES[frame][1]


def _multiplier(total: int) -> int:
    """A number coprime to `total` near its golden section, which spreads neighbours widest."""
    number = total * 618_034 // 1_000_000
    while math.gcd(number, total) != 1:
        number += 1
    return number
