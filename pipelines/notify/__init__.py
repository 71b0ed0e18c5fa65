"""Tells clinicians what was found: at least once, as soon as a result is stored."""
