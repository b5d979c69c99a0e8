"""The one gate between a path that a file names and the disk."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from mmrag.errors import BadCollection


def inside(root: Path, text: str) -> Path:
    """The existing file that `text` names within `root`, symbolic links followed; `root` is already resolved.

    Raises:
        BadCollection: the path is absolute, leaves the folder by `..` or a link, or names no ordinary file.
    """
    if not text or "\0" in text or "\\" in text or ":" in text.split("/")[0]:
        raise BadCollection(f"the path {text[:80]!r} cannot be used: write it as 'folder/file', without \\ and :")
    if text.startswith("/") or ".." in PurePosixPath(text).parts:
        raise BadCollection(f"the path {text[:80]!r} points outside the collection's folder: move the file into it")
    return followed(root, text)


def followed(root: Path, name: str) -> Path:
    """The same for a `name` that was found in the folder, where any character may stand in one.

    Raises:
        BadCollection: the path leaves the folder, or names no ordinary file.
    """
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise BadCollection(f"the path {name[:80]!r} links out of the collection's folder: copy the file into it")
        if not path.is_file():
            raise BadCollection(f"there is no file {name[:80]!r} in the collection: put it there or correct the path")
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, a loop of links, half a character
        raise BadCollection(f"the path {name[:80]!r} cannot be followed: give the file a plain, short name") from error
    return path
