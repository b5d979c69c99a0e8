"""Everything that can be turned, in one frozen object; the page and the command line turn some of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mmrag.errors import BadSetting

ROOT = Path(__file__).resolve().parent.parent
WORLD = ROOT / "assets" / "world"
MODELS = ROOT / "assets" / "models"
POLICY = MODELS / "policy"  # the embedded multimodal LLM; adapters lie beside it, in MODELS / stage
ENCODER = MODELS / "clip"  # the embedded open_clip model
RESULTS = ROOT / "docs" / "results.json"  # what the training came to; written by training.ablate

STAGES = ("sft", "stage1", "stage2", "router", "ragvl")
BASE = "base"  # what is chosen in place of a stage to have no adapter
QUANTIZATIONS = ("none", "int8", "nf4")
MAX_QUESTION = 2_000  # characters; a longer one is a document, not a question
MAX_DOCUMENT = 10_000  # characters of a document: a prompt holds several
MAX_PICTURE_BYTES = 8_000_000
MAX_PIXELS = 16_000_000
MAX_ASPECT = 100  # longer side over shorter side; beyond it a vision tower sees a line
MAX_LINE_BYTES = 1_000_000  # one line of a .jsonl file
MAX_FILE_BYTES = 5_000_000  # one passage or table file


def data_dir() -> Path:
    """Where indexes and traces are written: `$MMRAG_DATA`, else the user's own data folder. Never the source tree."""
    if chosen := os.environ.get("MMRAG_DATA"):
        return Path(chosen)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mmrag"


def runs_dir() -> Path:
    """Where training runs are looked for: `$MMRAG_RUNS`, else `runs` where the program lies."""
    return Path(os.environ.get("MMRAG_RUNS") or ROOT / "runs")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one question is answered.

    Raises:
        BadSetting: a value is outside its range.
    """

    retrieve: int = 16  # documents that retrieval brings
    top_k: int = 8  # documents at most that the list-wise stage sees
    threshold: float = 0.2  # keep a document when P(keep) is at least this: one too many costs less than one missing
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        for name, low, high in (("retrieve", 1, 200), ("top_k", 1, 26), ("max_new_tokens", 1, 8192)):
            if not low <= getattr(self, name) <= high:
                raise BadSetting(f"{name} is {getattr(self, name)}; it must be from {low} to {high}")
        if not 0.0 <= self.threshold <= 1.0:
            raise BadSetting(f"threshold is {self.threshold}; it must be from 0 to 1")
