"""DICOM PS3.15 Annex E: takes identity out of whole objects, so that they remain DICOM and may leave the hospital."""
