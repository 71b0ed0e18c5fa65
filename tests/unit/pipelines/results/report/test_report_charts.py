from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import SCREENED_37, sample_manifest

from pipelines.decide import DecisionRule, decide
from pipelines.results.report import formats
from pipelines.results.report.histogram import describe_probabilities, uncertain_zone
from pipelines.results.report.outcomes import LEAST_WIDTH, describe_outcomes
from sievert.records import Decision, ShardCounts

ON_PAPER = ("ink", "muted", "accent")
ON_SOFT = ("ink", "muted")
DRAWN = ("negative", "positive", "uncertain", "quarantined")


def skewed(count: int) -> ShardCounts:
    return replace(SCREENED_37, histogram=[count, *[0] * 18, 1], screened=count + 1)


def test_the_bar_is_full_and_its_parts_do_not_overlap() -> None:
    parts = describe_outcomes(sample_manifest()).parts
    assert sum(part.width for part in parts) == pytest.approx(100, abs=0.01)
    assert all(one.start + one.width == pytest.approx(two.start, abs=0.01) for one, two in pairwise(parts))


def test_three_in_a_million_can_be_seen_and_zero_cannot() -> None:
    counts = ShardCounts(planned=1_000_000, screened=999_997, quarantined=3, decisions={"negative": 999_997})
    outcomes = describe_outcomes(sample_manifest(counts))
    negative, positive, _, quarantined = outcomes.parts
    assert quarantined.width >= 0.9 * LEAST_WIDTH
    assert positive.width == 0
    assert negative.start == 0
    assert outcomes.widened
    assert quarantined.share == "<\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}%"


@given(threshold=st.floats(0.05, 0.95), min_confidence=st.floats(0.05, 0.99), probability=st.floats(0, 1, width=32))
def test_the_zone_drawn_is_the_one_in_which_nothing_is_decided(
    threshold: float, min_confidence: float, probability: float
) -> None:
    low, high = uncertain_zone(threshold=threshold, min_confidence=min_confidence)
    rule = DecisionRule(("no", "yes"), 1, threshold, min_confidence)
    verdict = decide(np.array([1 - probability, probability], np.float32), rule)
    if min(abs(probability - low), abs(probability - high)) > 1e-5:  # decisions are taken on six decimals
        assert (verdict.decision is Decision.UNCERTAIN) == (low < probability < high)


def test_bars_of_like_counts_stand_on_a_linear_axis() -> None:
    plot = describe_probabilities(sample_manifest())
    assert not plot.logarithmic
    assert [tick.label for tick in plot.ticks] == ["0", "2", "4", "6", "8", "10"]
    assert plot.bars[0].height == pytest.approx(90)
    assert plot.bars[3].height == pytest.approx(20)


def test_a_single_image_beside_a_million_stands_on_a_logarithmic_axis_and_is_seen() -> None:
    plot = describe_probabilities(sample_manifest(skewed(1_000_000)))
    assert plot.logarithmic
    assert [tick.label for tick in plot.ticks] == ["1", "10", "100", "1k", "10k", "100k", "1M"]
    assert plot.bars[-1].height == plot.ticks[0].height > 5
    assert plot.bars[0].height == 100
    assert plot.bars[1].height == 0


def test_threshold_and_uncertain_zone_are_drawn_where_they_lie() -> None:
    plot = describe_probabilities(sample_manifest())
    assert plot.threshold == (77, "0.770")
    assert plot.uncertain == pytest.approx((21, 79))


@given(counts=st.lists(st.integers(0, 10**9), min_size=20, max_size=20))
def test_no_bar_leaves_the_plot_and_no_image_is_lost_from_sight(counts: list[int]) -> None:
    plot = describe_probabilities(sample_manifest(replace(SCREENED_37, histogram=counts)))
    assert all(
        0 <= bar.height <= 100 and bool(bar.height) == bool(number)
        for bar, number in zip(plot.bars, counts, strict=True)
    )
    assert all(tick.height <= 100 for tick in plot.ticks)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (formats.share(0, 9), "0 %"),
        (formats.share(999_999, 1_000_000), "> 99.9 %"),
        (formats.probability(0.99996), "> 0.999"),
        (formats.probability(1), "1.000"),
        (formats.duration(10_293), "2 h 51 min"),
        (formats.decimal(1234.5), "1,234"),
        (formats.decimal(0.04567), "0.0457"),
        (formats.compact(1_500_000), "1.5M"),
        (formats.instant("2026-11-23T16:04:05+01:00"), "2026-11-23 15:04:05 UTC"),
        ("|".join(formats.column([0.004, 12.3, 1234.5])), "< 1|12|1,234"),
    ],
)
def test_numbers_are_written_for_a_reader(written: str, text: str) -> None:
    assert written.replace("\N{NO-BREAK SPACE}", " ") == text


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    levels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def schemes() -> list[dict[str, str]]:
    """The colours of the light and of the dark scheme, by name."""
    style = files("pipelines.results.report").joinpath("templates", "palette.css").read_text("utf-8")
    blocks = re.findall(r":root {(.+?)}", style, re.DOTALL)
    light, dark = (dict(re.findall(r"--([a-z-]+): (#\w{6});", block)) for block in blocks)
    return [light, light | dark]


@pytest.mark.parametrize("colours", schemes(), ids=["light", "dark"])
def test_text_and_charts_keep_the_contrast_that_wcag_aa_asks_for(colours: dict[str, str]) -> None:
    text = [(name, "paper") for name in ON_PAPER] + [(name, "soft") for name in ON_SOFT]
    text += [("alarm-ink", "alarm"), ("warn-ink", "warn")]
    assert [pair for pair in text if contrast(colours[pair[0]], colours[pair[1]]) < 4.5] == []
    assert [name for name in DRAWN if contrast(colours[name], colours["paper"]) < 3] == []
