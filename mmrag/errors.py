"""The exception tree. Nothing foreign leaks out of the library: catch `MmragError` and you have caught all.

MmragError
 ├─ BadInput            what a person or a program handed in
 │   ├─ BadQuestion         empty, too long, or without a letter or digit
 │   ├─ BadPicture          truncated, too large, or not a PNG, JPEG or WebP
 │   ├─ BadCollection       a folder or one of its lines cannot be read
 │   └─ BadSetting          a value outside what is allowed
 ├─ UnknownId           an id that names nothing here
 ├─ CheckpointError     a model or adapter is missing, damaged, or of an unsafe format
 ├─ IndexUnusable       an index is missing, stale or damaged
 ├─ StorageFull         the disk took no more bytes
 └─ MalformedOutput     the model wrote something that the grammar does not accept

Each message names the thing, the value, and what to do about it, in one line that can be shown to a person.
"""

from __future__ import annotations


class MmragError(Exception):
    """Base of every error that this package raises on purpose; `str(error)` is one line for a person."""


class BadInput(MmragError):
    """What was handed in cannot be used as it is."""


class BadQuestion(BadInput):
    """The question is empty, too long, or holds nothing to look for."""


class BadPicture(BadInput):
    """The picture is truncated, too large, or not a PNG, JPEG or WebP."""


class BadCollection(BadInput):
    """A collection's folder, or one line or file in it, cannot be read."""


class BadSetting(BadInput):
    """A setting has a value outside what is allowed."""


class UnknownId(MmragError):
    """An id names nothing here."""


class CheckpointError(MmragError):
    """A model or adapter is missing, damaged, or stored in a format that could run code."""


class IndexUnusable(MmragError):
    """An index is missing, stale or damaged; building it again is the remedy."""


class StorageFull(MmragError):
    """The disk took no more bytes; what was there before is untouched."""


class MalformedOutput(MmragError):
    """The model wrote something that the grammar does not accept.

    `reason` is a short fixed word (a metric can count it), `text` is what the model wrote.
    """

    def __init__(self, reason: str, detail: str, text: str) -> None:
        super().__init__(f"the model's output is malformed ({reason}): {detail}")
        self.reason = reason
        self.detail = detail
        self.text = text
