"""How good a model's probabilities and decisions are, how sure that is, and whether another model is better.

Figures over all images come from scikit-learn and torchmetrics. What they would be on a bootstrap resample comes from
how often each image was drawn, for all resamples at once: sums over sorted columns, no resample is ever copied.
"""

from __future__ import annotations

from models.metrics.comparing import compare
from models.metrics.judged import Judged, judge
from models.metrics.measuring import measure, measure_judged
from models.metrics.points import auroc
from models.metrics.resampling import RESAMPLES
from models.metrics.subgroups import measure_subgroups

__all__ = ["RESAMPLES", "Judged", "auroc", "compare", "judge", "measure", "measure_judged", "measure_subgroups"]
