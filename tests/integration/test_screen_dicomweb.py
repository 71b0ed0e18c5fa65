"""Studies that were sent to a PACS are screened from there as from their files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.dicoms import chest, encoded, ramp
from tests.integration.conftest import Sievert
from tests.orthanc import Orthanc, find_orthanc

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("ray_session")]


@pytest.fixture
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    program = find_orthanc()
    if program is None:
        pytest.skip("Orthanc is absent: run `make services`")
    server = Orthanc(program, tmp_path_factory.mktemp("orthanc"))
    yield server
    server.stop()


def radiograph(number: int) -> bytes:
    noise = np.random.default_rng(number).integers(0, 2000, ramp().shape).astype(np.uint16)
    uids = {"StudyInstanceUID": f"1.2.{number}", "SeriesInstanceUID": f"1.2.{number}.1"}
    return encoded(chest(**uids, SOPInstanceUID=f"1.2.{number}.1.1", PixelData=(ramp() + noise).tobytes()))


def told(sievert: Sievert, out: str) -> dict[str, tuple[object, ...]]:
    opened = sievert("open", sievert.home / out, "--json").json
    what = ("decision", "probability", "diagnosis", "modality", "body_part", "named_patient", "PatientID")
    return {record["SOPInstanceUID"]: tuple(record[key] for key in what) for record in opened}


def test_a_round_trip_over_a_pacs_gives_the_results_of_the_files(sievert: Sievert, orthanc: Orthanc) -> None:
    folder = sievert.home / "in"
    folder.mkdir()
    for number in range(6):
        (folder / str(number)).write_bytes(radiograph(number))
        orthanc.store(radiograph(number))
    from_files = sievert("screen", folder, "--out", sievert.home / "files", "--json").json
    from_pacs = sievert("screen", f"dicomweb+{orthanc.dicomweb}", "--out", sievert.home / "pacs", "--json").json
    assert from_pacs["screened"] == from_files["screened"] == 6
    assert told(sievert, "pacs") == told(sievert, "files")
