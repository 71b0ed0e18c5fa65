"""A table for analytics: decrypted, without identity, and k-anonymous, by consent of who holds the key.

Source: Sweeney, "k-anonymity: a model for protecting privacy", 2002. Every combination of values that is left stands
for at least k patients (not rows: one patient may have many images). Probabilities are told in steps; steps become
coarser, then body part and modality go, until few rows have to be left out; what is rare even then is left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipelines.results.disk import disk_errors, write_whole
from sievert.errors import ConfigError, NothingAdmittedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipelines.results.keystore import KeyStore

SCHEMA = "sievert.table/1"
COLUMNS = ("modality", "body_part", "model", "decision", "probability_from")
SUFFIXES = (".parquet", ".csv")
MOST_LEFT_OUT = 0.05
"""Share of rows that may be left out before values are told more coarsely."""
_PATIENT, _EXACT, _ANY = "patient", "probability", "any"
_STEPS = (10, 4, 2)
"""How many steps of probability there are, finest first."""


@dataclass(frozen=True, slots=True)
class Anonymised:
    """What may be handed out.

    Attributes:
        rows: One a record, columns `COLUMNS`, sorted: their order tells nothing.
        left_out: Records that were too rare.
        steps: Of probability; 0 where it is not told at all.
        hidden: Columns whose values are not told.
    """

    rows: pd.DataFrame
    left_out: int
    steps: int
    hidden: tuple[str, ...]


def gather(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """What the table is made of, from opened records; nothing else of them is kept."""
    kept = [
        {
            _PATIENT: record["patient"],
            "modality": record["modality"],
            "body_part": record["body_part"],
            "model": record["model"]["digest"],
            "decision": record["decision"],
            _EXACT: record["probability"],
        }
        for record in records
    ]
    return pd.DataFrame(kept, columns=[_PATIENT, *COLUMNS[:-1], _EXACT])


def anonymise(frame: pd.DataFrame, *, k: int) -> Anonymised:
    """Tell as finely as k patients a combination allow.

    Args:
        frame: As `gather` makes it.
        k: Fewest patients a combination, 2 at least.

    Raises:
        NothingAdmittedError: There are not k patients at all.
    """
    last = None
    for steps, hidden in _coarser():
        rows = _told(frame, steps, hidden)
        enough = rows.groupby(list(COLUMNS), dropna=False)[_PATIENT].transform("nunique") >= k
        left_out = int((~enough).sum())
        kept = rows.loc[enough, list(COLUMNS)].sort_values(list(COLUMNS)).reset_index(drop=True)
        last = Anonymised(kept, left_out, steps, hidden)
        if left_out <= MOST_LEFT_OUT * len(frame):
            break
    if last is None or last.rows.empty:
        raise NothingAdmittedError(
            f"no combination of values stands for {k} patients: nothing may be told of so few",
            remedy="Put several jobs together in one screening, or ask who answers for privacy for a smaller --k.",
        )
    return last


def _coarser() -> Iterable[tuple[int, tuple[str, ...]]]:
    yield from ((steps, ()) for steps in _STEPS)
    yield 0, ()
    yield 0, ("body_part",)
    yield 0, ("body_part", "modality")


def _told(frame: pd.DataFrame, steps: int, hidden: tuple[str, ...]) -> pd.DataFrame:
    """The frame at one degree of coarseness, with the patient still in it."""
    rows = frame.copy()
    floor = (rows[_EXACT] * steps).clip(upper=max(steps - 1, 0)).astype(int) if steps else 0
    rows["probability_from"] = floor / steps if steps else float("nan")
    for name in hidden:
        rows[name] = _ANY
    return rows


def export_table(
    records: Iterable[dict[str, Any]], to: Path, *, k: int, consent: str, job: str, keys: KeyStore
) -> Anonymised:
    """Write the table; the audit log keeps on whose word.

    Args:
        records: Opened ones, of screened images.
        to: `.parquet` or `.csv`.
        k: Fewest patients a combination.
        consent: Who agreed to what; it stands in the file and in the audit log.
        job: The job's commitment.
        keys: Whose log.

    Raises:
        ConfigError: The suffix is another, or nobody consented.
        NothingAdmittedError: There are too few patients.
        StorageError: And its kinds.
    """
    if to.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"a table is written as {' or '.join(SUFFIXES)}")
    if not consent.strip():
        raise ConfigError("nobody has consented", remedy="Say who agreed to what with --consent.")
    made = anonymise(gather(records), k=k)
    about = {
        "schema": SCHEMA,
        "job": job,
        "k": k,
        "left_out": made.left_out,
        "steps": made.steps,
        "hidden": list(made.hidden),
        "consent": consent.strip(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    keys.log("exported", table=True, job=job, k=k, rows=len(made.rows), consent=consent.strip())
    with disk_errors("the table could not be written"):
        to.parent.mkdir(parents=True, exist_ok=True)
    write_whole(to, _encoded(made.rows, about, to.suffix.lower()), drafts=to.parent, mode=0o600)
    return made


def _encoded(rows: pd.DataFrame, about: dict[str, Any], suffix: str) -> bytes:
    """What it is about stands in Parquet's metadata, and in CSV's first line."""
    told = json.dumps(about)
    if suffix == ".csv":
        return f"# {told}\n{rows.to_csv(index=False)}".encode()
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(rows, preserve_index=False)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({"sievert": told}), sink)
    return bytes(sink.getvalue())
