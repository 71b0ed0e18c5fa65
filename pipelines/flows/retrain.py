"""The rule of the screening algorithm: if the accuracy is below a threshold, tune and train again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.flows.tuning.run import Search, tune
from pipelines.flows.tuning.space import ranges_of

if TYPE_CHECKING:
    from models.networks.classifier import Classifier
    from models.training.settings import Epoch
    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.training.run import RayTraining
    from pipelines.flows.training.start import Prior
    from pipelines.labelled.data import LabelledData

    Fitted = tuple[Classifier, list[Epoch]]


def train_to_threshold(
    data: LabelledData, order: TrainingOrder, training: RayTraining, *, prior: Prior
) -> tuple[TrainingOrder, Fitted]:
    """Train; where validation accuracy is below the order's threshold, tune, train again, and keep the better one.

    The validation split is the judge throughout; the test split is not looked at.

    Args:
        data: What is learnt from and judged by.
        order: What is to be trained; without a threshold it is trained once.
        training: Trains.
        prior: What each training builds on; trials of tuning have no teachers.

    Returns:
        The order as it was trained in the end, with what happened in its notes; network and epochs.

    Raises:
        TrainingError: A training cannot go on, or no trial could be trained.
    """
    first = _fit(data, order, training, prior)
    accuracy = kept_epoch(order, first).validation_accuracy
    if order.threshold is None or accuracy >= order.threshold:
        return order, first
    says = training.follower.says
    says(f"validation accuracy {accuracy:.3f} is below {order.threshold}: tuning with {order.trials} trials")
    again = _tune(data, order, training, prior)
    says("training again with what was found")
    second = _fit(data, again, training, prior)
    return _choose((order, first), (again, second), training)


def kept_epoch(order: TrainingOrder, fitted: Fitted) -> Epoch:
    """The epoch whose weights a training came to."""
    epochs = fitted[1]
    if order.settings.keep == "last":
        return epochs[-1]
    return min(epochs, key=lambda epoch: epoch.validation_loss)


def _fit(data: LabelledData, order: TrainingOrder, training: RayTraining, prior: Prior) -> Fitted:
    spec = order.spec(len(data.labels))
    return training.fit(data.train, data.validation, spec, order.settings, digest=data.digest, prior=prior)


def _tune(data: LabelledData, order: TrainingOrder, training: RayTraining, prior: Prior) -> TrainingOrder:
    search = Search(
        spec=order.spec(len(data.labels)),
        settings=order.settings.model_copy(update={"threads": 1}),
        ranges=ranges_of(order.arch, fixed=order.fixed),
        trials=order.trials,
        seed=order.settings.seed,
        start=prior.start,
    )
    says = training.follower.says
    result = tune(
        (data.train, data.validation),
        search,
        digest=data.digest,
        storage=training.storage,
        says=says,
        on_trial=lambda trial: says(f"trial {trial.number} of {order.trials} {trial.state}"),
    )
    settings = result.best.model_copy(update={"threads": order.settings.threads})
    return replace(order, options=dict(result.best_spec.options), settings=settings)


def _choose(
    first: tuple[TrainingOrder, Fitted], second: tuple[TrainingOrder, Fitted], training: RayTraining
) -> tuple[TrainingOrder, Fitted]:
    before, after = (kept_epoch(*one) for one in (first, second))
    better = second if after.validation_loss <= before.validation_loss else first
    order, accuracy = first[0], kept_epoch(*better).validation_accuracy
    reached = "reached" if accuracy >= (order.threshold or 0) else "still not reached"
    training.follower.says(
        f"validation accuracy {before.validation_accuracy:.3f} before, {after.validation_accuracy:.3f} after tuning: "
        f"{'the tuned' if better is second else 'the first'} network is kept; {order.threshold} is {reached}"
    )
    story: dict[str, Any] = {
        "threshold": order.threshold,
        "trials": order.trials,
        "validation_accuracy_before": before.validation_accuracy,
        "validation_accuracy_after": after.validation_accuracy,
        "kept": "tuned" if better is second else "first",
    }
    return replace(better[0], notes={**better[0].notes, "retraining": story}), better[1]
