"""A question as a person typed it becomes one clean line, or one `BadQuestion`."""

from __future__ import annotations

import unicodedata

from mmrag.errors import BadQuestion
from mmrag.settings import MAX_QUESTION

JOINERS = "\u200c\u200d"  # invisible, but they spell words in Persian and the Indic scripts


def clean_question(text: str) -> str:
    """`text` in NFC, without control and invisible characters, its white space single.

    Any script is allowed: a question in a script that the collection lacks is still a question.

    Raises:
        BadQuestion: it is empty, longer than `MAX_QUESTION` characters, or holds no letter or digit.
    """
    kept = "".join(filter(None, map(_kept, text)))
    clean = unicodedata.normalize("NFC", " ".join(kept.split()))
    if not clean:
        raise BadQuestion("the question is empty: type what you want to know")
    if len(clean) > MAX_QUESTION:
        raise BadQuestion(f"the question has {len(clean):,} characters: shorten it to {MAX_QUESTION:,}")
    if not any(unicodedata.category(character)[0] in "LN" for character in clean):
        raise BadQuestion(f"the question {clean[:20]!r} holds no letter or digit, so there is nothing to look for")
    return clean


def _kept(character: str) -> str:
    """The character, a space for a control such as a tab, or nothing for an invisible or unpaired one."""
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in ("Cf", "Cs") and character not in JOINERS else character
