"""The worklist page: cases by urgency, a viewer, reviews. Knows nothing of Ray."""
