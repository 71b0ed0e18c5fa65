"""How many real DICOM files are decoded, and what becomes of the others: ours, SimpleITK alone, MONAI's LoadImage.

Works on the shared data's folder of DICOM files, or on `--folder`; each reader sees one file after another, in a
process of its own, since a reader may die of a file. Prints a count for each outcome.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.admit.dicom.frames import decode_frames
from pipelines.admit.dicom.parsing import parse_dicom
from sievert.records import Refusal
from sievert.settings import AdmitSettings

if TYPE_CHECKING:
    from collections.abc import Callable

DECODED, REFUSED, DIED = "decoded", "an exception", "the process died"


def with_sievert(file: Path) -> str:
    """Decoded, or our reason."""
    parsed = parse_dicom(file.read_bytes(), AdmitSettings())
    decoded = parsed if isinstance(parsed, Refusal) else decode_frames(parsed)
    return decoded.reason.value if isinstance(decoded, Refusal) else DECODED


def with_simpleitk(file: Path) -> str:
    """Decoded or an exception."""
    import SimpleITK

    SimpleITK.ProcessObject_SetGlobalWarningDisplay(False)  # type: ignore[no-untyped-call] # it ships no types
    return _tried(lambda: SimpleITK.ReadImage(str(file)))


def with_monai(file: Path) -> str:
    """Decoded or an exception, with the readers that MONAI picks."""
    from monai.transforms import LoadImage

    return _tried(lambda: LoadImage(image_only=True)(str(file)))


def _tried(read: Callable[[], object]) -> str:
    try:
        read()
    except Exception:  # noqa: BLE001 - each reader raises its own
        return REFUSED
    return DECODED


def _quiet() -> None:
    """Readers print what they think of a file, some from native code."""
    warnings.simplefilter("ignore")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)


def count(read: Callable[[Path], str], files: list[Path]) -> Counter[str]:
    """The outcomes of one reader; a file that kills it costs a process, no more."""
    outcomes: Counter[str] = Counter()
    left = list(files)
    while left:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_quiet) as pool:
            try:
                for outcome in pool.map(read, list(left)):
                    outcomes[outcome] += 1
                    left.pop(0)
            except BrokenProcessPool:
                outcomes[DIED] += 1
                left.pop(0)
    return outcomes


def main() -> None:
    """Read every file with each reader and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(os.environ.get("SIEVERT_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    parser.add_argument("--folder", type=Path, default=shared / "data" / "dicom")
    files = sorted(path for path in parser.parse_args().folder.rglob("*") if path.is_file())
    print(f"{len(files)} files")
    for name, read in (("Sievert", with_sievert), ("SimpleITK", with_simpleitk), ("MONAI LoadImage", with_monai)):
        for outcome, number in count(read, files).most_common():
            print(f"{name:16} {outcome:24} {number:6}")


if __name__ == "__main__":
    main()
