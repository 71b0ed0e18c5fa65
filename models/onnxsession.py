"""Opens a network in ONNX Runtime as a worker needs it: on the processor, with so many threads and none that spins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sievert.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def open_session(file: Path, *, threads: int, refused: str) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """A session of ONNX Runtime.

    Args:
        file: The network.
        threads: Threads that one call may use.
        refused: What is said where ONNX Runtime does not take it.

    Raises:
        ModelError: It does not.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # Threads that spin between calls would take the cores of the other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no other base
        raise ModelError(refused) from error
