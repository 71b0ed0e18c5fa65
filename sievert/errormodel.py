"""The errors of model packages; `sievert/errors.py` draws the whole tree."""

from __future__ import annotations

from sievert.errorroot import SievertError


class ModelError(SievertError):
    """A model package is damaged or does not fit."""

    exit_code = 30
    advice = "Check the package with `sievert model show`."


class ModelMissingError(ModelError):
    """No model package of that name or at that path."""

    exit_code = 31
    advice = "The shipped model is called `default`; otherwise name a package's folder."


class UnknownArchitectureError(ModelError):
    """The zoo has no network of that name."""

    exit_code = 32
    advice = "`sievert model list --zoo` prints every architecture."


class NetworkInputError(ModelError):
    """A network cannot read what it is given: channels, rank, size or an option do not fit."""

    exit_code = 33
    advice = "`sievert model list --zoo` says what each architecture reads."
