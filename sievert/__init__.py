"""Sievert screens medical images at population scale: sealed, provable, explained."""

__version__ = "0.1.0"
