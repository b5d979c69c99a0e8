"""What a completion is worth: pure functions of (completion, gold) that return their named components.

The same in training, in evaluation and wherever a reader asks why this scored 0.7. Text is read by the grammar alone.
"""

from __future__ import annotations

from training.rewards.listwise import ranked
from training.rewards.pointwise import judged
from training.rewards.score import Score

__all__ = ["Score", "judged", "ranked"]
