"""Objects with an identifier planted in every attribute of PS3.15 Table E.1-1, and wherever else one can hide."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from pipelines.admit.profile.table import LISTED, SAFE_TEXT
from tests.dicoms import chest, encoded

CONTAINERS = ("ReferencedSeriesSequence", "ReferencedInstanceSequence", "ReferencedImageSequence")
"""Sequences that the profile keeps, one in another, to plant at depths 1 to 3."""

FREE_TEXT = ("LO", "LT", "SH", "ST", "UC", "UT", "PN", "AE", "UR")
_FIRST_DAY = date(1801, 1, 1)
_TEXTS = {
    "DS": "9876.{:06}",
    "IS": "19{:06}",
    "TM": "010203.{:06}",
    "UI": "1.2.999.{}",
    "UR": "http://zq.example/{:06}",
}
_ELEMENT_MASK = 0xFFFF
_META = 0x0002
"""Lower groups are commands, which no file has, and file meta information, which is planted apart."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted identifier.

    Attributes:
        path: Where, as the report of a de-identification names it.
        needle: The bytes that must not come out; of numbers and ages too short to be unique, none.
        value: What stood there.
    """

    path: str
    needle: bytes
    value: object


@dataclass(slots=True)
class Planted:
    """One object.

    Attributes:
        content: The file.
        plants: What was planted.
    """

    content: bytes = b""
    plants: list[Plant] = field(default_factory=list)


def planted_in_table(depth: int) -> Planted:
    """A radiograph with an identifier in every listed attribute, so many sequences deep.

    Args:
        depth: 0 to 3.
    """
    made, root = Planted(), chest()
    place, path = _inside(root, depth)
    for number, tag in enumerate(tag for tag in sorted(LISTED) if tag >> 16 > _META):
        _plant(made, place, path, Tag(tag), depth * 1000 + number)
    made.content = encoded(root)
    return made


def planted_in_text(depth: int) -> Planted:
    """A radiograph with an identifier in every attribute of text that is neither listed nor a machine's word."""
    made, root = Planted(), chest()
    place, path = _inside(root, depth)
    for number, tag in enumerate(sorted(_unlisted_text())):
        _plant(made, place, path, Tag(tag), depth * 1000 + number)
    made.content = encoded(root)
    return made


def planted_elsewhere() -> Planted:
    """A radiograph with identifiers in private attributes, overlays, curves, file meta, preamble, codes and padding."""
    made, root = Planted(), chest()
    for place, path in (_inside(root, 0), _inside(root, 3)):
        _plant_private(made, place, path)
    for tag, vr in ((0x60000022, "LO"), (0x60003000, "OW"), (0x60021500, "LO"), (0x50000022, "LO"), (0x50003000, "OW")):
        _plant(made, root, "", Tag(tag), tag & _ELEMENT_MASK, vr=vr)
    _plant_meta(made, root)
    _plant_codes(made, root)
    _plant_behind_pixels(made, root)
    made.content = encoded(root)
    return made


def _inside(root: Dataset, depth: int) -> tuple[Dataset, str]:
    place, path = root, ""
    for name in CONTAINERS[:depth]:
        item = Dataset()
        setattr(place, name, [item])
        place, path = item, f"{path}{name}."
    return place, path


def _unlisted_text() -> Iterator[int]:
    """Of the standard's attributes; those of file meta and directories have tests of their own."""
    for tag, (vr, _, _, retired, keyword) in DicomDictionary.items():
        inside = 0x0008 <= tag >> 16 < 0xFFFC and tag >> 16 != 0x0004
        if vr in FREE_TEXT and tag not in LISTED and tag not in SAFE_TEXT and inside and keyword and not retired:
            yield tag


def _plant(made: Planted, place: Dataset, path: str, tag: BaseTag, number: int, *, vr: str = "") -> None:
    vr = vr or (dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else "LO")
    name = keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"
    if vr == "SQ":
        item = Dataset()
        item.PatientComments = f"ZQ{number:06}"
        place.add_new(tag, "SQ", [item])
        made.plants.append(Plant(f"{path}{name}.PatientComments", f"ZQ{number:06}".encode(), item.PatientComments))
        return
    value, needle = _value(vr, number)
    place.add_new(tag, vr, value)
    made.plants.append(Plant(f"{path}{name}", needle, value))


def _value(vr: str, number: int) -> tuple[object, bytes]:
    """A value that is valid for a representation, and the bytes by which it would be recognised."""
    if vr in ("OB", "OW", "UN"):
        return f"ZQ{number:06}".encode(), f"ZQ{number:06}".encode()
    if vr in ("FD", "FL"):
        return number + 0.015625, struct.pack("<d" if vr == "FD" else "<f", number + 0.015625)
    if vr in ("US", "UL", "SS", "SL"):
        return 0x4000 + number, b""
    if vr == "AS":
        return f"{number % 80 + 10:03}Y", b""
    day = f"{_FIRST_DAY + timedelta(days=number):%Y%m%d}"
    dated = {"DA": day, "DT": f"{day}040506.{number:06}"}
    text = dated.get(vr) or _TEXTS.get(vr, "ZQ{:06}").format(number)
    return text, text.encode()


def _plant_private(made: Planted, place: Dataset, path: str) -> None:
    depth = path.count(".")
    block = place.private_block(0x0009, f"ZQ CREATOR {depth}", create=True)
    block.add_new(0x01, "LO", f"ZQPRIV{depth}1")
    inner = Dataset()
    inner.PatientName = f"ZQPRIV{depth}2"
    block.add_new(0x02, "SQ", [inner])
    block.add_new(0x03, "UN", f"ZQPRIV{depth}3".encode())
    told = {"(0009,0010)": f"ZQ CREATOR {depth}", "(0009,1001)": f"ZQPRIV{depth}1", "(0009,1003)": f"ZQPRIV{depth}3"}
    made.plants += [Plant(f"{path}{name}", value.encode(), value) for name, value in told.items()]
    made.plants.append(Plant(f"{path}(0009,1002)", f"ZQPRIV{depth}2".encode(), inner.PatientName))


def _plant_meta(made: Planted, root: Dataset) -> None:
    meta = root.file_meta
    meta.SourceApplicationEntityTitle, meta.SendingApplicationEntityTitle = "ZQMETA1", "ZQMETA2"
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = UID("1.2.999.77"), b"ZQMETA3"
    meta.ImplementationVersionName = "ZQMETA4"
    for name in ("SourceApplicationEntityTitle", "SendingApplicationEntityTitle", "ImplementationVersionName"):
        made.plants.append(Plant(f"FileMeta.{name}", meta[name].value.encode(), meta[name].value))
    made.plants.append(Plant("FileMeta.PrivateInformation", b"ZQMETA3", b"ZQMETA3"))
    made.plants.append(Plant("FileMeta.PrivateInformationCreatorUID", b"1.2.999.77", "1.2.999.77"))
    root.preamble = b"ZQPREAMBLE".ljust(128, b"\0")
    made.plants.append(Plant("FilePreamble", b"ZQPREAMBLE", b"ZQPREAMBLE"))


def _plant_codes(made: Planted, root: Dataset) -> None:
    """A local code, a public one with a meaning of somebody's own, and the patient's name in a machine's word."""
    root.AnatomicRegionSequence = [_code("ZQCODE1", "99ZQ", "ZQMEANING1"), _code("51185008", "SCT", "ZQMEANING2")]
    for needle in (b"ZQCODE1", b"99ZQ", b"ZQMEANING1", b"ZQMEANING2"):
        made.plants.append(Plant("AnatomicRegionSequence", needle, needle))
    root.PatientName = "ZQFAMILY^Given"
    root.SoftwareVersions = "7.1 for Zqfamily"
    root.AcquisitionMode = "born 03.02.1971"
    made.plants.append(Plant("SoftwareVersions", b"Zqfamily", root.SoftwareVersions))
    made.plants.append(Plant("AcquisitionMode", b"03.02.1971", root.AcquisitionMode))
    made.plants.append(Plant("PatientName", b"ZQFAMILY", root.PatientName))


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _plant_behind_pixels(made: Planted, root: FileDataset | Dataset) -> None:
    root.PixelData = root.PixelData + b"ZQBEHIND"
    made.plants.append(Plant("PixelData", b"ZQBEHIND", b"ZQBEHIND"))
