from __future__ import annotations

import pytest
import torch

from models.training.precision import Precision, quick_on_cpu

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "kind", "scales"),
    [
        ("auto", torch.float32, False),
        ("fp32", torch.float32, False),
        ("bf16", torch.bfloat16, False),
        ("fp16", torch.float16, True),
    ],
)
def test_forward_pass_runs_in_the_precision_that_was_asked_for(name: str, kind: torch.dtype, *, scales: bool) -> None:
    precision = Precision(name, CPU)
    with precision.context():
        assert torch.nn.Linear(4, 4)(torch.zeros(2, 4)).dtype == kind
    assert precision.scaler.is_enabled() == scales


@pytest.mark.parametrize(("has_bf16", "kind"), [(True, torch.bfloat16), (False, torch.float16)])
def test_auto_takes_what_the_gpu_has(monkeypatch: pytest.MonkeyPatch, kind: torch.dtype, *, has_bf16: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_bf16)
    scaled: list[bool] = []
    monkeypatch.setattr(torch.amp, "GradScaler", lambda *_, enabled: scaled.append(enabled))
    precision = Precision("auto", torch.device("cuda"))
    assert precision._type == kind
    assert scaled == [not has_bf16]


@pytest.mark.parametrize(
    ("can", "name"),
    [({"amx_bf16": True, "avx512_bf16": False}, "bf16"), ({"avx512_bf16": True}, "bf16"), ({"avx512_f": True}, "auto")],
)
def test_bf16_is_quick_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, can: dict[str, bool], name: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: can)
    assert quick_on_cpu() == name
