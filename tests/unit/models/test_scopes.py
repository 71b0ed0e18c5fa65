from __future__ import annotations

import pytest

from models.training.scopes import BREAST, CHEST, known_scope, read_scope, scope_for
from sievert.errors import ConfigError


def test_known_sets_have_their_scope_by_name_of_the_file() -> None:
    assert known_scope("breastmnist.npz") == read_scope(BREAST)
    assert known_scope("pneumoniamnist.npz") == read_scope(CHEST)
    assert known_scope("mine.npz") is None


def test_malignant_is_the_first_class_of_the_breast_set_and_the_one_looked_for() -> None:
    scope = scope_for("breastmnist.npz", ("malignant", "normal or benign"))
    assert scope.positive_index == 0
    assert (scope.modalities, scope.body_parts) == (("US",), ("BREAST",))
    assert "42 near duplicates" in scope.data_source


def test_plain_numbers_are_the_known_classes() -> None:
    assert scope_for("pneumoniamnist.npz", ("0", "1")) == read_scope(CHEST)


@pytest.mark.parametrize("labels", [("normal or benign", "malignant"), ("0", "1", "2")])
def test_labels_that_are_not_those_of_the_known_set_leave_it_undeclared(labels: tuple[str, ...]) -> None:
    scope = scope_for("breastmnist.npz", labels)
    assert scope.labels == labels
    assert scope.body_parts == ("UNKNOWN",)


def test_undeclared_scope_says_so() -> None:
    scope = scope_for("My Set (2).csv", ("effusion", "normal"))
    assert (scope.name, scope.modalities, scope.body_parts) == ("my-set-2", ("OT",), ("UNKNOWN",))
    assert scope.positive_label == "effusion"
    assert "refuses every image" in scope.limits[0]
    assert "'effusion'" in scope.limits[1]


def test_last_class_is_looked_for_where_no_name_tells() -> None:
    assert scope_for("...", ("normal", "healthy")).positive_label == "healthy"
    assert scope_for("...", ("0", "1", "2")).positive_label == "2"
    assert scope_for("...", ("0", "1")).name == "undeclared"


def test_equal_labels_are_refused() -> None:
    with pytest.raises(ConfigError):
        scope_for("set", ("a", "a"))
