"""Explainable multimodal retrieval-augmented generation.

    from mmrag import ask, open_collection
    trace = ask("Which town is the Velmar lighthouse in?")

Importing the package is light: what needs torch is loaded when it is first used.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mmrag.errors import MmragError
from mmrag.settings import Settings
from mmrag.types import Document, Query, Trace

if TYPE_CHECKING:
    from mmrag.session import OpenCollection, Session, ask, open_collection, open_session

# On processors with bf16, bitsandbytes asks at each start for a package that fetches compiled code from the hub.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

_LAZY = ("OpenCollection", "Session", "ask", "open_collection", "open_session")

__all__ = [
    "Document",
    "MmragError",
    "OpenCollection",
    "Query",
    "Session",
    "Settings",
    "Trace",
    "ask",
    "open_collection",
    "open_session",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module("mmrag.session"), name)
    raise AttributeError(f"module 'mmrag' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


if "IPython" in sys.modules:
    import_module("mmrag.notebook").register()
