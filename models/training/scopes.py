"""Scopes that a package can be trained for: JSON files beside this one, or the user's own."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from models.metadata import Scope
from sievert.errors import ConfigError

CHEST = Path(__file__).parent / "chest_pneumonia.json"
"""Scope of the shipped package: pneumonia on a child's chest X-ray."""

BREAST = Path(__file__).parent / "breast_ultrasound.json"
"""Malignant findings in breast ultrasound."""

_KNOWN = {"pneumoniamnist": CHEST, "breastmnist": BREAST}
_NOTHING_FOUND = frozenset({"0", "normal", "healthy", "negative", "none", "no_finding", "no finding", "benign"})
_NO_SCOPE = (
    "Nothing was declared about modality, body part or people: screening with this package refuses every image until "
    "it is trained with a scope."
)


def read_scope(file: Path = CHEST) -> Scope:
    """Read what a package is to be for.

    Args:
        file: JSON with the fields of `models.metadata.Scope`.

    Raises:
        ConfigError: It cannot be read, or a field is missing, unknown or wrong.
    """
    try:
        return Scope.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"the scope {file.name!r} cannot be understood",
            remedy=f"Start from {CHEST.name}, which lies beside the training code.",
        ) from error


def known_scope(data_name: str) -> Scope | None:
    """The scope of a public set that we know, by its file's name, or None.

    Args:
        data_name: For instance `breastmnist.npz`.
    """
    file = _KNOWN.get(Path(data_name).stem.lower())
    return read_scope(file) if file else None


def scope_for(data_name: str, labels: tuple[str, ...]) -> Scope:
    """What a package trained on a set is for: that of a set that we know, else one that declares nothing.

    A known scope is taken where the labels are its own, or plain numbers as many as it has. Without one, modality and
    body part stay undeclared, so that screening refuses every image until somebody says what the model is for.

    Args:
        data_name: Of the file or folder, without a path.
        labels: Names of the classes in order; at least two.

    Raises:
        ConfigError: Labels are fewer than two, or two of them are equal.
    """
    known = known_scope(data_name)
    if known and labels in {known.labels, tuple(str(number) for number in range(len(known.labels)))}:
        return known
    return _undeclared(data_name, labels)


def _undeclared(data_name: str, labels: tuple[str, ...]) -> Scope:
    positive = ([label for label in labels if label.lower() not in _NOTHING_FOUND] or list(labels))[-1:]
    try:
        return Scope(
            name=_package_name(data_name),
            task="Tell the classes of a set of images apart",
            description=f"Trained on {data_name}; what the images show was not declared.",
            labels=labels,
            positive_label="".join(positive),
            modalities=("OT",),  # PS3.3 C.7.3.1.1.1: other
            body_parts=("UNKNOWN",),
            authors="Not declared",
            copyright="Not declared",
            data_source=f"{data_name}; source and licence were not declared.",
            data_type="Not declared",
            intended_use="Research only. It is no medical device, and no decision about a person may rest on it.",
            limits=(
                _NO_SCOPE,
                f"Nobody said which class is looked for: {''.join(positive)!r} was taken.",
            ),
            references=(),
        )
    except ValidationError as error:
        raise ConfigError("a package has two classes or more, each with its own name") from error


def _package_name(data_name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", Path(data_name).stem.lower()).strip("._-") or "undeclared"
