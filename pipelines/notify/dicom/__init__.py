"""Results as DICOM objects in the patient's own study: a Structured Report and a Secondary Capture."""
