"""An index on disk that is there in full or not at all.

Data files are named by their hash and never overwritten; `manifest.json`, renamed into place last, says which of them
are the index. A process killed at any moment leaves the old manifest with its old files, or the new with the new; files
that no manifest names are ignored on reading and removed by the next write.

Covered: a kill, a full disk, power loss (every file is flushed before the manifest names it), any change of any byte.
Not covered: two processes that write the same folder at once, and a person who forges data and hashes alike.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from mmrag.errors import IndexUnusable, StorageFull

MANIFEST = "manifest.json"
FORMAT = 1
PART = ".part"
MINE = re.compile(r"[a-z]+-[0-9a-f]{16}\.[a-z]+|.*\.part")
REMEDY = "build it again with `python -m mmrag index DIR`"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.[a-z]+\z")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]


class Entry(BaseModel):
    """One data file: its hash, which is also in its name, and its size in bytes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    sha256: Hash
    size: int


class Manifest(BaseModel):
    """What an index is made of; `seal` is the hash of everything else in here."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    format: int
    encoder: str
    dimension: int
    documents: int
    files: dict[Name, Entry]
    seal: str = ""

    def sealed(self) -> Manifest:
        """The same with its seal set."""
        blank = self.model_copy(update={"seal": ""})
        return self.model_copy(update={"seal": hashlib.sha256(blank.to_bytes()).hexdigest()})

    def to_bytes(self) -> bytes:
        """One way to write it, so that any changed byte shows."""
        return json.dumps(self.model_dump(), sort_keys=True, indent=1).encode()


def write_index(folder: Path, data: Mapping[str, bytes], encoder: str, dimension: int, documents: int) -> None:
    """Replace the index in `folder` by `data`, whose keys are the files' names.

    Raises:
        StorageFull: the disk is full; the index that was there is untouched.
        IndexUnusable: the folder cannot be written.
    """
    files = {name: Entry(sha256=hashlib.sha256(part).hexdigest(), size=len(part)) for name, part in data.items()}
    manifest = Manifest(format=FORMAT, encoder=encoder, dimension=dimension, documents=documents, files=files).sealed()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in data.items():
            _put(folder / _stored(name, files[name]), part)
        _put(folder / MANIFEST, manifest.to_bytes())
    except OSError as error:
        _sweep(folder)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                f"the disk that holds {str(folder)!r} is full: free some space and index again"
            ) from error
        reason = f"the index cannot be written to {str(folder)!r} ({error.strerror})"
        raise IndexUnusable(f"{reason}: make the folder writable or choose another with MMRAG_DATA") from error
    _sweep(folder)


def read_index(folder: Path) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and the data that `write_index` wrote, every hash checked.

    Raises:
        IndexUnusable: a file is missing or changed, naming it and the remedy.
    """
    manifest = _manifest(folder)
    if manifest.format != FORMAT:
        raise IndexUnusable(f"{str(folder)!r} is an index of format {manifest.format}, not {FORMAT}: {REMEDY}")
    data = {}
    for name, entry in manifest.files.items():
        path = folder / _stored(name, entry)
        data[name] = _get(path)
        if len(data[name]) != entry.size or hashlib.sha256(data[name]).hexdigest() != entry.sha256:
            raise IndexUnusable(f"{str(path)!r} is damaged: {REMEDY}")
    return manifest, data


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    raw = _get(path)
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise IndexUnusable(f"{str(path)!r} is damaged: {REMEDY}") from error
    if manifest.sealed() != manifest or manifest.to_bytes() != raw:
        raise IndexUnusable(f"{str(path)!r} is damaged: {REMEDY}")
    return manifest


def _stored(name: str, entry: Entry) -> str:
    stem, suffix = name.split(".")
    return f"{stem}-{entry.sha256[:16]}.{suffix}"


def _get(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IndexUnusable(f"{str(path)!r} cannot be read ({error.strerror}): {REMEDY}") from error


def _put(path: Path, data: bytes) -> None:
    """Write beside `path`, flush to the disk, then rename: no one ever sees half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself is only durable once the folder is
    finally:
        os.close(folder)


def _sweep(folder: Path) -> None:
    """Remove what the manifest in `folder` does not name, as far as that is possible; leftovers do no harm."""
    with contextlib.suppress(OSError, IndexUnusable):
        named = {_stored(name, entry) for name, entry in _manifest(folder).files.items()}
        for path in folder.iterdir():
            if path.name not in named and MINE.fullmatch(path.name):
                path.unlink()
