"""Opens the page on the embedded collection and model: `python app.py`, `make demo`, and what a Space runs.

It listens on 127.0.0.1 unless `MMRAG_HOST` or `GRADIO_SERVER_NAME` says otherwise.
"""

from __future__ import annotations

import logging
import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

from mmrag.errors import MmragError
from mmrag.quiet import quiet_libraries
from mmrag.session import open_session
from mmrag.ui.launch import launch


def main() -> int:
    """Serve until interrupted."""
    quiet_libraries()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        served = launch(open_session())
    except MmragError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"mmrag is at {served.url}", flush=True)
    served.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
