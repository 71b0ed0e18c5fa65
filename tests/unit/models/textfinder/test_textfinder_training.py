"""Planted text lies where it is said to lie, and the network learns from it the same way each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from models.textfinder.finding import STRIDE
from models.textfinder.grounds import crop_ground, draw_ground, stretched
from models.textfinder.lettering import TEST_FACES, TRAINING_FACES, draw_line, made_up
from models.textfinder.making import export, split
from models.textfinder.network import TextNetwork
from models.textfinder.planting import plant, plant_marks
from models.textfinder.training import Terms, draw_batch, train

TERMS = Terms(steps=12, batch=2, side=64, believed_from=6)


def test_planting_changes_pixels_in_its_boxes_and_nowhere_else() -> None:
    random = np.random.default_rng(0)
    ground = draw_ground(random, side=200)
    done = plant(ground, random, faces=TRAINING_FACES, lines=5)
    inside = np.zeros(ground.shape, bool)
    for box in done.boxes:
        inside[max(0, box.top - 3) : box.bottom + 3, max(0, box.left - 3) : box.right + 3] = True
    assert len(done.boxes) == len(done.texts) > 0
    assert np.array_equal(done.picture[~inside], ground[~inside])
    assert not (done.ink & ~inside).any()
    assert 0 <= done.picture.min() <= done.picture.max() <= 1


def test_text_and_background_differ_enough_to_be_read() -> None:
    random = np.random.default_rng(5)
    for _ in range(30):
        done = plant(np.full((80, 300), random.random(), np.float32), random, faces=TEST_FACES, lines=1)
        for box in done.boxes:
            assert np.ptp(done.picture[box.part]) > 0.2


@pytest.mark.parametrize("face", [*TRAINING_FACES, *TEST_FACES])
def test_every_face_draws_a_line_that_fills_its_box(face: str) -> None:
    line = draw_line(np.random.default_rng(1), faces=(face,))
    assert line.ink[[0, -1]].any(1).all()
    assert line.ink[:, [0, -1]].any(0).all()
    assert line.ink.max() > 0.5


def test_no_made_up_text_is_shorter_than_a_name() -> None:
    random = np.random.default_rng(0)
    assert min(len(made_up(random)) for _ in range(500)) >= 4


def test_no_face_is_both_learnt_and_tested() -> None:
    assert not set(TRAINING_FACES) & set(TEST_FACES)


def test_backgrounds_have_the_side_and_range_asked_for() -> None:
    random = np.random.default_rng(0)
    real = stretched(np.arange(90 * 120).reshape(90, 120))
    for ground in [*(draw_ground(random, side=96) for _ in range(30)), crop_ground(real, random, side=96)]:
        assert ground.shape == (96, 96)
        assert 0 <= ground.min() <= ground.max() <= 1
        plant_marks(ground, random, faces=TRAINING_FACES)
        assert 0 <= ground.min() <= ground.max() <= 1


def test_training_twice_gives_the_same_weights_and_a_smaller_loss() -> None:
    losses: list[float] = []
    first = train([], TERMS, told=lambda _, loss: losses.append(loss))
    again = train([stretched(np.zeros((80, 80)))][:0], TERMS)
    assert losses[-1] < losses[0]
    both = zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in both)


def test_a_batch_marks_the_boxes_on_the_networks_grid() -> None:
    pictures, wanted = draw_batch([], Terms(batch=6, side=128), np.random.default_rng(2))
    assert pictures.shape == (6, 1, 128, 128)
    assert wanted.shape == (6, 1, 128 // STRIDE, 128 // STRIDE)
    assert 0 < wanted.mean() < 0.7


def test_what_is_exported_answers_as_the_network_does_at_any_size(tmp_path: Path) -> None:
    network = TextNetwork().eval()
    export(network, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    picture = torch.rand(1, 1, 44, 96)
    (odds,) = session.run(None, {"image": picture.numpy()})
    assert np.allclose(odds, network(picture).detach().numpy(), atol=1e-4)


def test_the_pictures_that_the_benchmark_sees_are_never_trained_on() -> None:
    files = [Path(f"a/{number}.png") for number in range(100)]
    training, held_out = split(files)
    assert (len(training), len(held_out)) == (60, 40)
    assert not set(training) & set(held_out)
    assert split(files[::-1]) == (training, held_out)
