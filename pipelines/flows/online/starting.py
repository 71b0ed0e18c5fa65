"""What a service is started with: the same package, scope, policy and rule as a batch with these settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.package import load_package
from pipelines.admit.burnedin import require_finder
from pipelines.admit.dicom.conformance import require_checker
from pipelines.flows.online.terms import OnlineTask
from pipelines.flows.planning import check_screenable, decision_rule
from pipelines.flows.screen import find_seeds, scope_of
from pipelines.results.custody.creating import create_key_store

if TYPE_CHECKING:
    from pathlib import Path

    from models.package import ModelPackage
    from sievert.settings import Settings


def make_online_task(model: str | Path, results: Path, settings: Settings, *, makes_keys: bool = True) -> OnlineTask:
    """Check a model and say what its replicas are to do; makes the key store where there is none.

    Args:
        model: Name or folder of a model package.
        results: Folder that rolling jobs are made in.
        settings: The tree.
        makes_keys: Whether a key store is made where there is none.

    Raises:
        ModelError: The package cannot be used, or reads something else than single pictures; or the text
            finder's network cannot be opened where the policy looks for text.
        KeyStoreError: The key store cannot be made or used.
    """
    return online_task(load_package(model), results, settings, makes_keys=makes_keys)


def online_task(package: ModelPackage, results: Path, settings: Settings, *, makes_keys: bool = True) -> OnlineTask:
    """See `make_online_task`; for a package that was loaded already."""
    check_screenable(package)
    if settings.admit.conformance != "off":
        require_checker()
    if settings.admit.burned_in_text != "ignore":
        require_finder()
    if makes_keys:
        create_key_store(settings.store.keys.absolute())
    return _task(package, results, settings)


def _task(package: ModelPackage, results: Path, settings: Settings) -> OnlineTask:
    serve = settings.serve
    return OnlineTask(
        results=results.absolute(),
        keys=settings.store.keys.absolute(),
        model=package.folder.absolute(),
        model_digest=package.digest,
        scope=scope_of(package),
        policy=settings.admit,
        rule=decision_rule(package, settings.decide),
        batch_size=serve.batch_size,
        passes=serve.passes or 1,
        threads_alone=1 if serve.num_gpus else serve.threads_alone or 1,
        batch_wait_s=serve.batch_wait_ms / 1000,
        keep_pictures=serve.keep_pictures,
        to_disk=serve.durability == "disk",
        roll_after_s=serve.roll_after_s,
        roll_after_records=serve.roll_after_records,
        seeds=find_seeds(package),
        on_gpu=serve.num_gpus > 0,
    )
