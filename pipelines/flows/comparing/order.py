"""What is to be compared, and what came out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from models.networks.registry import ARCHITECTURES, find_architecture
from sievert.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.package import ModelPackage
    from pipelines.flows.train import TrainingOrder
    from pipelines.flows.tuning.records import Trial

ROWS = ("cnn", "resnet50", "unet", "vit", "hybrid")
"""Of the mission's table."""

TUNING_SEED = 1000
"""Of the trainings that tune: none of those that are compared."""

IMAGES_SHOWN, FEWEST_PASSES, MOST_PASSES = 44_000, 5, 80
"""How long a row is trained where nobody says: cross-validation on BreastMNIST gained up to 80 passes, not beyond."""

TAUGHT = "{} (taught)"
"""Name of the row of a network that learnt from the row of the same network."""


@dataclass(frozen=True, slots=True)
class CompareOrder:
    """What is to be compared.

    Attributes:
        base: What all rows have in common; its architecture is none of them.
        archs: The rows; differences are told against the last one.
        seeds: Trainings a row.
        trials: Trials of tuning a row; with 1 or fewer each row trains with its own starting values.
        choices: What the user set, by dotted name: it wins over starting values, and is not tuned.
        taught: Rows that are trained once more, each seed taught by all packages of `teachers`: rows of their own.
        teachers: Rows that teach; none: each its own.
    """

    base: TrainingOrder
    archs: tuple[str, ...] = ROWS
    seeds: int = 3
    trials: int = 0
    choices: Mapping[str, object] = field(default_factory=dict)
    taught: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for names, what in ((self.taught, "be taught"), (self.teachers, "teach")):
            strange = [arch for arch in names if arch not in self.archs]
            if strange:
                raise ConfigError(f"{strange[0]!r} cannot {what}: it is no row", remedy="Name rows of --arch.")
        if self.teachers and not self.taught:
            raise ConfigError("teachers are named, but no row that they teach", remedy="Name it with --taught.")

    def with_passes(self, images: int) -> CompareOrder:
        """The order with as many passes as show `IMAGES_SHOWN` images of a set of so many, unless the user set them."""
        if "training.epochs" in self.choices:
            return self
        passes = min(max(IMAGES_SHOWN // images, FEWEST_PASSES), MOST_PASSES)
        return replace(self, choices={**self.choices, "training.epochs": passes})

    def row(self, arch: str) -> TrainingOrder:
        """A row before tuning: its starting values, then what the user set.

        Raises:
            UnknownArchitectureError: The zoo has no such network.
            ConfigError: A value does not fit.
        """
        from models.networks.spec import NetworkSpec
        from models.training.choices import apply_values

        spec = NetworkSpec(arch=arch, shape=self.base.shape, channels=self.base.channels)
        network_choices = {k: v for k, v in self.choices.items() if not k.startswith("network.") or _has(arch, k)}
        values = dict(find_architecture(arch).starts) | network_choices
        spec, settings = apply_values(spec, self.base.settings, values)
        return replace(self.base, arch=arch, options=dict(spec.options), settings=settings)


def _has(arch: str, choice: str) -> bool:
    return choice.removeprefix("network.") in ARCHITECTURES[arch].options


class Latency(BaseModel):
    """Median time of one image, in milliseconds; see `models.latency`.

    Attributes:
        one_core: ONNX Runtime, one thread.
        all_cores: ONNX Runtime, a thread a core.
        cores: How many those are.
        gpu: torch on a GPU; None where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    one_core: float
    all_cores: float
    cores: int
    gpu: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One network of the comparison.

    Attributes:
        name: In the tables.
        arch: Name in the zoo.
        packages: One a seed.
        trials: Of its tuning.
        latency: Of its first package; all have the same network.
    """

    name: str
    arch: str
    packages: tuple[ModelPackage, ...]
    trials: tuple[Trial, ...]
    latency: Latency
