"""The errors of telling clinicians; `sievert/errors.py` draws the whole tree."""

from __future__ import annotations

from sievert.errorroot import SievertError


class DeliveryError(SievertError):
    """A notice did not arrive; it is tried again.

    Attributes:
        asked_s: Seconds that the receiver asked to be left alone for (`Retry-After`, RFC 9110, 10.2.3); None where it
            asked for nothing.
    """

    asked_s: float | None = None
    exit_code = 75
    advice = "Nothing is lost: run `sievert notify send DIR` again; `sievert notify list DIR` says what waits."


class RefusedNoticeError(DeliveryError):
    """A receiver will never take a notice: another try makes no sense."""

    exit_code = 76
    advice = "Mend what the receiver complains of, then run `sievert notify retry DIR`."
