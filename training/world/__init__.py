"""Generated, fictional worlds: documents, pictures and questions that nothing can answer from memory."""

from training.world.difficulty import LEVELS, Difficulty
from training.world.world import World

__all__ = ["LEVELS", "Difficulty", "World"]
