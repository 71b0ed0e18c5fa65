"""What the admitting process says of an image comes back as it was, the part of the image that it shows too."""

from __future__ import annotations

import numpy as np

from pipelines.flows.casework import Image
from pipelines.flows.online.wire import read_admitted, write_admitted
from sievert.records import ImageFacts


def test_an_image_comes_back_as_it_was() -> None:
    facts = ImageFacts(9, 8, "DX", "CHEST", "header", {"PixelSpacing": "1"}, ("PatientID",), {}, ((0, 1, 2, 3),))
    sent = Image(facts, np.arange(12, dtype=np.float32).reshape(1, 3, 4), ((0.25, 1.5), (0.0, 1.0)))
    about, content = write_admitted({"PatientID": "x"}, sent)
    admission, image = read_admitted(about, b"".join(content))
    assert isinstance(image, Image)
    assert (image.facts, image.part, admission.identity) == (facts, sent.part, {"PatientID": "x"})
    assert np.array_equal(image.tensor, sent.tensor)
