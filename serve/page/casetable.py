"""The index of cases: a table in memory, so that nothing of it lies in clear on a disk."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from serve.page.case import CaseRow
from serve.page.packed import pack_id, pack_job, unpack_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from serve.page.query import CaseQuery
    from serve.page.standing import Standing

_NAMES = tuple(field.name for field in fields(CaseRow))
_COLUMNS = ", ".join(_NAMES)
_PATIENT = _NAMES.index("patient") - 2
"""Its place behind job and record, which come first."""
_SORTED = ("priority", "record", "probability", "confidence", "modality", "model", "time", "state", "job")
_SCHEMA = """
CREATE TABLE cases (id INTEGER PRIMARY KEY, job INTEGER NOT NULL, record BLOB NOT NULL, shard INTEGER NOT NULL,
  place INTEGER NOT NULL, urgency TEXT NOT NULL, priority REAL NOT NULL, probability REAL NOT NULL,
  confidence REAL NOT NULL, modality TEXT NOT NULL, body_part TEXT NOT NULL, model TEXT NOT NULL, time TEXT NOT NULL,
  reason TEXT NOT NULL, patient BLOB NOT NULL, state TEXT NOT NULL, assignee TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX known ON cases (job, record);
CREATE INDEX stacked ON cases (job, patient, place);
CREATE INDEX grouped ON cases (urgency, state, priority, id);
CREATE INDEX urgent ON cases (urgency, priority, id);
CREATE INDEX assigned ON cases (assignee) WHERE assignee != '';
"""
MOST_IN_A_STACK = 2000


@dataclass(frozen=True, slots=True)
class CasePage:
    """A page of the list.

    Attributes:
        rows: In the order asked for.
        total: How many cases the filters leave.
        counts: How many of each urgency there are when the filter by urgency is left out.
    """

    rows: list[CaseRow]
    total: int
    counts: dict[str, int]


class CaseTable:
    """Its methods may be called from several threads."""

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._rows = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA temp_store = MEMORY")
        self._rows.executescript(_SCHEMA)
        for name in _SORTED:
            self._rows.execute(f"CREATE INDEX by_{name} ON cases ({name}, id)")
        self.grown = 0
        """How often cases came in."""
        self._jobs: dict[int, str] = {}
        self._choices: dict[str, list[str]] = {}
        self._counted: dict[tuple[Any, ...], dict[str, int]] = {}

    def add(self, rows: Iterable[CaseRow]) -> None:
        """Take cases in; one that is there already stays."""
        marks = ", ".join("?" for _ in _NAMES)
        made = [self._packed(row) for row in rows]
        self._change(f"INSERT OR IGNORE INTO cases ({_COLUMNS}) VALUES ({marks})", made)  # noqa: S608 - our own names
        self.grown += 1

    def review(self, standings: Iterable[Standing]) -> None:
        """Note how reviewed cases stand."""
        made = [(one.state, one.assignee, pack_job(one.job), pack_id(one.record)) for one in standings]
        self._change("UPDATE cases SET state = ?, assignee = ? WHERE job = ? AND record = ?", made)

    def drop_job(self, job: str) -> None:
        """Forget a job that is gone."""
        self._change("DELETE FROM cases WHERE job = ?", [(pack_job(job),)])

    def drop_patients(self, job: str, patients: Iterable[str]) -> None:
        """Forget erased patients of a job."""
        made = [(pack_job(job), pack_id(one)) for one in patients]
        self._change("DELETE FROM cases WHERE job = ? AND patient = ?", made)

    def patients(self, job: str) -> list[str]:
        """The pseudonyms of a job."""
        found = self._ask("SELECT DISTINCT patient FROM cases WHERE job = ?", (pack_job(job),))
        return [unpack_id(one) for (one,) in found]

    def page(self, query: CaseQuery, *, me: str) -> CasePage:
        """One page of the list."""
        where, values = query.condition(me=me)
        way = "DESC" if query.order == "down" else "ASC"
        sql = f"SELECT {_COLUMNS} FROM cases WHERE {where} ORDER BY {query.sort} {way}, id {way} LIMIT ? OFFSET ?"  # noqa: S608 - names are ours, values are bound
        rows = self._cases(sql, [*values, query.size, (query.page - 1) * query.size])
        counts = self._counts(query, me)
        return CasePage(rows, counts.get(query.urgency, 0) if query.urgency else sum(counts.values()), counts)

    def find(self, job: str, record: str) -> CaseRow | None:
        """One case."""
        sql = f"SELECT {_COLUMNS} FROM cases WHERE job = ? AND record = ?"  # noqa: S608 - our own names
        found = self._cases(sql, [pack_job(job), pack_id(record)])
        return found[0] if found else None

    def neighbours(self, row: CaseRow, query: CaseQuery, *, me: str) -> tuple[CaseRow | None, CaseRow | None]:
        """The case before it in the list, and the one behind it."""
        up = query.order == "up"
        return self._next_to(row, query, me, up=not up), self._next_to(row, query, me, up=up)

    def stack(self, row: CaseRow) -> list[CaseRow]:
        """The screened images of the same patient and job, in the order of the plan."""
        sql = f"SELECT {_COLUMNS} FROM cases WHERE job = ? AND patient = ? AND reason = '' ORDER BY place LIMIT ?"  # noqa: S608 - our own names
        return self._cases(sql, [pack_job(row.job), pack_id(row.patient), MOST_IN_A_STACK])

    def choices(self) -> dict[str, list[str]]:
        """What can be filtered by: modalities, models and jobs that there are."""
        with self._turn:
            if not self._choices:
                self._choices = {name: self._distinct(name) for name in ("modality", "model")}
                self._choices["job"] = [self._jobs[one] for one in self._distinct("job")]
            return self._choices

    def _distinct(self, name: str) -> list[Any]:
        return [one for (one,) in self._ask(f"SELECT DISTINCT {name} FROM cases ORDER BY {name}", ()) if one]  # noqa: S608 - our own names

    def _next_to(self, row: CaseRow, query: CaseQuery, me: str, *, up: bool) -> CaseRow | None:
        where, values = query.condition(me=me)
        sign, way, column = (">", "ASC", query.sort) if up else ("<", "DESC", query.sort)
        here = f"(SELECT {column}, id FROM cases WHERE job = ? AND record = ?)"  # noqa: S608 - our own names
        sql = f"SELECT {_COLUMNS} FROM cases WHERE {where} AND ({column}, id) {sign} {here} ORDER BY {column} {way}, id {way} LIMIT 1"  # noqa: S608, E501 - our own names
        found = self._cases(sql, [*values, pack_job(row.job), pack_id(row.record)])
        return found[0] if found else None

    def _counts(self, query: CaseQuery, me: str) -> dict[str, int]:
        where, values = query.condition(me=me, urgency=False)
        asked = (where, *values)
        with self._turn:
            if asked not in self._counted:
                sql = f"SELECT urgency, count(*) FROM cases WHERE {where} GROUP BY urgency"  # noqa: S608 - values are bound
                self._counted[asked] = dict(self._rows.execute(sql, values).fetchall())
            return self._counted[asked]

    def _cases(self, sql: str, values: Sequence[Any]) -> list[CaseRow]:
        return [self._unpacked(found) for found in self._ask(sql, values)]

    def _packed(self, row: CaseRow) -> tuple[Any, ...]:
        job, _, *others = (getattr(row, name) for name in _NAMES)
        number = pack_job(job)
        self._jobs[number] = job
        others[_PATIENT] = pack_id(row.patient)
        return number, pack_id(row.record), *others

    def _unpacked(self, found: tuple[Any, ...]) -> CaseRow:
        job, record, *others = found
        others[_PATIENT] = unpack_id(others[_PATIENT])
        return CaseRow(self._jobs[job], unpack_id(record), *others)

    def _ask(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._turn:
            return self._rows.execute(sql, values).fetchall()

    def _change(self, sql: str, values: Sequence[tuple[Any, ...]]) -> None:
        if not values:
            return
        with self._turn:
            self._rows.execute("BEGIN")
            self._rows.executemany(sql, values)
            self._rows.execute("COMMIT")
            self._counted.clear()
            self._choices = {}
