"""Scripts that are written without blanks between words: there, a character counts as a word."""

from __future__ import annotations

# Thai and Lao, Burmese, Khmer, kana, Han: ranges for a character class of `re`.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
