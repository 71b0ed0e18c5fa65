"""Small DICOM objects for tests, written by pydicom."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

SIDE = 96
PATIENT = "DOE^JANE"


def ramp(side: int = SIDE) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """A 12-bit picture that is not constant."""
    return np.add.outer(np.arange(side), np.arange(side)).astype(np.uint16) * 8


def chest(**changes: Any) -> Dataset:  # noqa: ANN401 - whatever an attribute holds
    """A digital chest radiograph that must be admitted; None removes an attribute."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["sievert"])
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, "PID-007", "19700101"
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.PresentationIntentType, dataset.BurnedInAnnotation = "FOR PRESENTATION", "NO"
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = ramp().tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def encoded(dataset: Dataset) -> bytes:
    """The file of a data set."""
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
