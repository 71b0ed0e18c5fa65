"""LitServe around the same network and preprocessing: `servinglitserve.py PACKAGE PORT`, with litserve installed."""

from __future__ import annotations

import base64
import os
import sys
from typing import Any

import litserve
import numpy as np
from servingpeers import Bare

FOLDER = "SIEVERT_BENCH_PACKAGE"


class Api(litserve.LitAPI):  # type: ignore[misc]  # it ships no types
    """One worker process; LitServe gathers the batches."""

    def setup(self, _: Any) -> None:  # noqa: ANN401 - LitServe's own kinds, here and below
        """Once a worker."""
        self.bare = Bare(os.environ[FOLDER])

    def decode_request(self, request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - LitServe reads types
        """A file as the network reads it; in JSON, as its documentation sends images."""
        return self.bare.prepare(base64.b64decode(request["image"]))

    def batch(self, inputs: Any) -> Any:  # noqa: ANN401
        """Several at once."""
        return np.stack(inputs)

    def predict(self, batch: Any) -> Any:  # noqa: ANN401
        """Logits."""
        return self.bare.run(batch)

    def unbatch(self, output: Any) -> Any:  # noqa: ANN401
        """One by one."""
        return list(output)

    def encode_response(self, output: Any) -> Any:  # noqa: ANN401
        """As JSON."""
        return {"logits": np.asarray(output).tolist()}


if __name__ == "__main__":
    os.environ[FOLDER] = sys.argv[1]
    server = litserve.LitServer(Api(max_batch_size=8, batch_timeout=0.001), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[2]), log_level="error", generate_client_file=False)
