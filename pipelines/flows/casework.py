"""What becomes of one input between its bytes and its record: the same objects for a batch and online.

Nothing here knows of shards, files or requests. A batch reads the inputs of a plan and hands the cases over many at a
time; the online service gets one from a request. If the two could disagree, the design would be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from models.features import check_features
from models.predictor import Predictor
from pipelines.decide import decide
from pipelines.flows.payload import Screened, describe_refused, describe_screened, explain
from pipelines.preprocess.resampling import refuse_spacing
from pipelines.preprocess.steps import apply_and_locate
from sievert.records import ImageFacts, PlannedInput, Prediction, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.package import ModelPackage
    from models.recipe import Recipe
    from pipelines.admit.admission import Admission
    from pipelines.cohort.ids import Pseudonyms
    from pipelines.decide import DecisionRule
    from pipelines.flows.stopwatch import Stopwatch
    from pipelines.flows.tally import Tally
    from pipelines.preprocess.framing import Part
    from sievert.records import Admitted


@dataclass(frozen=True, slots=True)
class Image:
    """An admitted image once its pixels are preprocessed and let go.

    Attributes:
        facts: What may be known of it.
        tensor: As the network reads it, shape [channel, row, column].
        part: Which part of the admitted image that is; see `pipelines.preprocess.framing`.
    """

    facts: ImageFacts
    tensor: NDArray[np.float32] = field(repr=False)
    part: Part


@dataclass(frozen=True, slots=True)
class Case:
    """One input on its way.

    Attributes:
        planned: What the plan, or the request, says of it.
        record: Its id.
        patient: The patient's pseudonym.
        content_sha256: Of its bytes, hexadecimal.
        identity: For the sealed identity envelope, and nowhere else.
        outcome: The image, or why there is none.
    """

    planned: PlannedInput
    record: str
    patient: str
    content_sha256: str
    identity: dict[str, str] = field(repr=False)
    outcome: Image | Refusal


def preprocess(outcome: Admitted | Refusal, recipe: Recipe, clock: Stopwatch) -> Image | Refusal:
    """Apply the package's recipe to what was admitted, each step timed; refused where it cannot be applied."""
    if isinstance(outcome, Refusal):
        return outcome
    spacing = outcome.spacing_mm
    if refusal := refuse_spacing(recipe, outcome.read.shape, spacing):
        return refusal
    timed = lambda step: clock(f"preprocess.{step}")  # noqa: E731 - a name for what is too short for a function
    return Image(outcome.facts, *apply_and_locate(outcome.read, recipe, spacing_mm=spacing, timed=timed))


def make_case(
    planned: PlannedInput, content: bytes, admission: Admission, outcome: Image | Refusal, pseudonyms: Pseudonyms
) -> Case:
    """Give an admitted or refused input its ids.

    Args:
        planned: What the plan, or the request, says of it.
        content: Its bytes; empty where they could not be read.
        admission: What admission found.
        outcome: The same after preprocessing.
        pseudonyms: Of the site.
    """
    digest = sha256(content)
    record = pseudonyms.record(planned.source, digest.digest())
    manifest = {"patient": planned.patient} if planned.patient else {}
    return Case(
        planned=planned,
        record=record,
        patient=_patient(planned, record, admission, pseudonyms),
        content_sha256=digest.hexdigest(),
        identity={"source": planned.source, **manifest, **admission.identity},
        outcome=outcome,
    )


def _patient(planned: PlannedInput, record: str, admission: Admission, pseudonyms: Pseudonyms) -> str:
    """The manifest's word, else the header's, else the input is its own patient."""
    named = planned.patient or admission.identity.get("PatientID")
    if not named:
        return pseudonyms.unnamed_patient(record)
    issuer = "" if planned.patient else admission.identity.get("IssuerOfPatientID", "")
    return pseudonyms.patient(named, issuer)


class Casework:
    """A resident network with its recipe and rule; made once a process.

    Args:
        package: The model.
        rule: When to decide.
        threads: Threads that one forward pass may use.
        alone: Threads of a forward pass beside which its process asks for nothing else; see `Predictor`.
        on_gpu: Whether it runs on a GPU.

    Raises:
        ModelError: The network cannot be run.
    """

    def __init__(
        self, package: ModelPackage, rule: DecisionRule, *, threads: int = 1, alone: int = 1, on_gpu: bool = False
    ) -> None:
        self.package, self.rule = package, rule
        self._by = {"model": package.named, "recipe": package.recipe.digest}
        self._predictor = Predictor(package, threads=threads, alone=alone, on_gpu=on_gpu)

    def predict(self, cases: Sequence[Case]) -> list[Prediction | None]:
        """One forward pass over those that were admitted; None for the others."""
        tensors = [case.outcome.tensor for case in cases if isinstance(case.outcome, Image)]
        found = iter(self._predictor(np.stack(tensors)) if tensors else [])
        return [next(found) if isinstance(case.outcome, Image) else None for case in cases]

    def run(self, batch: NDArray[np.float32], *, alone: bool = False) -> list[Prediction]:
        """What the network says of tensors that need no admission; see `Predictor`."""
        return self._predictor(batch, alone=alone)

    def conclude(
        self, case: Case, prediction: Prediction | None, *, job: str, tally: Tally, clock: Stopwatch
    ) -> tuple[Refusal | None, dict[str, Any]]:
        """The record of one input: a refusal, or a verdict with its explanation."""
        outcome, about = case.outcome, self._about(case, job)
        reason = _find_invalid(prediction) if prediction else None
        if isinstance(outcome, Refusal) or prediction is None or reason:
            refusal = outcome if isinstance(outcome, Refusal) else Refusal(reason or Reason.FORMAT_CORRUPT)
            tally.refused(refusal)
            return refusal, describe_refused(about, refusal)
        with clock("decide"):
            verdict = decide(prediction.probabilities, self.rule)
        tally.screened(verdict.decision.value, verdict.probability, flagged=verdict.flagged)
        with clock("explain"):
            head = self._predictor.head_weights
            shown = explain(prediction, head, self.rule, part=outcome.part) if verdict.flagged else None
        return None, describe_screened(about, Screened(outcome.facts, prediction, verdict, shown), self.rule)

    def _about(self, case: Case, job: str) -> dict[str, object]:
        return {
            "job": job,
            "index": case.planned.index,
            "record": case.record,
            "patient": case.patient,
            "content_sha256": case.content_sha256,
            **self._by,
        }


def _find_invalid(prediction: Prediction) -> Reason | None:
    """A feature map that is not finite or constant, or a probability that is no number."""
    if not np.isfinite(prediction.probabilities).all():
        return Reason.FEATURES_NOT_FINITE
    return check_features(prediction.features)
