"""Tuning on Ray Tune: what may be tried, what one trial does, how a search goes on after it was killed."""
