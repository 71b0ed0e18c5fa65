"""Networks that are watched: what is noted of each study, and told on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from serve.api.backend import find_model
from serve.operations.metrics import stages_of
from serve.operations.notes import note_model, note_study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pipelines.flows.online.screener import Answer
    from serve.api.backend import Backend, ServedModel
    from serve.operations.tracing import Tracing


class Observed:
    """A `Backend` around another.

    Args:
        inner: It.
        tracing: Leads from a request to the trace of the job that has its record.
        screened: Told of each study: model, answer, and how long it took, in seconds.
        inferred: Told of tensors: model, and how long they took.
    """

    def __init__(
        self,
        inner: Backend,
        *,
        tracing: Tracing,
        screened: Callable[[str, Answer, float], None] = lambda *_: None,
        inferred: Callable[[str, float], None] = lambda *_: None,
    ) -> None:
        self._inner, self._tracing, self._screened, self._inferred = inner, tracing, screened, inferred

    @property
    def models(self) -> Sequence[ServedModel]:
        """See `Backend`; they may be replaced while the service runs."""
        return self._inner.models

    @property
    def weights(self) -> Mapping[str, float]:
        """Share of the studies that name no model, by model; see `choose_model`."""
        return getattr(self._inner, "weights", {})

    async def infer(self, name: str, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Backend`."""
        begun, model = time.perf_counter(), find_model(self, name).name
        note_model(model)
        found = await self._inner.infer(name, images)
        self._inferred(model, time.perf_counter() - begun)
        return found

    async def screen(self, name: str, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        """See `Backend`."""
        begun, model = time.perf_counter(), find_model(self, name).name
        answer = await self._inner.screen(name, content, patient=patient, shown=shown)
        seconds = time.perf_counter() - begun
        # once this turn of the loop is over, in which the answer is sent
        asyncio.get_running_loop().call_soon(self._screened, model, answer, seconds)
        note_study(model, {**stages_of(answer.stage_s), "total": seconds})
        self._tracing.link(str(answer.record["job"]))
        return answer
