"""Mutates real files and holds what admission makes of them: it ends, soon, within memory, and says nothing of anybody.

`python -m tests.fuzzing --inputs 100000` runs by hand; the suite runs a share of it. Each batch of inputs is a process
of its own with a cap on memory, so that a decoder that dies, hangs or grows is found and named, by seed and number.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from pipelines.admit.admission import admit
from pipelines.admit.dicom.frames import decode_frames
from pipelines.admit.dicom.measures import decode_values, spacing_of
from pipelines.admit.dicom.parsing import parse_dicom
from pipelines.admit.itkformats import decode_itk_volume
from pipelines.admit.nifti import decode_nifti_volume
from pipelines.admit.profile.applying import apply_profile
from pipelines.admit.profile.remap import Remap
from pipelines.admit.scope import Scope
from pipelines.admit.series.slices import read_slices
from pipelines.admit.sniff import Format, sniff_format
from sievert.records import PlannedInput, Refusal
from sievert.settings import AdmitSettings, DeidentifySettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.textfinder.finding import TextFinder

LARGEST_SEED_BYTES = 150_000
SLOW_S = 10.0
MEMORY_BYTES = 4 << 30
BATCH = 500
POLICY = AdmitSettings(max_pixels=4_000_000, max_voxels=4_000_000, max_file_bytes=4_000_000)
NO_TEXT = cast("TextFinder", SimpleNamespace(find=lambda _: ()))
SCOPE = Scope(("DX", "CR", "CT", "MR", "US", "OT", "SC"), ("CHEST", "HEAD", "ABDOMEN"))
PLANNED = PlannedInput(0, "/planted/source", patient="PLANTED-PATIENT", modality="CT", body_part="CHEST")

# what breaks parsers: lengths that are all ones or absurd, delimiters out of place, format markers
_TOKENS = tuple(
    bytes.fromhex(token)
    for token in (
        "ffffffff 00000000 7fffffff 80000000 ffff 0080 feff00e0 feff0de0 feffdde0 e07f1000 28001000 28001100 28000800 "
        "28000401 02001000 ffd8 ffd9 ffda ffc0 ff4f ff51 ffff0000 89504e47 49484452 49444154 5c01 6e2b3100 1f8b08 "
        "0000807f 0000c0ff 000000000000f07f"
    ).split()
)


@dataclass
class Findings:
    """What went wrong, each with the seed and number by which it comes again."""

    inputs: int = 0
    admitted: int = 0
    decoded: int = 0
    faults: list[str] = field(default_factory=list)


def seeds(folders: Sequence[Path]) -> list[Path]:
    """Small real files of every format, in a stable order."""
    found = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if 0 < path.stat().st_size <= LARGEST_SEED_BYTES]


def packaged() -> list[Path]:
    """Folders of real files that come with the libraries."""
    import nibabel
    import pydicom

    data = Path(pydicom.__file__).parent / "data"
    return [
        folder for folder in (data / "test_files", Path(nibabel.__file__).parent / "tests" / "data") if folder.exists()
    ]


def drawn(folder: Path) -> Path:
    """Files of formats of which no library brings examples: NRRD and MetaImage, packed and not, of 2 and 3 axes."""
    import numpy as np
    import SimpleITK

    folder.mkdir(exist_ok=True)
    for number, shape in enumerate(((16, 24), (3, 8, 8))):
        image: Any = SimpleITK.GetImageFromArray(np.arange(np.prod(shape), dtype=np.int16).reshape(shape))
        for suffix in ("nrrd", "mha"):
            for packed in (False, True):
                SimpleITK.WriteImage(image, str(folder / f"{number}-{packed}.{suffix}"), packed)
    return folder


def mutate(content: bytes, draw: random.Random) -> bytes:
    """One to eight changes of the kinds that break parsers."""
    mutated = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        _change(mutated, draw)
    return bytes(mutated)


def _change(mutated: bytearray, draw: random.Random) -> None:
    kind, place = draw.choices(range(6), (6, 3, 3, 1, 1, 1))[0], _place(len(mutated), draw)
    if kind == 0 and mutated:
        mutated[place] ^= 1 << draw.randrange(8)
    elif kind == 1 and mutated:
        mutated[place] = draw.randrange(256)
    elif kind == 2:
        token = draw.choice(_TOKENS)
        mutated[place : place + len(token)] = token
    elif kind == 3:
        mutated[place:place] = draw.randbytes(draw.choice((1, 2, 4, 64)))
    elif kind == 4:
        del mutated[place : place + draw.choice((1, 2, 4, 64, 4096))]
    else:
        del mutated[draw.randrange(len(mutated) + 1) :]


def _place(size: int, draw: random.Random) -> int:
    """Headers stand in front, a codec's stream behind them."""
    reach = min(size, draw.choice((200, 1000, size, size)))
    return draw.randrange(reach) if reach else 0


def identifiers(content: bytes) -> list[str]:
    """What the unchanged file says of a person, long enough not to stand in a message by chance."""
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, force=True)
            named = [str(dataset.get(keyword) or "") for keyword in ("PatientName", "PatientID", "AccessionNumber")]
        except Exception:  # noqa: BLE001 - a seed may be broken itself
            named = []
    return [*(name for name in named if len(name) >= 5), "PLANTED-PATIENT", "/planted"]


def try_one(content: bytes, unsaid: Sequence[str], findings: Findings) -> str | None:
    """Put one input through every decoder; what is wrong, or None."""
    start = time.perf_counter()
    admission = admit(content, PLANNED, scope=SCOPE, policy=POLICY)
    findings.admitted += not isinstance(admission.outcome, Refusal)
    told = [repr(admission)]
    if isinstance(admission.outcome, Refusal):
        told.append(admission.outcome.explanation)
    told += [one.explanation for one in _other_decoders(content, findings) if isinstance(one, Refusal)]
    if time.perf_counter() - start > SLOW_S:
        return "slow"
    if any(name in text for name in unsaid for text in told):
        return "an identifier is told"
    return None


def _other_decoders(content: bytes, findings: Findings) -> Iterator[object]:
    kind = sniff_format(content)
    if kind is Format.NIFTI:
        yield decode_nifti_volume(content, POLICY)
    if kind in (Format.NRRD, Format.METAIMAGE):
        yield decode_itk_volume(content, kind, POLICY)
    if kind is not Format.DICOM:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = parse_dicom(content, POLICY)
        yield parsed
        if isinstance(parsed, Refusal):
            return
        frames = decode_frames(parsed)
        findings.decoded += not isinstance(frames, Refusal)
        yield frames
        yield decode_values(parsed)
        spacing_of(parsed)
        read = read_slices(parsed)
        yield read
        yield apply_profile(parsed, Remap(bytes(32)), NO_TEXT, DeidentifySettings())


def inputs_of(files: Sequence[Path], seed: int, first: int, count: int) -> Iterator[tuple[int, Path, bytes, bytes]]:
    """Number, file, its content and the mutated one: the same for the same numbers."""
    for number in range(first, first + count):
        draw = random.Random(f"{seed}/{number}")  # noqa: S311 - to be drawn again
        file = draw.choice(files)
        content = file.read_bytes()
        yield number, file, content, mutate(content, draw)


def run_batch(folders: Sequence[Path], *, seed: int, first: int, count: int, journal: Path) -> Findings:
    """One batch, in this process; the journal says at which input it is."""
    findings, files = Findings(), seeds(folders)
    for number, file, content, mutated in inputs_of(files, seed, first, count):
        journal.write_text(f"{number} {file.name}")
        try:
            fault = try_one(mutated, identifiers(content), findings)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            fault = f"{type(error).__name__} is raised"
        findings.inputs += 1
        if fault:
            findings.faults.append(f"seed {seed}, input {number} of {file.name}: {fault}")
    return findings


def fuzz(folders: Sequence[Path], *, inputs: int, seed: int, home: Path) -> Findings:
    """All of it, a process a batch; a process that dies or hangs is a fault of the input that it was at."""
    whole, first = Findings(), 0
    while first < inputs:
        count = min(BATCH, inputs - first)
        found, done = _in_a_process(folders, seed, first, count, home)
        whole.inputs += found.inputs
        whole.admitted += found.admitted
        whole.decoded += found.decoded
        whole.faults += found.faults
        first = done
    return whole


def _in_a_process(folders: Sequence[Path], seed: int, first: int, count: int, home: Path) -> tuple[Findings, int]:
    """What a batch found, and the number to go on at."""
    journal = home / "at"
    journal.write_text(f"{first} no file, before any,")
    command = [sys.executable, "-m", "tests.fuzzing", "--batch", json.dumps([seed, first, count, str(journal)])]
    try:
        done = subprocess.run(
            [*command, *map(str, folders)], capture_output=True, timeout=SLOW_S * 3 + count, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        return _died(journal, first, "hangs")
    if done.returncode:
        return _died(journal, first, f"kills its process ({done.returncode}): {done.stderr[-200:]}")
    return Findings(**json.loads(done.stdout.splitlines()[-1])), first + count


def _died(journal: Path, first: int, how: str) -> tuple[Findings, int]:
    at, _, name = journal.read_text().partition(" ")
    return Findings(inputs=int(at) - first + 1, faults=[f"input {at} of {name} {how}"]), int(at) + 1


def main() -> None:
    """A batch for `fuzz`, or the whole by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="Where seeds lie (default: with the libraries).")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.batch:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        seed, first, count, journal = json.loads(chosen.batch)
        found = run_batch(chosen.folders, seed=seed, first=first, count=count, journal=Path(journal))
        sys.stdout.write(json.dumps(vars(found)) + "\n")
        return
    with tempfile.TemporaryDirectory() as home:
        folders = chosen.folders or [*packaged(), drawn(Path(home) / "drawn")]
        start = time.perf_counter()
        found = fuzz(folders, inputs=chosen.inputs, seed=chosen.seed, home=Path(home))
    sys.stdout.write("".join(f"{fault}\n" for fault in found.faults))
    told = f"{found.admitted} admitted, {found.decoded} decoded, {len(found.faults)} faults"
    sys.stdout.write(f"{found.inputs} inputs in {time.perf_counter() - start:.0f} s: {told}\n")
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
