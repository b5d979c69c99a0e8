"""Text, JSON lines and CSV from files that nobody vouches for; complaints name the file and, if possible, the line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from mmrag.errors import BadCollection, BadInput
from mmrag.settings import MAX_FILE_BYTES, MAX_LINE_BYTES
from mmrag.types import Table

BOM = b"\xef\xbb\xbf"


@contextmanager
def located(file: str, line: int | None = None) -> Iterator[None]:
    """Say of any complaint about bad input raised inside where it was found.

    Raises:
        BadCollection: in place of the `BadInput` that was raised.
    """
    try:
        yield
    except BadInput as error:
        place = file if line is None else f"{file} line {line}"
        raise BadCollection(f"{place}: {error}") from error


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The file's bytes.

    Raises:
        BadCollection: it cannot be read or is larger than `limit`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BadCollection(f"cannot be read ({error.strerror}): check the file and its permissions") from error
    if len(data) > limit:
        raise BadCollection(f"is larger than {limit / 1e6:g} MB: make it smaller, or split it")
    return data


def decode(data: bytes) -> str:
    """`data` as UTF-8, a byte order mark dropped.

    Raises:
        BadCollection: it is not UTF-8.
    """
    try:
        return data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadCollection(f"byte {error.start + 1} is not UTF-8 text: save the file as UTF-8") from error


def json_lines(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number, from 1, and its object; blank lines are passed over. Reads one line at a time.

    Raises:
        BadCollection: the file or a line cannot be read, naming `name` and the line.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), start=1):
                with located(name, number):
                    if text := decode(_short(raw) if number > 1 else _short(raw).removeprefix(BOM)).strip():
                        yield number, _object(text)
    except OSError as error:
        raise BadCollection(f"{name} cannot be read ({error.strerror}): check the file and its permissions") from error


def read_table(data: bytes) -> Table:
    """The CSV in `data`: the first row is the header, blank rows are passed over.

    Raises:
        BadCollection: it is not UTF-8 CSV, has no row under its header, or a row is not as long as the header.
    """
    reader = csv.reader(io.StringIO(decode(data), newline=""), strict=True)
    rows: list[tuple[str, ...]] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if rows and len(row) != len(rows[0]):
                wrong = f"the row at line {reader.line_num} has {len(row)} cells; the header has {len(rows[0])}"
                raise BadCollection(f"{wrong}: make them equal")
            rows.append(tuple(cell.strip() for cell in row))
    except csv.Error as error:
        raise BadCollection(f"line {reader.line_num} is not CSV ({error}): save the table as CSV again") from error
    if len(rows) < 2:
        raise BadCollection("the table has no row under its header: add one, or leave the table out")
    return Table(header=rows[0], rows=tuple(rows[1:]))


def _short(raw: bytes) -> bytes:
    if len(raw) > MAX_LINE_BYTES:
        raise BadCollection(f"is longer than {MAX_LINE_BYTES / 1e6:g} MB: split the document into smaller ones")
    return raw


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair parses, but can never be saved
    except UnicodeEncodeError as error:
        raise BadCollection(f"holds half a character ({text[:40]!r}...): write the character in full") from error
    except json.JSONDecodeError as error:
        raise BadCollection(f"is not JSON ({error.msg} at column {error.colno}): write one object a line") from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).split(";")[0]
        raise BadCollection(f"is not usable JSON ({reason}): write one plain object on each line") from error
    if not isinstance(value, dict):
        raise BadCollection(f"is a {type(value).__name__}, not an object: write {{...}} on each line")
    return value


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
