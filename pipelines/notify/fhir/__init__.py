"""Results as FHIR R4 resources, written into a FHIR server."""
