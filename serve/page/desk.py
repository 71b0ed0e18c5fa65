"""What every request of the page works with, and what it may do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from pipelines.notify.answering import acknowledge_notices
from pipelines.notify.queuefile import queue_place
from pipelines.results.audit import AuditLog
from serve.page.pictures import PictureSource, SourcePictures
from sievert.errors import SievertError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.results.keystore import KeyStore
    from serve.access.principal import Principal
    from serve.page.case import CaseRow
    from serve.page.casebook import CaseBook
    from serve.page.reviews import Reviews
    from serve.page.verification import Verifier

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Of every page: nothing foreign runs, nothing is kept, and no address of a case goes elsewhere."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The objects behind the page.

    Attributes:
        book: Of the cases.
        reviews: What people said of them.
        verifier: Holds a case against the ledger.
        pictures: Where pictures come from.
        sign_out: Where a POST ends the session; empty: no button.
    """

    book: CaseBook
    reviews: Reviews
    verifier: Verifier
    pictures: PictureSource = field(default_factory=SourcePictures)
    sign_out: str = ""

    def case(self, job: str, record: str) -> CaseRow:
        """A case's row.

        Raises:
            HTTPException: 404: there is none.
        """
        found = self.book.find(job, record)
        if found is None:
            raise HTTPException(404, "there is no such case")
        return found

    def log(self, who: Principal, what: str, **about: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
        """Write into the audit log before anything is shown or done.

        Raises:
            HTTPException: 503: it cannot be logged now, and so is not shown.
        """
        try:
            log_as(self.book.keys, who, what, **about)
        except SievertError as error:
            raise HTTPException(503, "the audit log cannot be written now, so nothing is shown") from error

    def note_seen(self, row: CaseRow, who: Principal) -> None:
        """Whoever reviews a case knows what somebody may have been told of it: that is escalated no further."""
        keys, (out, _) = self.book.keys, self.book.job(row.job)
        if not keys.is_exported and queue_place(keys.folder, row.job).exists():
            with suppress(SievertError):  # what was said is kept; at worst somebody is asked again
                acknowledge_notices(out, keys, [row.record], by=who.name)

    def log_list(self, who: Principal, rows: Sequence[CaseRow]) -> None:
        """Note which cases somebody saw in a list."""
        if rows:
            self.log(who, "listed", records=[row.record for row in rows])


def log_as(keys: KeyStore, who: Principal, what: str, **about: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
    """Write an entry that names who asked, and how they have shown who they are."""
    if not keys.is_exported:
        AuditLog(keys.folder, who=who.name).append(what, **about, by=who.by)
