"""What a request's id may be; by itself, so that HAProxy's launcher loads nothing else."""

from __future__ import annotations

SANE_REQUEST_ID = "[A-Za-z0-9._-]{1,64}"
"""It stands in logs, and goes back in a header."""
