"""The result as a Structured Report of template 1500 (PS3.16, Measurement Report)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.notify.dicom.source import MANUFACTURER, derived_uid, stamp

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, ComprehensiveSR, MeasurementReport, MeasurementsAndQualitativeEvaluations
    from pydicom.dataset import Dataset

    from pipelines.notify.notice import Notice

SCHEME = "99SIEVERT"
_SERIES, _FIRST = 9901, 1
_LONGEST = 64  # PS3.5 6.2: LO
_DECISIONS = {
    "positive": ("10828004", "Positive"),
    "negative": ("260385009", "Negative"),
    "uncertain": ("82334004", "Indeterminate"),
}


def structured_report(notice: Notice, source: Dataset) -> ComprehensiveSR:
    """Probability and decision on one image, by a device; neither complete nor verified: a person has to look.

    Args:
        notice: What is told; of a screened record.
        source: The image, as `source_image` makes it.
    """
    from highdicom.sr import ComprehensiveSR

    made = ComprehensiveSR(
        evidence=[source],
        content=_content(notice, source)[0],
        series_instance_uid=derived_uid(notice, "sr-series"),
        series_number=_SERIES,
        sop_instance_uid=derived_uid(notice, "sr"),
        instance_number=_FIRST,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
    )
    stamp(made, notice)
    return made


def _content(notice: Notice, source: Dataset) -> MeasurementReport:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        ObservationContext,
        ObserverContext,
    )
    from pydicom.sr.codedict import codes

    model = notice.record["model"]
    device = DeviceObserverIdentifyingAttributes(
        uid=derived_uid(notice, "device"),
        name=model["name"][:_LONGEST],
        manufacturer_name=MANUFACTURER,
        model_name=f"{model['name']} {model['version']}"[:_LONGEST],
        serial_number=model["digest"][:_LONGEST],
    )
    observer = ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    return MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=_own("SCREENING", "Automated screening of an image"),
        imaging_measurements=[_finding(notice, source)],
        title=codes.DCM.ImagingMeasurementReport,
    )


def _finding(notice: Notice, source: Dataset) -> MeasurementsAndQualitativeEvaluations:
    from highdicom.sr import (
        AlgorithmIdentification,
        CodedConcept,
        Measurement,
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
    )
    from pydicom.sr.codedict import codes

    record = notice.record
    code, meaning = _DECISIONS[record["decision"]]
    algorithm = AlgorithmIdentification(
        name=record["model"]["name"],
        version=record["model"]["version"],
        parameters=[f"digest {record['model']['digest']}"],
    )
    shares = {
        "PROBABILITY": ("Probability of the positive label", record["probability"]),
        "THRESHOLD": ("Positive from this probability on", record["threshold"]),
        "CONFIDENCE": ("Confidence in the decision", record["confidence"]),
    }
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=derived_uid(notice, "tracking"), identifier=notice.id),
        source_images=[SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)],
        algorithm_id=algorithm,
        measurements=[
            Measurement(name=_own(name, said), value=value, unit=codes.UCUM.NoUnits)
            for name, (said, value) in shares.items()
        ],
        qualitative_evaluations=[
            QualitativeEvaluation(name=_own("DECISION", "Decision"), value=CodedConcept(code, "SCT", meaning)),
            QualitativeEvaluation(
                name=_own("DIAGNOSIS", "Diagnosis"), value=_own("LABEL", str(record["diagnosis"])[:_LONGEST])
            ),
        ],
    )


def _own(value: str, meaning: str) -> CodedConcept:
    from highdicom.sr import CodedConcept

    return CodedConcept(value, SCHEME, meaning)
