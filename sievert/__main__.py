"""Lets `python -m sievert` do what the `sievert` command does."""

import sys
from pathlib import Path

# `python -m` puts the current directory first; a user's own `models/` there must not be taken for ours
if Path(sys.path[0] or ".").resolve() != Path(__file__).resolve().parent.parent:
    del sys.path[0]

from sievert.cli.main import main

if __name__ == "__main__":
    main()
