"""The index of a collection: four retrievers, fused; built, changed, saved and loaded here.

    picture   cosine of the query's picture (else its words) and the document's picture
    text      cosine of the query's words and the document's words
    words     BM25 of the query's words
    link      names that the first hop brought up (see `links`)

Knows documents and a function that gives their pictures, not where either comes from. A loaded index searches without
its collection. Searches may run side by side; not while `add` or `remove` changes the index.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image, ImageOps

from mmrag.errors import BadInput, BadPicture, BadSetting, IndexUnusable, UnknownId
from mmrag.retrieval.dense import Dense
from mmrag.retrieval.encoder import Encoder
from mmrag.retrieval.files import REMEDY, read_index, write_index
from mmrag.retrieval.fusion import fuse
from mmrag.retrieval.links import Links
from mmrag.retrieval.vectors import Vectors
from mmrag.retrieval.words import Words, full_text
from mmrag.types import Document, Found, Hit, Query

Pictures = Callable[[str], Image.Image | None]
Progress = Callable[[int, int], None]
_Found = Mapping[str, Sequence[tuple[str, float]]]  # by retriever: ids and scores, best first

DEPTH = 50  # ids that each retriever hands to the fusion
SEEDS = 6  # first-hop hits whose names are followed
LINKED = 6  # ids of the second hop; each is found by little else, so the first few must weigh enough to be seen
BATCH = 64
LARGEST = 1024  # pixels a side while waiting to be encoded, more than any encoder looks at
WEIGHTS: Mapping[str, float] = {"picture": 0.5, "text": 0.25, "words": 1.0, "link": 0.5}
WEIGHTS_WITH_PICTURE: Mapping[str, float] = {"picture": 1.0, "text": 0.25, "words": 0.5, "link": 0.5}
DOCUMENTS, PICTURES, TEXTS = "documents.jsonl", "pictures.faiss", "texts.faiss"


@dataclass(frozen=True, slots=True)
class _Entry:
    document: Document
    digest: str  # of the document and its picture: the same digest needs no new vector
    pictured: bool


class Index:
    """Documents that can be searched; empty until some are added."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._entries: dict[str, _Entry] = {}
        self._pictures = Dense(encoder.dimension)
        self._texts = Dense(encoder.dimension)
        self._refresh()

    @classmethod
    def build(
        cls, documents: Iterable[Document], pictures: Pictures, encoder: Encoder, progress: Progress | None = None
    ) -> Self:
        """An index of `documents`; see `add`."""
        index = cls(encoder)
        index.add(documents, pictures, progress)
        return index

    @property
    def documents(self) -> dict[str, Document]:
        """The documents in here, by id."""
        return {name: entry.document for name, entry in self._entries.items()}

    def add(self, documents: Iterable[Document], pictures: Pictures, progress: Progress | None = None) -> int:
        """Put `documents` in, in place of those with the same id; how many had to be encoded.

        `pictures(id)` gives a document's picture, or None; `progress(done, total)` is called as the work goes on. All
        encoding comes before any change, so whatever is raised leaves the index as it was.

        Raises:
            BadInput: an id occurs twice in `documents`.
            MmragError: whatever `pictures` raises.
        """
        listed = list(documents)
        if len({document.id for document in listed}) < len(listed):
            raise BadInput("two of the documents to add have the same id: give each its own")
        entries: list[_Entry] = []
        seen: list[Vectors] = []
        said: list[Vectors] = []
        for start in range(0, len(listed), BATCH):
            part = listed[start : start + BATCH]
            loaded = [_picture(document, pictures) for document in part]
            changed = [
                (entry, picture)
                for document, picture in zip(part, loaded, strict=True)
                if (entry := _entry(document, picture)) != self._entries.get(document.id)
            ]
            entries.extend(entry for entry, _ in changed)
            seen.append(self._encoder.encode_pictures([picture for _, picture in changed if picture is not None]))
            said.append(self._encoder.encode_texts([full_text(entry.document) for entry, _ in changed]))
            if progress is not None:
                progress(start + len(part), len(listed))
        if entries:
            self._replace(entries, np.concatenate(seen), np.concatenate(said))
        return len(entries)

    def remove(self, ids: Iterable[str]) -> None:
        """Take documents out.

        Raises:
            UnknownId: one of them is not in here; then none is taken out.
        """
        gone = list(dict.fromkeys(ids))
        if unknown := next((name for name in gone if name not in self._entries), None):
            raise UnknownId(f"the index has no document {unknown[:120]!r}: nothing was removed")
        self._drop(gone)
        self._refresh()

    def search(self, query: Query, k: int) -> tuple[Hit, ...]:
        """The `k` best documents for `query`, or fewer, best first; each says what found it.

        Raises:
            BadSetting: `k` is below 1.
            BadPicture: the query's picture cannot be decoded.
        """
        if k < 1:
            raise BadSetting(f"k is {k}; it must be at least 1")
        found = self._first_hop(query, max(DEPTH, k))
        found["link"] = self._second_hop(query, found)
        fused = _fused(query, found)[:k]
        opinions: dict[str, list[Found]] = {name: [] for name, _ in fused}
        for by, ranked in found.items():
            for rank, (name, score) in enumerate(ranked, start=1):
                if name in opinions:
                    opinions[name].append(Found(by, score, rank))
        return tuple(
            Hit(self._entries[name].document, rank, score, tuple(opinions[name]))
            for rank, (name, score) in enumerate(fused, start=1)
        )

    def save(self, folder: Path) -> None:
        """Write the index to `folder`, in place of the one there, all or nothing.

        Raises:
            StorageFull: the disk is full; the index that was there is untouched.
            IndexUnusable: the folder cannot be written.
        """
        lines = (
            {"document": entry.document.to_dict(), "digest": entry.digest, "pictured": entry.pictured}
            for entry in self._entries.values()
        )
        data = {
            DOCUMENTS: "".join(json.dumps(line) + "\n" for line in lines).encode(),
            PICTURES: self._pictures.to_bytes(),
            TEXTS: self._texts.to_bytes(),
        }
        write_index(folder, data, self._encoder.fingerprint, self._encoder.dimension, len(self._entries))

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> Self:
        """The index that `save` wrote; `encoder` is the one it was built with.

        Raises:
            IndexUnusable: it is missing, damaged, or made by another encoder or version.
        """
        manifest, data = read_index(folder)
        if (manifest.encoder, manifest.dimension) != (encoder.fingerprint, encoder.dimension):
            made = f"made by the encoder {manifest.encoder}, not by {encoder.fingerprint}"
            raise IndexUnusable(f"the index in {str(folder)!r} was {made}: {REMEDY}")
        index = cls(encoder)
        try:
            index._entries = _parse(data[DOCUMENTS])
            pictured = [name for name, entry in index._entries.items() if entry.pictured]
            index._pictures = Dense.from_bytes(data[PICTURES], pictured, encoder.dimension)
            index._texts = Dense.from_bytes(data[TEXTS], index._entries, encoder.dimension)
        except (IndexUnusable, BadInput, KeyError, ValueError) as error:
            raise IndexUnusable(f"the index in {str(folder)!r} does not hold together ({error}): {REMEDY}") from error
        index._refresh()
        return index

    def _first_hop(self, query: Query, depth: int) -> dict[str, list[tuple[str, float]]]:
        said = self._encoder.encode_texts([query.text])[0]  # (dimension,)
        seen = said if query.picture is None else self._encoder.encode_pictures([_decode(query.picture)])[0]
        return {
            "picture": self._pictures.search(seen, depth),
            "text": self._texts.search(said, depth),
            "words": self._words.search(query.text, depth),
        }

    def _second_hop(self, query: Query, found: _Found) -> list[tuple[str, float]]:
        """Follow the names in the best of the first hop, a better one with more weight."""
        seeds = {name: 1 / rank for rank, (name, _) in enumerate(_fused(query, found)[:SEEDS], start=1)}
        highest = max((score for _, score in found["words"]), default=1.0)
        relevance = {name: score / highest for name, score in found["words"]}
        return self._links.search(query.text, seeds, relevance, LINKED)

    def _replace(self, entries: Sequence[_Entry], seen: Vectors, said: Vectors) -> None:
        names = [entry.document.id for entry in entries]
        self._drop([name for name in names if name in self._entries])
        self._pictures.add([entry.document.id for entry in entries if entry.pictured], seen)
        self._texts.add(names, said)
        self._entries.update(zip(names, entries, strict=True))
        self._refresh()

    def _drop(self, ids: Sequence[str]) -> None:
        self._pictures.remove(ids)
        self._texts.remove(ids)
        for name in ids:
            del self._entries[name]

    def _refresh(self) -> None:
        """Lexical search and links look at all documents, in an order that does not depend on how they came in."""
        ordered = [self._entries[name].document for name in sorted(self._entries)]
        self._words = Words(ordered)
        self._links = Links(ordered)


def _fused(query: Query, found: _Found) -> list[tuple[str, float]]:
    weights = WEIGHTS if query.picture is None else WEIGHTS_WITH_PICTURE
    return fuse({by: [name for name, _ in ranked] for by, ranked in found.items()}, weights)


def _picture(document: Document, pictures: Pictures) -> Image.Image | None:
    picture = None if document.image is None else pictures(document.id)
    if picture is not None and max(picture.size) > LARGEST:
        return ImageOps.contain(picture, (LARGEST, LARGEST))
    return picture


def _entry(document: Document, picture: Image.Image | None) -> _Entry:
    digest = hashlib.sha256(json.dumps(document.to_dict(), sort_keys=True).encode())
    if picture is not None:
        digest.update(repr((picture.mode, picture.size)).encode() + picture.tobytes())
    return _Entry(document, digest.hexdigest(), picture is not None)


def _decode(picture: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(picture), formats=("PNG",)).convert("RGB")
    except Exception as error:  # decoders raise almost anything on bytes that `encode_png` did not make
        raise BadPicture("the question's picture cannot be decoded: hand it in as encode_png() makes it") from error


def _parse(data: bytes) -> dict[str, _Entry]:
    lines = map(json.loads, data.splitlines())
    entries = (_Entry(Document.from_dict(line["document"]), line["digest"], line["pictured"]) for line in lines)
    return {entry.document.id: entry for entry in entries}
