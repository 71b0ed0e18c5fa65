"""Identifiers planted everywhere are gone from the bytes, and the report names each place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset

from pipelines.admit.dicom.parsing import parse_dicom
from pipelines.admit.profile.applying import Applied, apply_profile
from pipelines.admit.profile.remap import Remap
from sievert.settings import AdmitSettings, DeidentifySettings
from tests.planted import Planted, planted_elsewhere, planted_in_table, planted_in_text

KEY = b"k" * 32
KINDS = {
    **{f"table at depth {depth}": partial(planted_in_table, depth) for depth in range(4)},
    **{f"text at depth {depth}": partial(planted_in_text, depth) for depth in range(4)},
    "elsewhere": planted_elsewhere,
}
OPTIONS = {
    "no option": DeidentifySettings(),
    "moved dates": DeidentifySettings(retain_modified_dates=True),
}


class NoText:
    """Finds nothing."""

    find = staticmethod(lambda _: ())


def applied(content: bytes, settings: DeidentifySettings = OPTIONS["no option"]) -> Applied:
    """What the profile makes of a file."""
    parsed = parse_dicom(content, AdmitSettings())
    assert isinstance(parsed, Dataset)
    done = apply_profile(parsed, Remap(KEY), NoText(), settings)  # type: ignore[arg-type]
    assert isinstance(done, Applied), done
    return done


@pytest.mark.parametrize("plant", KINDS.values(), ids=KINDS)
def test_no_planted_value_is_left_in_the_bytes(plant: Callable[[], Planted]) -> None:
    planted = plant()
    assert all(one.needle in planted.content for one in planted.plants)
    done = applied(planted.content)
    assert [one.path for one in planted.plants if one.needle and one.needle in done.content] == []


@pytest.mark.parametrize("plant", KINDS.values(), ids=KINDS)
def test_the_report_names_every_place(plant: Callable[[], Planted]) -> None:
    planted = plant()
    told = {path for path, _ in applied(planted.content).done}
    assert [one.path for one in planted.plants if one.path not in told] == []


@pytest.mark.parametrize("depth", range(4))
def test_moved_dates_leave_no_planted_value_where_it_stood(depth: int) -> None:
    """By place: a moved date may be another's old one."""
    planted = planted_in_table(depth)
    written = pydicom.dcmread(pydicom.filebase.DicomBytesIO(applied(planted.content, OPTIONS["moved dates"]).content))
    stayed = [one.path for one in planted.plants if _value_at(written, one.path) == str(one.value)]
    assert {dictionary_VR(path.rpartition(".")[2]) for path in stayed} == {"TM"}  # of day, beside their moved dates


def test_values_too_short_to_be_unique_are_gone_too() -> None:
    planted = planted_in_table(0)
    written = pydicom.dcmread(pydicom.filebase.DicomBytesIO(applied(planted.content).content))
    short = [one for one in planted.plants if not one.needle]
    assert short
    assert [one.path for one in short if _value_at(written, one.path) == str(one.value)] == []


def _value_at(dataset: Dataset, path: str) -> str:
    place: Dataset = dataset
    *above, name = path.split(".")
    for sequence in above:
        if not place.get(sequence):
            return ""
        place = place[sequence].value[0]
    return str(place.get(name, "")) if not name.startswith("(") else ""
