"""A folder becomes a collection that can be searched; its index is kept under the user's data folder.

An index belongs to a folder's path and an encoder. Beside it lies a stamp of the folder's files (path, size, time of
change), written after the index: while it holds, and the documents are those of the index, the index is loaded as it
is, else brought up to date, and only documents that changed are encoded again. What is not noticed: a file changed
without a change of size and time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from mmrag import settings
from mmrag.corpus import Collection, read_collection
from mmrag.errors import IndexUnusable, StorageFull
from mmrag.session.offline import stay_offline
from mmrag.types import Document, Hit, Modality, Query

if TYPE_CHECKING:  # torch comes with them
    from mmrag.retrieval import Encoder, Index

Progress = Callable[[int, int], None]
STAMP = "stamp"


@dataclass(frozen=True, slots=True, eq=False)
class OpenCollection:
    """A collection and its index, under the title that a person knows it by."""

    collection: Collection
    index: Index

    @property
    def title(self) -> str:
        """The folder's name, as a title."""
        return self.collection.root.name.replace("_", " ").replace("-", " ").capitalize()

    def count(self) -> Mapping[Modality, int]:
        """How many documents there are of each modality."""
        return Counter(document.modality for document in self.collection.documents.values())

    def search(self, query: Query, k: int) -> tuple[Hit, ...]:
        """The `k` best documents for `query`, best first; see `mmrag.retrieval.Index.search`."""
        return self.index.search(query, k)

    def document(self, document_id: str) -> Document:
        """The document of that id.

        Raises:
            UnknownId: the collection has none.
        """
        return self.collection.document(document_id)

    def picture(self, document_id: str) -> Image.Image | None:
        """A document's picture; None when it has none.

        Raises:
            UnknownId: the collection has no such document.
            BadPicture: its file is gone, damaged, or not allowed.
        """
        return self.collection.picture(document_id)


_OPENED: dict[Path, OpenCollection] = {}


def open_collection(
    folder: Path | str | None = None, *, encoder: Path | str | None = None, progress: Progress | None = None
) -> OpenCollection:
    """The collection in `folder`, the embedded world by default, ready to be asked.

    Args:
        folder: what `mmrag.corpus.read_collection` reads.
        encoder: an open_clip folder, or `hf-hub:owner/name`; the embedded one by default.
        progress: called with (documents done, documents in all) while an index is made.

    Raises:
        BadCollection: the folder or a file in it cannot be used.
        BadPicture: a picture that must be indexed cannot be used.
        CheckpointError: the encoder is missing or damaged.
        StorageFull: the disk took no more of the index; what was there before is untouched.
    """
    collection = read_collection(Path(folder) if folder is not None else settings.WORLD)
    stamp = _stamp(collection.root)  # before the encoder is loaded: what changes meanwhile is noticed the next time
    loaded = load_encoder(str(encoder or settings.ENCODER))
    name = f"{collection.root}\n{loaded.fingerprint}".encode(errors="surrogateescape")  # a path may be no UTF-8
    key = hashlib.sha256(name).hexdigest()[:16]
    index = _index(collection, stamp, loaded, settings.data_dir() / "index" / key, progress)
    _OPENED[collection.root] = opened = OpenCollection(collection, index)
    return opened


def opened_collections() -> tuple[OpenCollection, ...]:
    """The collections opened in this process, each folder as it was last opened."""
    return tuple(_OPENED.values())


@cache
def load_encoder(source: str) -> Encoder:
    """The open_clip model at `source`, loaded once.

    Raises:
        CheckpointError: it is missing, damaged, or not stored as safetensors.
    """
    stay_offline(source)
    from mmrag.retrieval import Encoder

    return Encoder.load(source if source.startswith("hf-hub:") else Path(source))


def _index(collection: Collection, stamp: str, encoder: Encoder, folder: Path, progress: Progress | None) -> Index:
    from mmrag.retrieval import Index

    try:
        index = Index.load(folder, encoder)
        if _read(folder / STAMP) == stamp and index.documents == collection.documents:
            return index
    except IndexUnusable:  # there is none yet, or it is damaged: making it anew is the remedy
        index = Index(encoder)
    index.remove(index.documents.keys() - collection.documents.keys())
    index.add(collection.documents.values(), collection.picture, progress)
    index.save(folder)
    _write(folder / STAMP, stamp)
    return index


def _stamp(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        stat = path.stat()
        digest.update(
            f"{path.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode(errors="surrogateescape")
        )
    return digest.hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text("ascii", errors="replace") if path.is_file() else None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "ascii")
    except OSError as error:
        raise StorageFull(f"{str(path)!r} cannot be written ({error.strerror}): free some space") from error
