"""DICOM objects: parsing, what the header says, pixels, and the picture a reader would see."""
