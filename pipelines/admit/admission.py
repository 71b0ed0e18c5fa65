"""Decides on one input: admitted and de-identified, or refused with a reason.

The order is: format, then scope (what the model declares), then the compliance policy on the header, then decoding,
then the policy on the pixels; so a CT slice costs no decoding where a chest model is asked.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipelines.admit.burnedin import blanked, treat_text
from pipelines.admit.decoded import Decoded
from pipelines.admit.deidentify import deidentify
from pipelines.admit.dicom.conformance import check_conformance
from pipelines.admit.dicom.demands import check_demands
from pipelines.admit.dicom.header import check_header, text_of
from pipelines.admit.dicom.measures import decode_values, spacing_of
from pipelines.admit.dicom.parsing import parse_dicom, set_aside
from pipelines.admit.dicom.picture import decode_dicom
from pipelines.admit.nifti import decode_nifti
from pipelines.admit.quality import check_quality
from pipelines.admit.raster import decode_raster
from pipelines.admit.scope import Scope, Shown, check_scope, check_view
from pipelines.admit.sniff import Format, sniff_format
from sievert.errors import ModelError
from sievert.records import Admitted, ImageFacts, PlannedInput, Reason, Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from sievert.settings import AdmitSettings


_ITK = (Format.NRRD, Format.METAIMAGE)

ENVELOPE_KEYWORDS = (
    "PatientID",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "AccessionNumber",
)
"""What a notification must be able to name; travels sealed, apart from the record."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What admission found.

    Attributes:
        outcome: The image, or why there is none.
        identity: Identifiers for the sealed identity envelope, by DICOM keyword. They go there and nowhere else.
    """

    outcome: Admitted | Refusal
    identity: dict[str, str] = field(default_factory=dict, repr=False)


def admit(content: bytes, planned: PlannedInput, *, scope: Scope, policy: AdmitSettings) -> Admission:
    """Decide on one input.

    Args:
        content: The file, whole.
        planned: What the plan says of it.
        scope: Of the model package.
        policy: The compliance policy.

    Returns:
        The decision; never raises for anything that a file contains.

    Raises:
        ModelError: The policy looks for text, and the text finder's network cannot be opened.
    """
    kind = sniff_format(content)
    if kind is None:
        return Admission(Refusal(Reason.FORMAT_UNKNOWN))
    if kind is Format.DICOM:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's quote header values
            return _admit_dicom(content, planned, scope, policy)
    return Admission(_admit_picture(content, kind, planned, scope, policy))


def decode(content: bytes, policy: AdmitSettings) -> NDArray[Any] | Refusal:
    """Decode any format to one grey picture; see `decode_image`.

    Returns:
        Shape [row, column], uint8 or uint16; or why there is none.
    """
    decoded = decode_image(content, policy)
    return decoded if isinstance(decoded, Refusal) else decoded.pixels


def decode_image(content: bytes, policy: AdmitSettings, *, in_units: bool = False) -> Decoded | Refusal:
    """Decode any format to one grey picture, whatever it shows: the decoder that admission uses, without its scope.

    Args:
        content: The file, whole.
        policy: The compliance policy.
        in_units: Whether values in their own units are asked for too; then their absence is a reason to refuse it.
    """
    kind = sniff_format(content)
    if kind is None:
        return Refusal(Reason.FORMAT_UNKNOWN)
    if kind is not Format.DICOM:
        return _with_units(_decode_picture(content, kind, policy), in_units=in_units)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = parse_dicom(content, policy)
        if isinstance(dataset, Refusal):
            return dataset
        return set_aside(dataset) or check_header(dataset, policy) or _decode_dataset(dataset, in_units=in_units)


def _decode_dataset(dataset: Dataset, *, in_units: bool) -> Decoded | Refusal:
    pixels = decode_dicom(dataset)
    values = decode_values(dataset) if in_units and not isinstance(pixels, Refusal) else None
    if isinstance(pixels, Refusal):
        return pixels
    return values if isinstance(values, Refusal) else Decoded(pixels, values, spacing_of(dataset))


def _admit_picture(
    content: bytes, kind: Format, planned: PlannedInput, scope: Scope, policy: AdmitSettings
) -> Admitted | Refusal:
    """A format without a header: the manifest, or the operator's choice of the model, says what it shows."""
    # NIfTI and its like hold CT and MR, hardly ever a radiograph: there the choice of a model is no declaration
    may_assume = policy.undeclared == "assume" and kind not in (Format.NIFTI, *_ITK)
    shown = check_scope(scope, header=("", ""), manifest=_declared(planned), has_header=False, may_assume=may_assume)
    decoded = _with_units(_decode_picture(content, kind, policy), in_units=scope.in_units)
    if isinstance(decoded, Refusal):  # a format that cannot be read goes before a scope that it does not name
        return decoded
    return shown if isinstance(shown, Refusal) else _admitted(decoded, shown, policy)


def _with_units(decoded: Decoded | Refusal, *, in_units: bool) -> Decoded | Refusal:
    """With values only where they are asked for, and then never without."""
    if isinstance(decoded, Refusal):
        return decoded
    read = decoded.read(in_units=in_units)
    return read if isinstance(read, Refusal) else decoded if in_units else replace(decoded, values=None)


def _decode_picture(content: bytes, kind: Format, policy: AdmitSettings) -> Decoded | Refusal:
    if kind is Format.NIFTI:
        return decode_nifti(content, policy)
    if kind in _ITK:
        from pipelines.admit.itkformats import decode_itk  # a large library, for what is seldom screened

        return decode_itk(content, kind, policy)
    pixels = decode_raster(content, kind, policy)
    return pixels if isinstance(pixels, Refusal) else Decoded(pixels)


def _admit_dicom(content: bytes, planned: PlannedInput, scope: Scope, policy: AdmitSettings) -> Admission:
    dataset = parse_dicom(content, policy)
    if isinstance(dataset, Refusal):
        return Admission(dataset)
    if policy.conformance == "errors" and (refusal := check_conformance(content)):
        return Admission(refusal)
    try:
        identity = _identity(dataset)
        outcome = set_aside(dataset) or _decide_on_dataset(dataset, planned, scope, policy)
    except ModelError:  # the text finder's: no fault of the file
        raise
    except Exception:  # noqa: BLE001 - a value of a kind that its attribute must not have
        return Admission(Refusal(Reason.FORMAT_CORRUPT, "An attribute holds a value of the wrong kind."))
    return Admission(outcome, identity)


def _decide_on_dataset(
    dataset: Dataset, planned: PlannedInput, scope: Scope, policy: AdmitSettings
) -> Admitted | Refusal:
    header = (text_of(dataset, "Modality").upper(), _body_part(dataset))
    shown = check_scope(scope, header=header, manifest=_declared(planned), has_header=True, may_assume=False)
    if isinstance(shown, Refusal):
        return shown
    view = text_of(dataset, "ViewPosition").upper()
    refusal = check_view(scope, view) or check_header(dataset, policy) or check_demands(dataset, policy)
    decoded = refusal or _decode_dataset(dataset, in_units=scope.in_units)
    if isinstance(decoded, Refusal):
        return decoded
    attributes, removed = deidentify(dataset)
    return _admitted(decoded, shown, policy, attributes=attributes, removed=removed)


def _admitted(
    decoded: Decoded,
    shown: Shown,
    policy: AdmitSettings,
    *,
    attributes: dict[str, str] | None = None,
    removed: tuple[str, ...] = (),
) -> Admitted | Refusal:
    """The part of the compliance policy that needs no header, or that only the pixels decide."""
    pixels = decoded.pixels
    if refusal := _why_not(pixels, shown, policy):
        return refusal
    quality, treated = check_quality(pixels, policy.quality), treat_text(pixels, policy)
    if isinstance(quality, Refusal):
        return quality
    if isinstance(treated, Refusal):
        return treated
    plain, masked = treated
    rows, columns = pixels.shape
    about = (shown.modality, shown.body_part, shown.declared_by, attributes or {}, removed, quality, masked)
    values = None if decoded.values is None else blanked(decoded.values, masked)
    return Admitted(plain, ImageFacts(rows, columns, *about), values, decoded.spacing_mm)


def _why_not(pixels: NDArray[Any], shown: Shown, policy: AdmitSettings) -> Refusal | None:
    rows, columns = pixels.shape
    rules: tuple[tuple[bool, Refusal], ...] = (
        (_is_other(shown.modality, policy.modalities), Refusal(Reason.COMPLIANCE_MODALITY)),
        (_is_other(shown.body_part, policy.body_parts), Refusal(Reason.COMPLIANCE_BODY_PART)),
        (
            min(rows, columns) < policy.min_side_px,
            Refusal(Reason.COMPLIANCE_MATRIX_SIZE, f"It is {rows} by {columns} pixels."),
        ),
        (bool(pixels.min() == pixels.max()), Refusal(Reason.COMPLIANCE_BLANK)),
    )
    return next((refusal for broken, refusal in rules if broken), None)


def _is_other(said: str, allowed: tuple[str, ...]) -> bool:
    return bool(allowed) and said not in allowed


def _declared(planned: PlannedInput) -> tuple[str, str]:
    return planned.modality or "", planned.body_part or ""


def _body_part(dataset: Dataset) -> str:
    """BodyPartExamined, else the meaning of the coded anatomic region (PS3.3 C.7.6.16.2.8)."""
    if plain := text_of(dataset, "BodyPartExamined").upper():
        return plain
    regions = dataset.get("AnatomicRegionSequence") or []
    return str(regions[0].get("CodeMeaning") or "").strip().upper() if len(regions) else ""


def _identity(dataset: Dataset) -> dict[str, str]:
    found = {keyword: text_of(dataset, keyword) for keyword in ENVELOPE_KEYWORDS}
    return {keyword: value for keyword, value in found.items() if value}
