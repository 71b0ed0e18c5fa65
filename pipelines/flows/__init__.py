"""Whole runs: screening, training, evaluation."""
