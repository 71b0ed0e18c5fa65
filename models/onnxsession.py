"""Opens a network in ONNX Runtime as a worker needs it: with so many threads, which spin briefly; on a GPU if asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sievert.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


GPU, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_SPIN_US = 50
"""Longer than the pauses within a forward pass, and nothing beside the time between two."""


def open_session(file: Path, *, threads: int, refused: str, on_gpu: bool = False) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """A session of ONNX Runtime.

    Args:
        file: The network.
        threads: Threads that one call may use.
        refused: What is said where ONNX Runtime does not take it.
        on_gpu: Whether it runs on a GPU; what that has no kernel for runs on the processor.

    Raises:
        ModelError: It does not, or there is no GPU that it can use.
    """
    import onnxruntime

    if on_gpu and GPU not in onnxruntime.get_available_providers():
        raise ModelError(
            "ONNX Runtime has no GPU here", remedy="Install onnxruntime-gpu in place of onnxruntime, or ask for none."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    for name, value in _waiting(threads).items():
        options.add_session_config_entry(f"session.intra_op.{name}", value)
    try:
        return onnxruntime.InferenceSession(file.read_bytes(), options, providers=[GPU, CPU] if on_gpu else [CPU])
    except Exception as error:  # onnxruntime's own exceptions share no other base
        raise ModelError(refused) from error


def _waiting(threads: int) -> dict[str, str]:
    """How threads wait for their part of a pass: ones that spin for long would take the cores of the other workers."""
    return {"allow_spinning": "1", "spin_duration_us": str(_SPIN_US)} if threads > 1 else {"allow_spinning": "0"}
