"""What lies on this machine is loaded without a look at the network; what does not is fetched from the hub."""

from __future__ import annotations

import os
from pathlib import Path

_GIVEN = frozenset(os.environ)  # what the user has set is left as it is


def stay_offline(source: str | Path) -> None:
    """Keep the Hugging Face libraries off the network while `source` is loaded, if it is a folder here.

    They read their variables once, when first imported, which may have been long before, and look at what they have
    read at every request; so they are told there.
    """
    from huggingface_hub import constants

    if "HF_HUB_OFFLINE" not in _GIVEN:
        constants.HF_HUB_OFFLINE = Path(source).is_dir()
    if "HF_HUB_DISABLE_TELEMETRY" not in _GIVEN:
        constants.HF_HUB_DISABLE_TELEMETRY = True
