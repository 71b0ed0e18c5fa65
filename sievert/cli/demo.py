"""`sievert demo`: the whole path on a cohort that any machine can have."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import open_store
from sievert.cli.options import ConfigFile, effective

CASES = 6
STUDIES = 24


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder; what an earlier demo left there is replaced.")] = Path(
        "demo-out"
    ),
    studies: Annotated[int, typer.Option("--studies", min=1, help="Simulated studies without a defect.")] = STUDIES,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Screen simulated chest radiographs and pydicom's own test files, verify, and write a report.

    Keys and ledger of the demo lie in its own folder, apart from those of the site.
    """
    from sievert.cli.report import write_report
    from sievert.cli.screen import run_screening, tell

    _make_room(out)
    inputs = _write_inputs(out / "cohort", studies)
    settings = effective(config, store__keys=out / "keys", store__ledger=out / "ledger.sqlite")
    answer = run_screening(inputs, out / "results", model="default", settings=settings)
    verified = _verify(out)
    file = write_report(out / "results", out / "report.html", cases=CASES, keys=lambda: open_store(settings))
    if as_json:
        console.print_json({**answer, "verified": verified, "report": str(file), "simulated": True})
        return
    tell({**answer, "report": str(out / "results" / "report.html")})
    _tell_end(verified, file)
    _offer(out)


MARKER = ".sievert-demo"


def _make_room(out: Path) -> None:
    """Replace what an earlier demo left, and nothing else."""
    from sievert.errors import OutFolderError

    if out.exists() and any(out.iterdir()) if out.is_dir() else out.exists():
        if not (out / MARKER).is_file():
            raise OutFolderError("the demo's folder holds something that is no demo")
        shutil.rmtree(out)
    from pipelines.results.disk import disk_errors

    with disk_errors("the demo's folder could not be made"):
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKER).touch()


def _write_inputs(cohort: Path, studies: int) -> list[str]:
    from pipelines.cohort.simulated import pydicom_test_files, write_simulated_cohort

    say = console.stderr().print
    written = write_simulated_cohort(cohort, studies=studies)
    defects = sum(study.defect is not None for study in written)
    real = pydicom_test_files()
    say(
        f"[bold]simulated[/]: {len(written)} chest radiographs of fictional patients, "
        f"written to {console.plain(cohort)}; {defects} carry a planted defect"
    )
    say(f"[bold]real[/]: {len(real)} DICOM files that the pydicom package carries; most are no chest radiographs")
    return [str(cohort), *map(str, real)]


def _verify(out: Path) -> int:
    from pipelines.results.ledger import EmbeddedLedger
    from pipelines.results.outfolder import OutFolder
    from pipelines.results.verifying import verify_job
    from sievert.errors import IntegrityError

    found = verify_job(OutFolder((out / "results").absolute()), EmbeddedLedger(out / "ledger.sqlite"))
    if found.lies:
        raise IntegrityError(f"the demo's results do not verify: {found.lies[0]}")
    return found.verified


def _offer(out: Path) -> None:
    """The same results as a clinician sees them."""
    results, keys, ledger = (shlex.quote(str(out / name)) for name in ("results", "keys", "ledger.sqlite"))
    say = console.stdout().print
    say("to see them as a worklist, and to ask about further images online:")
    say(f"  [bold]sievert serve default --results {results} --keys {keys} --ledger {ledger}[/]", soft_wrap=True)


def _tell_end(verified: int, file: Path) -> None:
    from pipelines.results.anchoring import EMBEDDED_NOTE

    say = console.stdout().print
    say(f"verified: {verified} screened records, their tree and their anchor ({EMBEDDED_NOTE})")
    shown = f"[bold]{console.plain(file)}[/]"
    say(f"report with the {CASES} most urgent cases, all of them of simulated or test patients: {shown}")
    say("What is simulated: the radiographs, their patients and their findings. Nothing here is a medical statement.")
