"""Makes the shipped network: `python -m models.textfinder.making FOLDER --to FILE` trains and writes it as ONNX."""

from __future__ import annotations

import argparse
import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import onnx
import torch

from models.textfinder.finding import STRIDE
from models.textfinder.grounds import stretched
from models.textfinder.training import Terms, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.textfinder.network import TextNetwork

TRAINING_SHARE = 0.6
_SEED = 1
_EVERY = 100


def split(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Pictures to train on, and those that only the benchmark sees.

    Args:
        files: All pictures; their order does not matter.
    """
    ordered = sorted(files, key=lambda file: (file.parent.name, file.name))
    shuffled = [ordered[place] for place in np.random.default_rng(_SEED).permutation(len(ordered))]
    number = round(len(shuffled) * TRAINING_SHARE)
    return shuffled[:number], shuffled[number:]


def read_pictures(files: Sequence[Path]) -> list[NDArray[np.generic]]:
    """Pictures as grey values, shape [row, column] each."""
    return [np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) for file in files]


def export(network: TextNetwork, file: Path) -> None:
    """Write the network as ONNX for pictures of any size that is a multiple of `STRIDE`."""
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    sink = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, 16 * STRIDE, 16 * STRIDE),),
        cast("Any", sink),
        input_names=["image"],
        output_names=["odds"],
        dynamic_axes={"image": {0: "images", 2: "rows", 3: "columns"}, "odds": {0: "images", 2: "down", 3: "across"}},
        dynamo=False,
    )
    model = onnx.load_from_string(sink.getvalue())
    onnx.checker.check_model(model, full_check=True)
    file.write_bytes(model.SerializeToString())


def main() -> None:
    """Train on a folder of pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="pictures, PNG or JPEG, at any depth")
    parser.add_argument("--to", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--steps", type=int, default=Terms().steps, help="of the optimiser")
    given = parser.parse_args()
    files = [file for file in given.folder.rglob("*") if file.suffix.lower() in (".png", ".jpg", ".jpeg")]
    grounds, started = [stretched(one) for one in read_pictures(split(files)[0])], time.monotonic()

    def told(step: int, loss: float) -> None:
        if step % _EVERY == 0:
            passed = time.monotonic() - started
            sys.stderr.write(f"step {step} of {given.steps}, loss {loss:.4f}, {passed:.0f} s\n")

    export(train(grounds, Terms(steps=given.steps), told=told), given.to)


if __name__ == "__main__":
    main()
