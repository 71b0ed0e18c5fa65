"""What one would write instead: FastAPI with uvicorn around the same network and preprocessing.

It neither authenticates, admits, decides, explains nor keeps anything: `python servingpeers.py PACKAGE PORT`. A
picture goes to `/predict`, a tensor's bytes to `/infer`.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime

from models.package import load_package
from models.predictor import INPUT, OUTPUTS
from pipelines.preprocess.steps import apply_recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREADS = 4


class Bare:
    """The network and its recipe, and nothing else."""

    def __init__(self, folder: str, *, threads: int = 1) -> None:
        cv2.setNumThreads(1)
        package = load_package(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.recipe = package.recipe
        self.shape = (1, package.metadata.channels, *package.metadata.shape)
        self.session: Any = onnxruntime.InferenceSession(
            str(package.onnx_file), options, providers=["CPUExecutionProvider"]
        )

    def prepare(self, content: bytes) -> NDArray[np.float32]:
        """A file as the network reads it."""
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        return apply_recipe(np.asarray(pixels), self.recipe)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits."""
        found: NDArray[np.float32] = self.session.run(OUTPUTS, {INPUT: batch})[0]
        return found


def serve_uvicorn(folder: str, port: int) -> None:
    """FastAPI and uvicorn: one process, a pool of threads."""
    import uvicorn
    from fastapi import FastAPI, Request

    bare, pool, app = Bare(folder), ThreadPoolExecutor(THREADS), FastAPI()

    async def predict(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - FastAPI reads the annotation
        body = await request.body()
        loop = asyncio.get_running_loop()
        return {"logits": (await loop.run_in_executor(pool, lambda: bare.run(bare.prepare(body)[None]))).tolist()}

    async def infer(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - as above
        tensor = np.frombuffer(await request.body(), np.float32).reshape(bare.shape)
        loop = asyncio.get_running_loop()
        return {"logits": (await loop.run_in_executor(pool, lambda: bare.run(tensor))).tolist()}

    predict.__annotations__["request"] = infer.__annotations__["request"] = Request
    app.post("/predict")(predict)
    app.post("/infer")(infer)
    uvicorn.run(app, port=port, log_level="error")


if __name__ == "__main__":
    serve_uvicorn(sys.argv[1], int(sys.argv[2]))
