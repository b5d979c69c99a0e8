"""Documents come in: a folder or a .jsonl file becomes a `Collection`; pictures and questions are made safe on the way.

Touches the disk to read, never to write, and knows nothing of models, indexes or pages.
"""

from __future__ import annotations

from mmrag.corpus.collection import Collection
from mmrag.corpus.pictures import encode_png, safe_picture
from mmrag.corpus.questions import clean_question
from mmrag.corpus.reader import read_collection

__all__ = ["Collection", "clean_question", "encode_png", "read_collection", "safe_picture"]
