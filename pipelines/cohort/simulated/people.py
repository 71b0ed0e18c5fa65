"""Fictional patients: nobody of these names, ids, dates and places exists."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from pydicom.uid import UID

_FIRST_STUDY = date(2024, 1, 8)
_NAMESPACE = uuid.UUID("5e1e7e27-0000-4000-8000-51a7ed000001")
"""Our own: names in it are `seed/what/number`."""

_STREAMS = ("person", "anatomy", "study", "storage", "order")


@dataclass(frozen=True, slots=True)
class Person:
    """A fictional child.

    Attributes:
        number: From 1, unique in a cohort.
        sex: `F` or `M`, as in DICOM.
        age_years: At the first study of the cohort, 1 to 5 as in the paediatric sets that models train on.
        born: Date of birth.
    """

    number: int
    sex: str
    age_years: int
    born: date

    @property
    def name(self) -> str:
        """As in PatientName."""
        return f"Simulated^Patient {self.number:02d}"

    @property
    def guardian(self) -> str:
        """As in ResponsiblePerson."""
        return f"Simulated^Guardian {self.number:02d}"

    @property
    def patient_id(self) -> str:
        """As in PatientID."""
        return f"SIM{self.number:06d}"


@dataclass(frozen=True, slots=True)
class Visit:
    """One study of a person.

    Attributes:
        person: Who came.
        number: The study's number in the cohort, from 1.
        day: When.
        seed: Of the cohort; UIDs follow from it.
    """

    person: Person
    number: int
    day: date
    seed: int

    @property
    def accession(self) -> str:
        """As in AccessionNumber."""
        return f"SIMACC{self.number:05d}"

    @property
    def folder(self) -> str:
        """A folder a patient and in it one a study, as hospital archives export them."""
        return f"{self.person.patient_id}/{self.day:%Y%m%d}_{self.accession}"

    def uid(self, what: str) -> UID:
        """The UID of this visit's `what`, the same whenever the seed is.

        Source: DICOM PS3.5 B.2 (UUID-derived UIDs under 2.25), RFC 9562 5.5 (name-based UUIDs).
        """
        return UID(f"2.25.{uuid.uuid5(_NAMESPACE, f'{self.seed}/{what}/{self.number}').int}")


def stream(seed: int, what: str, number: int = 0) -> np.random.Generator:
    """Random numbers of their own for each of a seed's persons and visits.

    Args:
        seed: Of the cohort.
        what: `person` or `anatomy` of a patient; `study` or `storage` of a visit; the cohort's `order`.
        number: The patient's or the visit's.
    """
    return np.random.default_rng([seed, _STREAMS.index(what), number])


def invent_person(rng: np.random.Generator, *, number: int) -> Person:
    """A fictional child, `number` from 1."""
    age_years = int(rng.integers(1, 6))
    born = _FIRST_STUDY - timedelta(days=365 * age_years + 2 + int(rng.integers(0, 300)))
    return Person(number=number, sex=str(rng.choice(["F", "M"])), age_years=age_years, born=born)


def plan_visits(total: int, *, seed: int) -> list[Visit]:
    """Spread `total` studies over fictional patients, one a day; every fifth patient comes twice in a row."""
    visits = []
    for position in range(total):
        patient = position * 5 // 6 + 1
        person = invent_person(stream(seed, "person", patient), number=patient)
        day = _FIRST_STUDY + timedelta(days=position)
        visits.append(Visit(person=person, number=position + 1, day=day, seed=seed))
    return visits
