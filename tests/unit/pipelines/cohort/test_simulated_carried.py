"""The real DICOM files inside pydicom are found where they lie, without asking the network."""

from __future__ import annotations

import socket
from pathlib import Path

import pydicom
import pytest

from pipelines.cohort.simulated import pydicom_test_files


def refuse(*_: object, **__: object) -> socket.socket:
    pytest.fail("the network was asked for")


def test_pydicoms_files_lie_inside_its_package_and_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", refuse)
    files = pydicom_test_files()
    package = Path(pydicom.__file__).parent
    assert len(files) > 50
    assert files == sorted(files)
    assert all(file.is_relative_to(package) and file.stat().st_size for file in files)


def test_they_hold_what_simulated_files_do_not() -> None:
    found = {file.name: file for file in pydicom_test_files()}
    assert pydicom.dcmread(found["CT_small.dcm"]).PixelRepresentation == 1
    assert pydicom.dcmread(found["MR_small_bigendian.dcm"]).file_meta.TransferSyntaxUID.is_little_endian is False
    assert "PixelData" not in pydicom.dcmread(found["rtplan.dcm"])


def test_a_pydicom_without_them_is_an_empty_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pydicom.data.__file__", str(tmp_path / "__init__.py"))
    assert pydicom_test_files() == []
