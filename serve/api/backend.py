"""What the interfaces ask for, wherever the network runs: in this process, or behind a handle."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipelines.flows.stopwatch import Stopwatch
from sievert.errors import ModelMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from models.package import ModelPackage
    from pipelines.flows.online.screener import Answer, OnlineScreener


MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
"""What a model's name and version are made of: they stand in addresses."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as clients see it.

    Attributes:
        name: Under which it is served.
        package: What the package calls itself.
        version: Of the package.
        digest: Of the package.
        labels: Names of the classes.
        positive: The one that is looked for.
        threshold: Positive from this probability on.
        min_confidence: Below it nothing is decided.
        shape: What the network reads of one image: channel, row, column.
        modalities: DICOM codes that it is for.
        body_parts: DICOM terms that it is for.
        recipe: Digest of the recipe.
    """

    name: str
    package: str
    version: str
    digest: str
    labels: tuple[str, ...]
    positive: str
    threshold: float
    min_confidence: float
    shape: tuple[int, ...]
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    recipe: str


def describe_model(name: str, package: ModelPackage, *, threshold: float, min_confidence: float) -> ServedModel:
    """A package as clients see it under a name."""
    metadata = package.metadata
    return ServedModel(
        name=name,
        package=metadata.name,
        version=metadata.version,
        digest=package.digest,
        labels=tuple(metadata.labels),
        positive=metadata.labels[metadata.positive_index],
        threshold=threshold,
        min_confidence=min_confidence,
        shape=(metadata.channels, *metadata.shape),
        modalities=tuple(metadata.modalities),
        body_parts=tuple(metadata.body_parts),
        recipe=package.recipe.digest,
    )


class Backend(Protocol):
    """Models that can be asked."""

    @property
    def models(self) -> Sequence[ServedModel]:
        """What is served; the first is asked where a request names none."""

    async def infer(self, name: str, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of preprocessed images, shape [image, class]."""

    async def screen(self, name: str, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        """Screen a study; it is sealed before this returns."""


def choose_model(backend: Backend, name: str | None, content: bytes) -> str:
    """Which model a study is for: the one that is named, else by the backend's weights.

    Raises:
        ModelMissingError: None of that name is served.
    """
    weights: Mapping[str, float] = getattr(backend, "weights", {})
    return find_model(backend, name).name if name else share_out(backend.models, weights, content)


def find_model(backend: Backend, name: str | None) -> ServedModel:
    """A model by its name; the first where none is named.

    Raises:
        ModelMissingError: None of that name is served.
    """
    for model in backend.models:
        if name in (None, model.name):
            return model
    served = ", ".join(model.name for model in backend.models)
    raise ModelMissingError("no model of that name is served", remedy=f"Served are: {served}.")


def share_out(models: Sequence[ServedModel], weights: Mapping[str, float], content: bytes) -> str:
    """Which model a study that names none is for: by weight, and always the same for the same study.

    Args:
        models: What is served; without weights, the first.
        weights: By name, 0 or more; models that are not named get nothing.
        content: The study.
    """
    shares = [(model.name, weights.get(model.name, 0.0)) for model in models]
    total = sum(share for _, share in shares)
    if total <= 0:
        return models[0].name
    place = int.from_bytes(sha256(content).digest()[:8], "big") / 2**64 * total
    for name, share in shares:
        place -= share
        if place < 0:
            return name
    return next(name for name, share in reversed(shares) if share > 0)


class LocalBackend:
    """One network in this process.

    Args:
        model: As clients see it.
        screener: It.
        at_once: Requests that it may have in hand.
        clocks: Makes the stopwatch of a request, in the request's own context.
    """

    def __init__(
        self,
        model: ServedModel,
        screener: OnlineScreener,
        *,
        at_once: int,
        clocks: Callable[[], Stopwatch] = Stopwatch,
    ) -> None:
        self.models: Sequence[ServedModel] = (model,)
        self._screener, self._clocks = screener, clocks
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="requests")

    async def infer(self, name: str, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Backend`."""
        find_model(self, name)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._screener.infer, images)
        return np.stack([one.probabilities for one in found]) if found else np.zeros((0, 0), np.float32)

    async def screen(self, name: str, content: bytes, *, patient: str | None, shown: tuple[str, str] | None) -> Answer:
        """See `Backend`."""
        find_model(self, name)
        loop, clock = asyncio.get_running_loop(), self._clocks()
        return await loop.run_in_executor(
            self._threads, lambda: self._screener.screen(content, patient=patient, shown=shown, clock=clock)
        )
