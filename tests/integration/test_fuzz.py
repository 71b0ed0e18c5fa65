"""Five thousand mutated files: no crash, no hang, no identifier, nothing unforeseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzzing import drawn, fuzz, packaged

INPUTS = 5_000


@pytest.mark.timeout(600)
def test_no_mutated_file_crashes_hangs_or_names_anybody(tmp_path: Path) -> None:
    found = fuzz([*packaged(), drawn(tmp_path / "drawn")], inputs=INPUTS, seed=1, home=tmp_path)
    assert found.faults == []
    assert found.inputs == INPUTS
    assert found.decoded > INPUTS / 20  # most of them must get as far as a codec, or nothing is tried


def test_a_decoder_that_raises_a_panic_of_rust_costs_its_own_row(tmp_path: Path) -> None:
    del tmp_path
    from pipelines.admit.dicom.frames import attempted
    from sievert.records import Reason, Refusal

    class Panic(BaseException):
        """As pyo3_runtime.PanicException is: no Exception."""

    def work() -> None:
        raise Panic("index out of bounds")

    assert attempted(work) == Refusal(Reason.FORMAT_CORRUPT)  # type: ignore[arg-type] # it never returns
    with pytest.raises(KeyboardInterrupt):
        attempted(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
