"""Whether the model package declares what an image shows: what it does not cover is never diagnosed."""

from __future__ import annotations

from dataclasses import dataclass

from sievert.records import Reason, Refusal

# PS3.3 C.7.3.1.1.1: codes that may be told in a reason; any other value could hold anything
KNOWN_MODALITIES = frozenset(
    "AR ASMT AU BDUS BI BMD CR CT CTPROTOCOL DMS DG DOC DX ECG EPS ES FID GM HC HD IO IOL IVOCT IVUS KER KO LEN LS MG "
    "MR M3D NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT "
    "RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XC".split()
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a model package is for.

    Attributes:
        modalities: DICOM codes.
        body_parts: BodyPartExamined terms (PS3.16 Annex L); the first is what headerless pictures are taken for.
        spatial_dims: 2 for pictures, 3 for volumes.
        views: View positions (PS3.3 C.8.1.2); empty where any will do.
        in_units: Whether its recipe begins with values in their own units (HU) instead of the picture.
    """

    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    spatial_dims: int = 2
    views: tuple[str, ...] = ()
    in_units: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What an image is said to show, and who says so."""

    modality: str
    body_part: str
    declared_by: str


def check_view(scope: Scope, view: str) -> Refusal | None:
    """Hold the view that a header names, if it names one, against the scope."""
    if not scope.views or not view or view in scope.views:
        return None
    return Refusal(Reason.SCOPE_VIEW, f"The model is for {', '.join(scope.views)}.")


def check_scope(
    scope: Scope, *, header: tuple[str, str], manifest: tuple[str, str], has_header: bool, may_assume: bool
) -> Shown | Refusal:
    """Hold what header and manifest say against the scope.

    Args:
        scope: Of the model package.
        header: Modality and body part of the header; empty strings where it has none. It goes before the manifest.
        manifest: The same from the manifest.
        has_header: Whether the format can carry them at all; only where it cannot may they be assumed.
        may_assume: Whether the operator's choice of the model may stand for a declaration.
    """
    modality, body_part = (first or second for first, second in zip(header, manifest, strict=True))
    if modality and modality not in scope.modalities:
        told = f"It is {modality}; " if modality in KNOWN_MODALITIES else ""
        return Refusal(Reason.SCOPE_MODALITY, f"{told}the model is for {', '.join(scope.modalities)}.")
    if body_part and body_part not in scope.body_parts:
        return Refusal(Reason.SCOPE_BODY_PART, f"The model is for {', '.join(scope.body_parts)}.")
    if modality and body_part:
        return Shown(modality, body_part, "header" if all(header) else "manifest")
    if has_header or not may_assume:
        missing = " and ".join(
            name for name, value in (("the modality", modality), ("the body part", body_part)) if not value
        )
        return Refusal(Reason.SCOPE_UNDECLARED, f"What is missing: {missing}.")
    return Shown(modality or scope.modalities[0], body_part or scope.body_parts[0], "assumed")
