"""`python -m mmrag`: see `mmrag.cli`."""

from __future__ import annotations

from mmrag.cli import main

if __name__ == "__main__":
    main()
