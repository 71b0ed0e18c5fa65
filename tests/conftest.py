"""Fixtures that tests of every kind share."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from tests.jobs import Job, finish_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

# Ray's own workers would give way to whatever else runs, which here is the other half of the suite
os.environ.setdefault("RAY_worker_niceness", "0")

ROOT = Path(__file__).parent.parent
INTEGRATION = "tests/integration/"
WITHOUT_THE_SESSION = frozenset(
    f"{INTEGRATION}test_{name}.py"
    for name in (
        "convert_command deidentify_command foreign_folder full_disk fuzz kill node_kill proof_page proof_page_node "
        "report_page schemathesis screen_bucket serve serve_attacks serve_kills serve_operations serve_starting "
        "shared_decoding submit submit_rayjob train_kill worklist_hostile worklist_page worklist_signin"
    ).split()
)
"""Files of integration that need no Ray session, or start their own: the process without the session can take them."""


class ByFile(LoadScopeScheduling):
    """Two processes share the suite file by file; one of them has what needs Ray, and the one session."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return INTEGRATION if file.startswith(INTEGRATION) and file not in WITHOUT_THE_SESSION else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Where tests run in several processes; a group of marks would do, had pytest 9 not broken it."""
    return ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def _no_traces() -> None:
    """PyTorch's exporter logs every step of its work, and pytest would keep and print them all."""
    logging.getLogger("torch.__trace").propagate = False


@pytest.fixture(scope="session", autouse=True)
def _own_data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test touches the user's own keys or ledger, nor settings from outside."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SIEVERT_") and name != "SIEVERT_DATA"]:
            patch.delenv(name)
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config-home")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real images, where they are."""
    folder = Path(os.environ.get("SIEVERT_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("real images are absent: put them at ../shared/data or name their folder in SIEVERT_DATA")
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 21 grey PNGs and, in a sub-folder, five files that must be refused."""
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(7)
    for number in range(21):
        cv2.imwrite(str(folder / f"{number:02d}.png"), blurred(noise, 128 + number))
    refused = folder / "refused"
    refused.mkdir()
    (refused / "LICENSE").write_text("no picture")
    (refused / "empty.png").touch()
    (refused / "cut.png").write_bytes((folder / "00.png").read_bytes()[:-200])
    cv2.imwrite(str(refused / "blank.png"), np.full((100, 100), 9, np.uint8))
    cv2.imwrite(str(refused / "colour.png"), noise.integers(0, 255, (100, 100, 3), dtype=np.uint8))
    return folder


def blurred(noise: np.random.Generator, side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A smooth random picture."""
    return np.asarray(cv2.GaussianBlur(noise.integers(0, 255, (side, side), dtype=np.uint8), (0, 0), 9) * 2)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Job:
    """A finished job, made without a cluster; not to be changed: `copy_of` gives a copy."""
    return finish_job([str(pictures)], tmp_path_factory.mktemp("finished"))


@pytest.fixture
def copy_of_finished(tmp_path: Path, finished: Job) -> Job:
    """A copy of the finished job's folder, to be tampered with; keys and ledger are the original's."""
    return finished.copied(tmp_path / "copy")
