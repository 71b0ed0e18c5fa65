"""Makes serve/api/grpc/oip_pb2.py and .pyi from oip.proto. `--check` fails where they drift."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
PROTO = "serve/api/grpc/oip.proto"
MADE = ("serve/api/grpc/oip_pb2.py", "serve/api/grpc/oip_pb2.pyi")


def make(folder: Path) -> dict[str, str]:
    """What the compiler makes, by its path below the root.

    Args:
        folder: An empty one, to work in.
    """
    from grpc_tools import protoc

    if protoc.main(["protoc", f"-I{ROOT}", f"--python_out={folder}", f"--pyi_out={folder}", str(ROOT / PROTO)]):
        sys.exit("oip.proto cannot be compiled")
    return {name: (folder / name).read_text("utf-8") for name in MADE}


def main() -> None:
    """Write the files, or with `--check` say which are out of date."""
    if find_spec("grpc_tools") is None:
        sys.exit("grpcio-tools is absent: pip install 'sievert[dev]'")
    with TemporaryDirectory() as folder:
        made = make(Path(folder))
    stale = [name for name, text in made.items() if not _is(ROOT / name, text)]
    if "--check" in sys.argv and stale:
        sys.exit(f"out of date: {', '.join(stale)}; run `make docs`")
    for name in stale:
        (ROOT / name).write_text(made[name], "utf-8")


def _is(file: Path, text: str) -> bool:
    return file.exists() and file.read_text("utf-8") == text


if __name__ == "__main__":
    main()
