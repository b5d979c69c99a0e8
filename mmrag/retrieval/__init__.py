"""Finds documents: an open_clip encoder, FAISS, BM25 and links between documents, fused by reciprocal rank.

A `Hit.score` is the fused score: a sum of weight / (`fusion.K` + rank), which orders hits of one search and means
nothing across searches. Each `Found.score` is its retriever's own: `picture` and `text` a cosine in [-1, 1]; `words`
BM25, above 0; `link` a sum over shared names, above 0.
Takes documents and a function that gives their pictures; knows nothing of where a collection lies.
"""

from __future__ import annotations

from mmrag.retrieval.encoder import Encoder
from mmrag.retrieval.fusion import fuse
from mmrag.retrieval.index import Index

__all__ = ["Encoder", "Index", "fuse"]
