"""Everything that happens to data on its way: cohort, admit, preprocess, flows, results."""
