"""What files that we write say they were written by (PS3.10 7.1)."""

from __future__ import annotations

from pydicom.uid import UID

IMPLEMENTATION = UID("2.25.90673221289192320186377219141331043814")
"""ImplementationClassUID."""
