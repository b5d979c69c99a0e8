"""Opens everything once: a collection with its index, a model with its adapters, and the folder of saved traces.

Heavy libraries are imported when the first of them is opened, not before.
"""

from __future__ import annotations

from mmrag.session.opened import OpenCollection, open_collection
from mmrag.session.saved import SavedTraces
from mmrag.session.session import Session, ask, find_adapters, open_policy, open_session, read_picture

__all__ = [
    "OpenCollection",
    "SavedTraces",
    "Session",
    "ask",
    "find_adapters",
    "open_collection",
    "open_policy",
    "open_session",
    "read_picture",
]
