"""DICOM in: a storage SCP that feeds the same path as a request. Knows nothing of Ray."""
