"""The score of de-identification over the planted corpus, and what it costs a file.

An identifier is planted in each attribute of PS3.15 Table E.1-1 at sequence depths 0 to 3, in every attribute of
free text, in private attributes, overlays, curves, file meta, preamble, codes and behind the pixels; then the bytes of
what comes out are scanned. Burned-in text: lines in typefaces and on pictures that the finder was not trained on, in
whole files. The time is that of all but the search for text, whose time `benchmarks/burned_in.py` prints.
"""

from __future__ import annotations

import io
import os
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from burned_in import COVERED, HEIGHTS, LINES, SEED, pictures

from models.textfinder.finding import TextFinder
from models.textfinder.lettering import TEST_FACES
from models.textfinder.planting import Planted as PlantedText
from models.textfinder.planting import plant
from pipelines.admit.dicom.parsing import parse_dicom
from pipelines.admit.profile.applying import Applied, apply_profile
from pipelines.admit.profile.remap import Remap
from sievert.records import Refusal
from sievert.settings import AdmitSettings, DeidentifySettings
from tests.dicoms import chest, encoded
from tests.planted import Planted, planted_elsewhere, planted_in_table, planted_in_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

ROUNDS = 15
REMAP, FINDER, POLICY = Remap(b"k" * 32), TextFinder(threads=2), AdmitSettings()
TOP = 4000
CORPUS: dict[str, Callable[[], Planted]] = {
    **{f"Table E.1-1 at depth {depth}": partial(planted_in_table, depth) for depth in range(4)},
    **{f"free text at depth {depth}": partial(planted_in_text, depth) for depth in range(4)},
    "private, overlays, meta, codes, padding": planted_elsewhere,
}


def applied(content: bytes, settings: DeidentifySettings) -> Applied:
    """What the profile makes of a file."""
    parsed = parse_dicom(content, POLICY)
    done = parsed if isinstance(parsed, Refusal) else apply_profile(parsed, REMAP, FINDER, settings)
    if isinstance(done, Refusal):
        raise SystemExit(f"a file of the corpus was refused: {done.explanation}")
    return done


def attributes() -> None:
    """Print how many planted values are gone, and how many places the report names."""
    for name, make in CORPUS.items():
        planted = make()
        done = applied(planted.content, DeidentifySettings(pixels="leave"))
        gone = sum(not one.needle or one.needle not in done.content for one in planted.plants)
        told = {path for path, _ in done.done}
        named = sum(one.path in told for one in planted.plants)
        print(f"{name:<42} planted {len(planted.plants):4}, gone {gone:4}, in the report {named:4}")


def text(shared: Path) -> None:
    """Print how many burned-in lines are gone from whole files."""
    for kind, grounds in pictures(shared).items():
        random, gone = np.random.default_rng(SEED), []
        for ground in grounds:
            planted = plant(ground, random, faces=TEST_FACES, lines=LINES, heights=HEIGHTS)
            gone += _lines_gone(planted)
        print(f"{kind:<42} lines {len(gone):4}, gone {np.mean(gone):.1%} (target 95 %)")


def _lines_gone(planted: PlantedText) -> list[bool]:
    values = (planted.picture * TOP).astype(np.uint16) + 1
    rows, columns = values.shape
    content = encoded(chest(Rows=rows, Columns=columns, PixelData=values.tobytes()))
    written: NDArray[np.uint16] = pydicom.dcmread(
        io.BytesIO(applied(content, DeidentifySettings()).content)
    ).pixel_array
    dark = written == values.min()
    parts = [box.part for box in planted.boxes]
    return [bool(dark[part][planted.ink[part]].mean() >= COVERED) for part in parts]


def cost(shared: Path) -> None:
    """Print the time a file beyond writing it as it is; reading and searching for text are in neither."""
    files = sorted((shared / "data/dicom/ct_ge").rglob("*.dcm"))
    contents = [file.read_bytes() for file in files] or [encoded(chest())] * 28
    leave, rounds = DeidentifySettings(pixels="leave"), []
    for _ in range(ROUNDS):
        whole = timed(lambda one: apply_profile(one, REMAP, FINDER, leave), contents)
        rounds.append((whole, whole - timed(lambda one: one.save_as(io.BytesIO()), contents)))
    whole, beyond = (statistics.median(times) * 1e3 for times in zip(*rounds, strict=True))
    print(f"a CT slice: {whole:.2f} ms, {beyond:.2f} ms beyond writing it as it is (target under 2)")


def timed(work: Callable[[Dataset], object], contents: list[bytes]) -> float:
    """Seconds an object."""
    parsed = [parse_dicom(content, POLICY) for content in contents]
    objects = [one for one in parsed if not isinstance(one, Refusal)]
    start = time.perf_counter()
    for one in objects:
        work(one)
    return (time.perf_counter() - start) / len(objects)


def main() -> None:
    """Print all three."""
    shared = Path(os.environ.get("SIEVERT_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    attributes()
    text(shared)
    cost(shared)


if __name__ == "__main__":
    main()
