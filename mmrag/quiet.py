"""What libraries tell their developers, kept off the terminals of people who run a program."""

from __future__ import annotations

import warnings

from transformers.utils.logging import disable_progress_bar


def quiet_libraries() -> None:
    """For the entry points of programs: no bars for loads of a moment, no notices of what a library will rename."""
    disable_progress_bar()  # type: ignore[no-untyped-call]
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
