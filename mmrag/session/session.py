"""One collection, one model with its adapters, and the traces made with them: what pages, commands and notebooks use.

    session = open_session()
    for trace in session.ask(Query("What colour is the roof of the Velmar lighthouse?"), "sft", Settings()):
        ...

Answers one question at a time; a page sees to it that others wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from mmrag import settings
from mmrag.corpus import clean_question, encode_png, safe_picture
from mmrag.errors import UnknownId
from mmrag.session.examples import by_label
from mmrag.session.offline import stay_offline
from mmrag.session.opened import OpenCollection, open_collection
from mmrag.session.saved import SavedTraces
from mmrag.settings import BASE, Settings
from mmrag.systems import RFT, make_system
from mmrag.types import Fingerprint, Modality, Query, Question, Trace

if TYPE_CHECKING:  # torch comes with it
    from mmrag.policy.local import LocalPolicy


class Session:
    """See above. Satisfies the pages' `Backend`."""

    def __init__(self, opened: OpenCollection, policy: LocalPolicy, saved: SavedTraces, system: str = RFT.name) -> None:
        self.opened = opened
        self.policy = policy
        self.saved = saved
        self.system = make_system(system, opened, policy)
        self.use(self.stages()[0])

    def collection(self) -> tuple[str, Mapping[Modality, int]]:
        """The collection's title, and how many documents it holds of each modality."""
        return self.opened.title, self.opened.count()

    def examples(self) -> Mapping[str, tuple[Question, ...]]:
        """Questions worth trying, by a category's label as a person reads it."""
        return by_label(self.opened.collection.questions)

    def example(self, question_id: str) -> Query:
        """An example as it would be asked, with its picture if it has one.

        Raises:
            UnknownId: the collection has no such question.
        """
        for question in self.opened.collection.questions:
            if question.id == question_id:
                return self.opened.collection.query(question)
        raise UnknownId(f"no example has the id {question_id[:120]!r}: choose one that the page offers")

    def stages(self) -> tuple[str, ...]:
        """What can be asked, best first: the system's adapters that are here, then the model without any."""
        return (*(stage for stage in self.system.stages if stage in self.policy.stages), BASE)

    def use(self, stage: str) -> None:
        """Answer with this stage from now on.

        Raises:
            UnknownId: there is none of that name.
        """
        if stage not in self.stages():
            raise UnknownId(f"there is no stage {stage[:40]!r}; there are {', '.join(self.stages())}")
        self.policy.use(None if stage == BASE else stage)

    def describe(self) -> Fingerprint:
        """The model that answers."""
        return self.policy.fingerprint

    def ask(self, query: Query, stage: str, settings: Settings) -> Iterator[Trace]:
        """Growing traces of one question; the last one is done.

        Raises:
            BadQuestion: its words are unusable.
            UnknownId: there is no such stage.
            BadPicture: a retrieved document's picture is gone or damaged.
        """
        clean = replace(query, text=clean_question(query.text))
        self.use(stage)
        yield from self.system.ask(clean, settings)

    def answer_again(self, trace: Trace, kept: tuple[str, ...], settings: Settings, stage: str) -> Iterator[Trace]:
        """Growing traces, under a new id, of the answer made anew from the documents `kept` of `trace`.

        Raises:
            UnknownId: there is no such stage, or one of `kept` was not retrieved.
        """
        self.use(stage)
        yield from self.system.answer_again(trace, kept, settings)

    def picture(self, document_id: str) -> Image.Image | None:
        """A document's picture; None when it has none.

        Raises:
            UnknownId: the collection has no such document.
        """
        return self.opened.picture(document_id)

    def query_picture(self, data: bytes) -> bytes:
        """An uploaded picture as safe, small PNG bytes.

        Raises:
            BadPicture: it is truncated, too large, or not a PNG, JPEG or WebP.
        """
        return encode_png(safe_picture(data, "the picture"))

    def save(self, trace: Trace) -> None:
        """Keep a trace under its id; a later one with the same id takes its place.

        Raises:
            StorageFull: the disk took no more bytes.
        """
        self.saved.save(trace)

    def load(self, trace_id: str) -> Trace:
        """A saved trace.

        Raises:
            UnknownId: no trace was saved under this id.
        """
        return self.saved.load(trace_id)


def open_session(
    collection: OpenCollection | None = None,
    *,
    checkpoint: str | Path = settings.POLICY,
    quantize: str = "none",
    system: str = RFT.name,
) -> Session:
    """Everything that answering takes; the embedded world and model by default. A model is loaded once.

    Raises:
        MmragError: the collection, the index or the checkpoint cannot be used, with the remedy.
    """
    opened = open_collection() if collection is None else collection
    saved = SavedTraces(settings.data_dir() / "traces")
    return Session(opened, open_policy(str(checkpoint), quantize), saved, system)


@cache
def open_policy(checkpoint: str, quantize: str = "none") -> LocalPolicy:
    """The model in `checkpoint` (a folder or a hub id) with the adapters that lie beside its folder, loaded once.

    Raises:
        CheckpointError: it or an adapter is missing, damaged, of an unsafe format, or does not fit.
        BadSetting: there is no such quantisation.
    """
    stay_offline(checkpoint)
    from mmrag.policy.load import load_policy

    folder = Path(checkpoint)
    return load_policy(folder if folder.is_dir() else checkpoint, find_adapters(folder), quantize=quantize)


def find_adapters(checkpoint: Path) -> dict[str, Path]:
    """The adapters beside a checkpoint's folder, by stage, in the order of training."""
    beside = {stage: checkpoint.parent / stage for stage in settings.STAGES}
    return {stage: folder for stage, folder in beside.items() if (folder / "adapter_config.json").is_file()}


def ask(
    question: str,
    image: Path | str | bytes | None = None,
    collection: OpenCollection | Path | str | None = None,
    *,
    stage: str | None = None,
    system: str = RFT.name,
    checkpoint: str | Path = settings.POLICY,
    quantize: str = "none",
    settings: Settings | None = None,
) -> Trace:
    """Ask one question and wait for the whole trace; of the embedded world and model by default.

    Args:
        question: what to ask.
        image: a picture to ask about: a file, or its bytes.
        collection: opened, or its folder.
        stage: an adapter's name, or `base`; the last stage of training by default.
        system: `rft`.
        checkpoint: a folder, or a hub id.
        quantize: `none`, `int8` or `nf4`.
        settings: how many documents to bring and to keep.

    Raises:
        MmragError: with one line that names what is wrong and the remedy.
    """
    opened = collection if isinstance(collection, OpenCollection) else open_collection(collection)
    session = open_session(opened, checkpoint=checkpoint, quantize=quantize, system=system)
    picture = None if image is None else read_picture(image)
    for trace in session.ask(Query(question, picture), stage or session.stages()[0], settings or Settings()):
        last = trace
    return last


def read_picture(image: Path | str | bytes) -> bytes:
    """A picture to ask with, as safe, small PNG bytes.

    Raises:
        BadPicture: it is missing, truncated, too large, or not a PNG, JPEG or WebP.
    """
    if isinstance(image, bytes):
        return encode_png(safe_picture(image, "the picture"))
    return encode_png(safe_picture(Path(image), Path(image).name))
