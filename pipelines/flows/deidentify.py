"""Writes whole studies again without identity, each with a report; who they were goes sealed into the key store."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipelines.admit.dicom.parsing import frames_of, parse_dicom
from pipelines.admit.profile.applying import Applied, apply_profile
from pipelines.admit.profile.remap import Remap
from pipelines.admit.profile.telling import StudyReport
from pipelines.admit.reading import read_source
from pipelines.admit.watchdog import time_limit
from pipelines.flows.childprocesses import ChildProcesses
from pipelines.results.disk import disk_errors, write_whole
from pipelines.results.keys.identities import Identities
from pipelines.results.keystore import KeyStore
from sievert.records import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from models.textfinder.finding import TextFinder
    from pipelines.admit.series.grouping import Series
    from sievert.settings import AdmitSettings, DeidentifySettings

REPORT = "report.json"
_FRAME_S = 0.5
"""What a frame may take besides: each is searched for text."""

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Study:
    """Files of one study of one patient.

    Attributes:
        uid: StudyInstanceUID; an identifier.
        patient: PatientID and its issuer; identifiers.
        sources: Paths of the files; identifiers.
    """

    uid: str = field(repr=False)
    patient: tuple[str, str] = field(repr=False)
    sources: tuple[str, ...] = field(repr=False)


def group_studies(found: Sequence[Series]) -> list[Study]:
    """Put series of a study together; what names no study is one for each series."""
    studies: dict[tuple[str, tuple[str, str]], list[str]] = {}
    for series in found:
        studies.setdefault((series.study or series.uid, series.patient), []).extend(series.sources)
    return [Study(uid, patient, tuple(sources)) for (uid, patient), sources in studies.items()]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a child needs to know.

    Attributes:
        to: Folder that the studies are written into.
        keys: Folder of the key store.
        admit: What is read at all.
        deidentify: Which options are on.
    """

    to: Path
    keys: Path
    admit: AdmitSettings
    deidentify: DeidentifySettings


@dataclass(frozen=True, slots=True)
class One:
    """One file's way through a child.

    Attributes:
        number: Of its study.
        study: StudyInstanceUID, for what does not say it itself; an identifier.
        source: Path of the file; an identifier.
        outcome: What became of it; None where a child died of it.
        name: PatientName; an identifier.
        instance: SOPInstanceUID; an identifier.
    """

    number: int
    study: str = field(repr=False)
    source: str = field(repr=False)
    outcome: Applied | Refusal | None = None
    name: str = field(default="", repr=False)
    instance: str = field(default="", repr=False)


def deidentify_studies(studies: Sequence[Study], terms: Terms, *, children: int) -> Iterator[Told]:
    """Write each study as `PATIENT/STUDY/SERIES/INSTANCE.dcm` by its new names, with `report.json` beside the series.

    A study that an earlier run finished on the same terms is left as it is.

    Args:
        studies: As `group_studies` made them.
        terms: How, and where to.
        children: Processes at work.

    Yields:
        Each study's report, as they are done.

    Raises:
        ModelError: The text finder's network cannot be opened.
        StorageError: The folder cannot be written.
        KeyStoreError: The key store cannot be used.
    """
    from models.textfinder.finding import TextFinder

    TextFinder()  # a child that cannot open it dies, and that would be told of as each file's own fault
    with disk_errors("the folder could not be made"):
        terms.to.mkdir(parents=True, exist_ok=True)
    books = Books(studies, terms)
    yield from books.earlier.values()
    at_work = ChildProcesses(_work, prepare=_prepare, arguments=(terms,), children=children)
    for one in at_work.run(books.files(), lost=lambda one: one):
        if (told := books.take(one)) is not None:
            yield told


class Books:
    """What is known of each study while its files are on their way.

    Args:
        studies: All of them.
        terms: How, and where to.

    Attributes:
        earlier: By number: reports of studies that an earlier run finished.

    Raises:
        KeyStoreError: The key store cannot be used.
    """

    def __init__(self, studies: Sequence[Study], terms: Terms) -> None:
        self._studies, self._terms, self._store = studies, terms, KeyStore(terms.keys)
        self._remap, self._map = Remap(self._store.identity_key), Identities(terms.keys)
        found = ((number, self._read_earlier(study)) for number, study in enumerate(studies))
        self.earlier = {number: told for number, told in found if told is not None}
        self._reports: dict[int, StudyReport] = {}
        self._known: dict[int, Told] = {}

    def files(self) -> Iterator[One]:
        """The files that are still to be done."""
        for number, study in enumerate(self._studies):
            if number not in self.earlier:
                yield from (One(number, study.uid, source) for source in study.sources)

    def take(self, one: One) -> Told | None:
        """Enter a file's outcome; the study's report, once that was its last."""
        report = self._reports.setdefault(one.number, StudyReport())
        report.add(one.outcome or Refusal(Reason.FORMAT_DECODER_CRASHED))
        if isinstance(one.outcome, Applied):
            known = self._known.setdefault(one.number, {"instances": {}})
            known["patient_name"], known["instances"][one.outcome.instance] = one.name, one.instance
        return self._finished(one.number) if report.files == len(self._studies[one.number].sources) else None

    def _finished(self, number: int) -> Told:
        """The map before the report: where there is a report, it can be found out whose it is."""
        study, report, known = self._studies[number], self._reports.pop(number), self._known.pop(number, {})
        told = report.told(self._terms.deidentify)
        if report.written:
            known |= {"patient_id": study.patient[0], "issuer": study.patient[1], "study": study.uid}
            known |= {"new_study": report.study, "days_earlier": self._remap.shift_days(report.patient)}
            self._map.add(report.patient, known, recipient=self._store.public, identity_key=self._store.identity_key)
            folder = self._terms.to / report.patient / report.study
            write_whole(folder / REPORT, json.dumps(told, indent=1).encode(), drafts=folder)
        return told

    def _read_earlier(self, study: Study) -> Told | None:
        """What an earlier run said of as many files on the same terms."""
        folder = self._terms.to / self._remap.patient(*study.patient, unnamed=study.uid) / self._remap.uid(study.uid)
        try:
            told: Told = json.loads((folder / REPORT).read_bytes())
        except (OSError, ValueError):
            return None
        options = self._terms.deidentify.model_dump(mode="json")
        return told if told.get("files") == len(study.sources) and told.get("options") == options else None


class Deidentifier:
    """Resident in a child: the key, the text finder, the terms.

    Args:
        terms: How, and where to.
        finder: Finds text in the pixels.

    Raises:
        KeyStoreError: The key store cannot be used.
    """

    def __init__(self, terms: Terms, finder: TextFinder) -> None:
        self._terms, self._finder = terms, finder
        self._remap = Remap(KeyStore(terms.keys).identity_key)

    def __call__(self, one: One) -> One:
        """Do one file; what comes back has no pixels."""
        content = read_source(one.source, max_bytes=self._terms.admit.max_file_bytes)
        if isinstance(content, Refusal):
            return replace(one, outcome=content)
        with time_limit(self._terms.admit.timeout_s):
            parsed = parse_dicom(content, self._terms.admit)
            if isinstance(parsed, Refusal):
                return replace(one, outcome=parsed)
            if not parsed.get("StudyInstanceUID"):
                parsed.StudyInstanceUID = one.study
            name, instance = str(parsed.get("PatientName", "")), str(parsed.get("SOPInstanceUID", ""))
        with time_limit(self._terms.admit.timeout_s + _FRAME_S * frames_of(parsed)):
            applied = apply_profile(parsed, self._remap, self._finder, self._terms.deidentify)
        if isinstance(applied, Refusal):
            return replace(one, outcome=applied)
        self._write(applied)
        return replace(one, outcome=replace(applied, content=b""), name=name, instance=instance)

    def _write(self, applied: Applied) -> None:
        folder = self._terms.to / applied.patient / applied.study / applied.series
        with disk_errors("a de-identified object could not be written"):
            folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{applied.instance}.dcm", applied.content, drafts=folder)


_CHILD: dict[str, Deidentifier] = {}


def _prepare(terms: Terms) -> None:
    """What pydicom warns of quotes values of headers: it stays within."""
    warnings.simplefilter("ignore")
    from models.textfinder.finding import TextFinder

    _CHILD["one"] = Deidentifier(terms, TextFinder())


def _work(one: One) -> One:
    return _CHILD["one"](one)
