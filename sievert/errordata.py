"""The errors of what was given as inputs; `sievert/errors.py` draws the whole tree."""

from __future__ import annotations

from sievert.errorroot import SievertError


class DataError(SievertError):
    """What was given cannot be read as a cohort."""

    exit_code = 20
    advice = "Name image files, folders, globs, or a CSV or Parquet manifest."


class InputMissingError(DataError):
    """An input path does not exist."""

    exit_code = 21
    advice = "Check the spelling and that the disk is mounted."


class EmptyCohortError(DataError):
    """The inputs exist but hold no file."""

    exit_code = 22
    advice = "Name a folder that holds images."


class NothingAdmittedError(DataError):
    """Every input was quarantined: the preprocessed data is empty."""

    exit_code = 23
    advice = "See the reasons in quarantine.parquet or the report; the empty result is valid and anchored."


class ManifestError(DataError):
    """A manifest cannot be understood."""

    exit_code = 24
    advice = "A manifest has a column `source`; `patient`, `modality` and `body_part` are optional."


class LabelError(DataError):
    """A labelled set cannot be used to train or to evaluate."""

    exit_code = 25
    advice = "Give a MedMNIST .npz file, a folder with one sub-folder a class, or a manifest with a column `label`."


class SplitOverlapError(LabelError):
    """A patient is in more than one split, so a test would measure memory."""

    exit_code = 26
    advice = "Put each patient's images in one split, or leave the column `split` out: Sievert splits by patient."
