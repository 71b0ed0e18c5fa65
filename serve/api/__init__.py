"""The interfaces: Open Inference Protocol, studies, jobs, their schemas. Knows nothing of Ray."""
