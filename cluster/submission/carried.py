"""A command line on its way to a cluster, in signs that no shell touches, and what unpacks it there.

Ray joins an entrypoint's words by rules of Windows, and KubeRay puts them through two shells: an `&` in an input would
start a program of its own. The version travels along; a cluster with another one refuses before anything is read.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from sievert import __version__
from sievert.errors import OtherVersionError

if TYPE_CHECKING:
    from collections.abc import Sequence

MODULE = "cluster.submission.carried"
ADDRESS_VARIABLE = "SIEVERT_CLUSTER__ADDRESS"
NO_MODULE = re.compile(r"No module named .?(cluster|sievert)\b")
"""What Python says on a cluster whose Sievert is too old to unpack it."""


def pack(arguments: Sequence[str], version: str = __version__) -> str:
    """The entrypoint of a job."""
    content = json.dumps({"version": version, "arguments": list(arguments)}).encode()
    return f"python -m {MODULE} {base64.urlsafe_b64encode(content).decode()}"


def unpack(word: str) -> tuple[str, list[str]]:
    """Version and arguments."""
    content = json.loads(base64.urlsafe_b64decode(word))
    return content["version"], content["arguments"]


def main(words: Sequence[str]) -> int:
    """Become the command; comes back only where the versions differ."""
    version, arguments = unpack(words[0])
    if version == __version__:
        _become(arguments)
    error = OtherVersionError(f"the cluster has Sievert {__version__}, the job was submitted by {version}")
    sys.stderr.write(f"error: {error.message}. {error.remedy}\n")
    return error.exit_code


def _become(arguments: Sequence[str]) -> NoReturn:
    os.environ.setdefault(ADDRESS_VARIABLE, "auto")
    os.execv(sys.executable, [sys.executable, "-m", "sievert", *arguments])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
