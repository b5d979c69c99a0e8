"""What lies on this machine is loaded without a look at the network."""

from __future__ import annotations

import os
from pathlib import Path

_QUIET = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


def stay_offline(*sources: str | Path) -> None:
    """Tell the Hugging Face libraries to keep off the network, if all `sources` are folders here.

    They read it once, when first imported, so this comes before them. What the user has set is left as it is: whoever
    loads from a folder first and from the hub later sets HF_HUB_OFFLINE=0.
    """
    if all(Path(source).is_dir() for source in sources):
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
