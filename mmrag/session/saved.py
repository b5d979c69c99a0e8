"""Traces kept as JSON files, one each, so that a link to one can be opened again."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from pathlib import Path

from mmrag.errors import BadInput, StorageFull, UnknownId
from mmrag.types import Trace

KEPT = 500  # the oldest beyond these are removed
_ID = re.compile(r"[0-9a-f]{16}")


class SavedTraces:
    """The traces in one folder. A file is there whole or not at all; an id can never leave the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, trace: Trace) -> None:
        """Keep `trace` under its id; a later one with the same id takes its place.

        Raises:
            StorageFull: the disk took no more bytes, or may not be written.
            BadInput: its id is not 16 hex digits.
        """
        path = self._path(trace.id)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(trace.to_dict()), "ascii")
            part.replace(path)
            self._forget_oldest()
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            what = "is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else f"refused it ({error.strerror})"
            raise StorageFull(f"the trace could not be saved, the disk under {str(self.folder)!r} {what}") from error

    def load(self, trace_id: str) -> Trace:
        """A saved trace.

        Raises:
            UnknownId: none is saved under this id, or what is saved cannot be read any more.
        """
        unknown = f"no trace is saved under {trace_id[:40]!r}: the link is old or mistyped, so ask again"
        try:
            return Trace.from_dict(json.loads(self._path(trace_id).read_text("ascii")))
        except (OSError, ValueError, RecursionError, BadInput) as error:
            raise UnknownId(unknown) from error

    def _path(self, trace_id: str) -> Path:
        if not _ID.fullmatch(trace_id):
            raise BadInput(f"a trace's id is 16 hex digits, not {trace_id[:40]!r}")
        return self.folder / f"{trace_id}.json"

    def _forget_oldest(self) -> None:
        files = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in files[KEPT:]:
            path.unlink(missing_ok=True)
