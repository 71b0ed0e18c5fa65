"""Sealing, storing, proving and showing results."""
