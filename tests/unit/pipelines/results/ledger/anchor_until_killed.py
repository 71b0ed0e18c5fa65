"""Anchors jobs `NAME-0`, `NAME-1`, … and prints each name once its anchor stands.

python anchor_until_killed.py LEDGER NAME [COUNT]
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from ledger_programs import word

from pipelines.results.ledger import EmbeddedLedger

ledger = EmbeddedLedger(Path(sys.argv[1]))
numbers = itertools.count() if len(sys.argv) == 3 else range(int(sys.argv[3]))
for number in numbers:
    name = f"{sys.argv[2]}-{number}"
    ledger.anchor(word(name), root=word("root of " + name), count=number)
    sys.stdout.write(name + "\n")
    sys.stdout.flush()
