"""Real DICOM files that are on every machine where Sievert is installed: those that pydicom carries."""

from __future__ import annotations

from pathlib import Path

import pydicom.data


def pydicom_test_files() -> list[Path]:
    """The DICOM files inside the installed pydicom package, sorted; nothing is ever fetched.

    They hold what simulated ones do not: odd transfer syntaxes, signed pixels, palettes, broken files. pydicom's own
    look-ups (`get_testdata_file`) download what is missing, so the folder is listed instead.

    Returns:
        Absolute paths; empty where pydicom was installed without them.

    Source: pydicom.data, licence MIT.
    """
    folder = Path(pydicom.data.__file__).parent / "test_files"
    return sorted(path for path in folder.rglob("*.dcm") if path.is_file())
