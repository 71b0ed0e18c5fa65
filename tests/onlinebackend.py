"""The shipped model, asked online in this process: for tests of the interfaces around it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.flows.online.screener import OnlineScreener
from pipelines.flows.online.starting import make_online_task
from pipelines.results.keystore import KeyStore
from pipelines.results.opening import open_records
from pipelines.results.outfolder import OutFolder
from pipelines.results.rolling.closing import close_spool
from pipelines.results.rolling.spool import find_spools
from serve.access.principal import Principal, Role
from serve.api.backend import LocalBackend, describe_model
from sievert.errors import AccessError
from sievert.records import Outcome
from tests.jobs import settings_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN, READER = "of-a-submitter", "of-a-reader"


@dataclass(frozen=True)
class Online:
    """It.

    Attributes:
        backend: To be asked.
        screener: What answers.
        home: Folder of results and keys.
        seen: Jobs that `new` has told.
    """

    backend: LocalBackend
    screener: OnlineScreener
    home: Path
    seen: set[Path] = field(default_factory=set)

    def new(self) -> list[dict[str, Any]]:
        """Records that were sealed since this was last asked, opened; lets go of the open job."""
        keys = KeyStore(self.home / "keys")
        with self.screener._lock:
            if self.screener._job:
                self.screener._job.release()
                self.screener._job = None
        for spool in find_spools(keys.folder):
            close_spool(spool, keys)
        folders = {file.parent for file in (self.home / "results").glob("*/job.json")} - self.seen
        self.seen.update(folders)
        return [
            record
            for folder in folders
            for outcome in (Outcome.SCREENED, Outcome.QUARANTINED)
            for record in open_records(OutFolder(folder), keys, outcome=outcome)
        ]


@contextmanager
def online_in(home: Path) -> Iterator[Online]:
    """Have it for a while.

    Args:
        home: An empty folder.
    """
    task = make_online_task("default", home / "results", settings_in(home))
    screener = OnlineScreener(task)
    rule = task.rule
    model = describe_model(
        "default", screener.casework.package, threshold=rule.threshold, min_confidence=rule.min_confidence
    )
    try:
        yield Online(LocalBackend(model, screener, at_once=4), screener, home)
    finally:
        screener.stop()


def authenticate(authorization: str) -> Principal:
    """Two who may be asked for: a submitter, and a reader who may not infer."""
    roles = {f"Bearer {TOKEN}": Role.SUBMITTER, f"Bearer {READER}": Role.READER}
    if authorization not in roles:
        raise AccessError("the token is not known")
    role = roles[authorization]
    return Principal(role.value, frozenset({role}), "key")
