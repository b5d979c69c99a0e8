"""A checkpoint's files, before anything is made of them: where they lie, whether they are safe and whole, their hash.

Only safetensors is read. A pickle can run code when it is opened, so a folder that holds nothing else is refused, and
so is a pickle under another name; a file cut short is found by its header, before the model is built.

What is covered: wrong format, cut-off files, missing files. What is not: a bit that flipped inside the numbers, which
only shows in the fingerprint's digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open

from mmrag.errors import CheckpointError

WANTED = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")  # of a hub repository; never a pickle
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # torch's zip, bare pickles
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def find_checkpoint(checkpoint: str | Path) -> Path:
    """The folder of a checkpoint: itself if it is one, else fetched from (or found in the cache of) the hub by its id.

    Raises:
        CheckpointError: it is neither a folder nor an id that the hub answers for.
    """
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    if isinstance(checkpoint, Path) or checkpoint.startswith(".") or not _HUB_ID.fullmatch(checkpoint):
        raise CheckpointError(
            f"there is no checkpoint folder {checkpoint}: name an existing one, or a hub id owner/name"
        )
    try:
        return Path(snapshot_download(checkpoint, allow_patterns=list(WANTED)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{checkpoint} is neither a folder here nor a model that the hub gives ({_line(error)}): "
            "name an existing folder, or check the id and the network"
        ) from error


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files of a checkpoint or adapter folder, each found to be whole.

    Raises:
        CheckpointError: the folder is missing, or holds no weights, only pickles, or a damaged or disguised file.
    """
    if not folder.is_dir():
        raise CheckpointError(f"there is no folder {folder}: name a folder with safetensors weights")
    files = tuple(sorted(folder.glob("*.safetensors")))
    if not files:
        if pickles := sorted(path.name for pattern in PICKLES for path in folder.glob(pattern)):
            raise CheckpointError(
                f"{folder} holds weights only as a pickle ({pickles[0]}), which can run code when opened: "
                "convert it to safetensors where it is trusted"
            )
        raise CheckpointError(f"{folder} holds no *.safetensors file: copy the weights there again")
    for file in files:
        _check_whole(file)
    return files


def digest(files: Sequence[Path]) -> str:
    """The first 16 hex digits of the sha256 over the files' own sha256, in order."""
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            whole.update(hashlib.file_digest(opened, "sha256").digest())
    return whole.hexdigest()[:16]


def _check_whole(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            start = opened.read(4)
        if start.startswith(_PICKLE_STARTS):
            raise CheckpointError(
                f"{file} is a pickle under another name, which can run code when opened: convert it to safetensors"
            )
        with safe_open(file, framework="pt"):  # compares the header with the file's length
            pass
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} is damaged or cut short ({_line(error)}): copy it again") from error


def _line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
