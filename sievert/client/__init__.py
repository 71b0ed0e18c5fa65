"""A client of the online service; needs nothing else of Sievert, and imports nothing heavy."""

from sievert.client.asking import Client
from sievert.client.nouns import Model, Progress, Record

__all__ = ["Client", "Model", "Progress", "Record"]
