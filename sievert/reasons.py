"""Reason codes: why an input was quarantined, in a word for machines and a sentence for the sender."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an input was quarantined: `family.case`; `explanation` says it in words.

    Families: `format` ("Incorrect dataset format"), `compliance` ("Dataset is not compliant"), `scope`
    (the model package does not declare it), `features` (the network's feature map is invalid).
    """

    FORMAT_UNREADABLE = "format.unreadable"
    FORMAT_EMPTY = "format.empty"
    FORMAT_UNKNOWN = "format.unknown"
    FORMAT_TRUNCATED = "format.truncated"
    FORMAT_CORRUPT = "format.corrupt"
    FORMAT_NO_PIXELS = "format.no-pixels"
    FORMAT_UNSUPPORTED = "format.unsupported"
    FORMAT_TOO_LARGE = "format.too-large"
    FORMAT_DECODER_CRASHED = "format.decoder-crashed"
    COMPLIANCE_COLOUR = "compliance.colour"
    COMPLIANCE_SPATIAL_RANK = "compliance.spatial-rank"
    COMPLIANCE_MATRIX_SIZE = "compliance.matrix-size"
    COMPLIANCE_BIT_DEPTH = "compliance.bit-depth"
    COMPLIANCE_BLANK = "compliance.blank"
    COMPLIANCE_BURNED_IN = "compliance.burned-in-annotation"
    COMPLIANCE_FOR_PROCESSING = "compliance.for-processing"
    COMPLIANCE_MODALITY = "compliance.modality"
    COMPLIANCE_BODY_PART = "compliance.body-part"
    COMPLIANCE_VIEW = "compliance.view"
    COMPLIANCE_PHOTOMETRIC = "compliance.photometric"
    COMPLIANCE_MISSING_ATTRIBUTE = "compliance.missing-attribute"
    COMPLIANCE_SPACING = "compliance.spacing"
    COMPLIANCE_NO_SPACING = "compliance.no-spacing"
    COMPLIANCE_NO_UNITS = "compliance.no-units"
    COMPLIANCE_AGE = "compliance.age"
    COMPLIANCE_IDENTITY = "compliance.identity"
    COMPLIANCE_SATURATED = "compliance.saturated"
    COMPLIANCE_CLIPPED = "compliance.clipped"
    COMPLIANCE_COLLIMATED = "compliance.collimated"
    COMPLIANCE_OUT_OF_FOCUS = "compliance.out-of-focus"
    COMPLIANCE_NONCONFORMANT = "compliance.nonconformant"
    COMPLIANCE_GEOMETRY = "compliance.geometry"
    COMPLIANCE_UNEVEN_SLICES = "compliance.uneven-slices"
    COMPLIANCE_TILTED = "compliance.tilted-gantry"
    SCOPE_MODALITY = "scope.modality"
    SCOPE_BODY_PART = "scope.body-part"
    SCOPE_VIEW = "scope.view"
    SCOPE_UNDECLARED = "scope.undeclared"
    FEATURES_NOT_FINITE = "features.not-finite"
    FEATURES_CONSTANT = "features.constant"

    @property
    def family(self) -> str:
        """The part before the dot."""
        return self.value.split(".", 1)[0]

    @property
    def explanation(self) -> str:
        """One sentence for the sender, without anything from the file."""
        return _EXPLANATIONS[self]


FAMILIES = {
    "format": "Incorrect dataset format",
    "compliance": "Dataset is not compliant",
    "scope": "Outside what the model package declares",
    "features": "The network's feature map is invalid",
}
"""What each family of reasons is called in reports."""

_EXPLANATIONS = {
    Reason.FORMAT_UNREADABLE: "The file could not be read: it is gone, not permitted, or the disk failed.",
    Reason.FORMAT_EMPTY: "The file has no content.",
    Reason.FORMAT_UNKNOWN: "The content is none of DICOM, PNG, JPEG, TIFF, NIfTI, NRRD or MetaImage.",
    Reason.FORMAT_TRUNCATED: "The file ends before its image does.",
    Reason.FORMAT_CORRUPT: "The content cannot be decoded as the format that it claims to be.",
    Reason.FORMAT_NO_PIXELS: "The object carries no image to screen (report, plan, segmentation, index …).",
    Reason.FORMAT_UNSUPPORTED: "The transfer syntax or pixel layout has no decoder here.",
    Reason.FORMAT_TOO_LARGE: "The image declares more pixels than the policy allows.",
    Reason.FORMAT_DECODER_CRASHED: "The decoder died on this file, or did not end in time; it was tried in isolation.",
    Reason.COMPLIANCE_COLOUR: "The image is in colour; the policy admits grey images only.",
    Reason.COMPLIANCE_SPATIAL_RANK: "The image is a volume or has several frames; the model reads single pictures.",
    Reason.COMPLIANCE_MATRIX_SIZE: "The image has fewer rows or columns than the policy's minimum.",
    Reason.COMPLIANCE_BIT_DEPTH: "The image stores fewer bits a pixel than the policy's minimum.",
    Reason.COMPLIANCE_BLANK: "All pixels have one value, or nearly so.",
    Reason.COMPLIANCE_BURNED_IN: "Text is burned into the pixels: the header says so, or it was found there.",
    Reason.COMPLIANCE_FOR_PROCESSING: "The header says that the pixels are raw, for processing, not for presentation.",
    Reason.COMPLIANCE_MODALITY: "The modality is not one that the policy allows.",
    Reason.COMPLIANCE_BODY_PART: "The body part is not one that the policy allows.",
    Reason.COMPLIANCE_VIEW: "The view position is not one that the policy allows.",
    Reason.COMPLIANCE_PHOTOMETRIC: "The photometric interpretation is not one that the policy allows.",
    Reason.COMPLIANCE_MISSING_ATTRIBUTE: "The header lacks an attribute that the policy requires.",
    Reason.COMPLIANCE_SPACING: "The pixels lie nearer together or farther apart than the policy allows.",
    Reason.COMPLIANCE_NO_SPACING: "The recipe resamples to a distance in mm; the image names none, or an absurd one.",
    Reason.COMPLIANCE_NO_UNITS: "The recipe reads values in their own units (HU); the image has a picture only.",
    Reason.COMPLIANCE_AGE: "The patient is younger or older than the policy allows, or the age cannot be read.",
    Reason.COMPLIANCE_IDENTITY: "The header does not say of the patient's identity what the policy asks for.",
    Reason.COMPLIANCE_SATURATED: "Too much of the picture is cut off at the bright end.",
    Reason.COMPLIANCE_CLIPPED: "Too much of the picture is cut off at the dark end.",
    Reason.COMPLIANCE_COLLIMATED: "Too little of the picture shows anything: the rest is uniform border.",
    Reason.COMPLIANCE_OUT_OF_FOCUS: "The picture has too little fine detail: it is out of focus, or was enlarged.",
    Reason.COMPLIANCE_NONCONFORMANT: "The object is not what its SOP class asks for; dciodvfy finds errors.",
    Reason.COMPLIANCE_GEOMETRY: "The slices of the series do not make one volume.",
    Reason.COMPLIANCE_UNEVEN_SLICES: "The slices lie unevenly; the policy demands one distance.",
    Reason.COMPLIANCE_TILTED: "The slices are tilted against their stack; the policy demands a right angle.",
    Reason.SCOPE_MODALITY: "The modality is not one that the model package declares.",
    Reason.SCOPE_BODY_PART: "The body part is not one that the model package declares.",
    Reason.SCOPE_VIEW: "The view position is not one that the model package declares.",
    Reason.SCOPE_UNDECLARED: "Neither header nor manifest says which modality and body part this is.",
    Reason.FEATURES_NOT_FINITE: "The network's feature map holds values that are not finite.",
    Reason.FEATURES_CONSTANT: "The network's feature map is constant: it saw nothing.",
}
