"""The page that checks proofs, as a browser runs it."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from urllib.parse import urlencode

import pytest

from pipelines.results.proofs.page import render_page
from pipelines.results.proofs.proving import prove_record
from pipelines.results.shardfile import read_shard
from tests.integration.test_report_page import FLAGS, chromium
from tests.jobs import Job

__all__ = ["chromium"]


class Page:
    """Opens the page with a proof and a root behind its `#`."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._file = folder / "verifier.html"
        self._file.write_text(render_page(), "utf-8")

    def answer(self, proof: object, root: str = "") -> tuple[str, str]:
        """State and headline."""
        link = f"{self._file.as_uri()}#{urlencode({'proof': json.dumps(proof), 'root': root})}"
        profile = f"--user-data-dir={self._folder / 'profile'}"
        command = [self._program, *FLAGS, profile, "--virtual-time-budget=5000", "--dump-dom", link]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        assert "CONSOLE" not in done.stderr, done.stderr
        found = re.search(r'id="answer"[^>]*class="(\w*)"[^>]*><p class="headline">([^<]*)</p>', done.stdout)
        assert found, done.stdout[-2000:]
        return found[1], found[2]


@pytest.fixture(scope="module")
def page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(chromium, tmp_path_factory.mktemp("verifier"))


@pytest.fixture(scope="module")
def proof(finished: Job) -> dict[str, object]:
    row = read_shard(finished.out.shard(1)).rows[3]
    made: dict[str, object] = json.loads(prove_record(finished.out, row.record).encoded())
    return made


def test_a_good_proof_is_accepted_against_a_kept_root(page: Page, proof: dict[str, object]) -> None:
    assert page.answer(proof, str(proof["root"])) == ("good", "The proof holds against the root that you gave.")


def test_without_a_root_to_trust_the_page_does_not_say_that_it_holds(page: Page, proof: dict[str, object]) -> None:
    state, headline = page.answer(proof)
    assert state == "half"
    assert "Compare the root" in headline


def flip(text: object) -> str:
    return f"{int(str(text), 16) ^ 1:064x}"


def path_of(proof: dict[str, object]) -> bytes:
    return b64decode(str(proof["path"]))


BAD = {
    "another ciphertext": lambda proof: {"ciphertext": flip(proof["ciphertext"])},
    "another salt": lambda proof: {"salt": flip(proof["salt"])},
    "another job": lambda proof: {"job": flip(proof["job"])},
    "another root": lambda proof: {"root": flip(proof["root"])},
    "another place": lambda proof: {"index": int(str(proof["index"])) + 1},
    "a larger tree": lambda proof: {"size": int(str(proof["size"])) * 4},
    "a smaller tree": lambda _: {"size": 2},
    "a flipped bit in the path": lambda proof: {
        "path": b64encode(path_of(proof)[:40] + bytes([path_of(proof)[40] ^ 4]) + path_of(proof)[41:]).decode()
    },
    "a path cut short": lambda proof: {"path": b64encode(path_of(proof)[:-32]).decode()},
    "a path made longer": lambda proof: {"path": b64encode(path_of(proof) + bytes(32)).decode()},
    "half a hash in the path": lambda proof: {"path": b64encode(path_of(proof)[:-16]).decode()},
    "a hash of another length": lambda proof: {"salt": f"{proof['salt']}00"},
    "another version": lambda _: {"schema": "sievert.proof/2"},
    "a part too many": lambda _: {"patient": "someone"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_a_bad_proof_is_refused(page: Page, proof: dict[str, object], change: object) -> None:
    assert callable(change)
    bad = proof | change(proof)
    state, headline = page.answer(bad, str(bad["root"]))
    assert state == "bad"
    assert "cannot be checked" not in headline


def test_another_root_than_the_one_trusted_is_refused(page: Page, proof: dict[str, object]) -> None:
    assert page.answer(proof, flip(proof["root"]))[0] == "bad"
    assert page.answer(proof, "12ab")[0] == "bad"


def test_what_is_no_proof_is_refused(page: Page) -> None:
    assert page.answer([1, 2], "")[0] == "bad"
    assert page.answer("no proof", "")[0] == "bad"
