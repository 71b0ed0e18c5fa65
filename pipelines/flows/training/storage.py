"""Where a training keeps what survives it: prepared images and checkpoints, on a disk or an object store."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.training.settings import LabelledSet
from sievert.errors import StorageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from models.networks.spec import NetworkSpec


_ANEW = "Delete what lies at --storage (or the folder OUT.run): the training then begins anew."


@dataclass(frozen=True, slots=True)
class RunStorage:
    """A place that driver and workers reach by the same name.

    Attributes:
        root: A folder's absolute path or a URI such as `s3://bucket/folder`.
    """

    root: str

    def below(self, name: str) -> RunStorage:
        """A folder in this one; what a URI says after `?` stays at its end."""
        if "://" not in self.root:
            return RunStorage(f"{self.root.rstrip('/')}/{name}")
        place, mark, options = self.root.partition("?")
        return RunStorage(f"{place.rstrip('/')}/{name}{mark}{options}")

    def save_sets(self, name: str, train: LabelledSet, validation: LabelledSet) -> None:
        """Write both splits under a name; what is there by that name already is the same.

        Raises:
            StorageError: It cannot be written.
        """
        content = io.BytesIO()
        np.savez(
            content,
            train_images=train.images,
            train_labels=train.labels,
            validation_images=validation.images,
            validation_labels=validation.labels,
        )
        self.save(name, content.getbuffer())

    def load_sets(self, name: str) -> tuple[LabelledSet, LabelledSet]:
        """Training and validation split that `save_sets` wrote; nothing in them is unpickled.

        Raises:
            StorageError: They cannot be read.
        """
        content = io.BytesIO(self.load(name))
        try:
            with np.load(content, allow_pickle=False) as arrays:
                return tuple(  # type: ignore[return-value] # two of them
                    LabelledSet(arrays[f"{split}_images"], arrays[f"{split}_labels"])
                    for split in ("train", "validation")
                )
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise StorageError(f"the training's images in {name!r} are damaged", remedy=_ANEW) from error

    def names(self) -> list[str]:
        """What is there, but for what was being written when somebody died; nothing where the place is not there.

        Raises:
            StorageError: It cannot be listed.
        """
        from pyarrow.fs import FileSelector

        filesystem, root = self._open()
        with _translated():
            found = filesystem.get_file_info(FileSelector(root, allow_not_found=True))
        return sorted(info.base_name for info in found if not info.base_name.startswith("."))

    def drop(self, name: str) -> None:
        """Delete a file or a folder there, if there is one.

        Raises:
            StorageError: It cannot be deleted.
        """
        filesystem, root = self._open()
        with _translated():
            kind = filesystem.get_file_info(f"{root}/{name}").type.name
            if kind != "NotFound":
                (filesystem.delete_dir if kind == "Directory" else filesystem.delete_file)(f"{root}/{name}")

    def save(self, name: str, content: bytes | memoryview) -> None:
        """Write a file whole, or not at all: a killed driver must not leave half of it.

        Raises:
            StorageError: It cannot be written.
        """
        filesystem, root = self._open()
        with _translated():
            filesystem.create_dir(root, recursive=True)
            with filesystem.open_output_stream(f"{root}/.{name}") as file:
                file.write(content)
            filesystem.move(f"{root}/.{name}", f"{root}/{name}")

    def load(self, name: str) -> bytes:
        """The content of a file that `save` wrote.

        Raises:
            StorageError: It cannot be read.
        """
        filesystem, root = self._open()
        with _translated(), filesystem.open_input_file(f"{root}/{name}") as file:
            content: bytes = file.read()
        return content

    def remove(self) -> None:
        """Delete all of it, once nothing in it is needed any more."""
        filesystem, root = self._open()
        with _translated():
            filesystem.delete_dir(root)

    def _open(self) -> tuple[Any, str]:
        from pyarrow.fs import FileSystem

        with _translated():
            filesystem, path = FileSystem.from_uri(self.root)
        return filesystem, path.rstrip("/")


def name_run(digest: str, spec: NetworkSpec, settings: BaseModel, *, start: str | None) -> str:
    """A name that only the same data, network, settings and start give: so that nothing else is resumed by mistake.

    Args:
        digest: Of the data.
        spec: The network.
        settings: How it is trained.
        start: Digest of what it starts from, or None.
    """
    parts = [digest, spec.model_dump(mode="json"), settings.model_dump(mode="json"), start]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class _translated:  # noqa: N801 - reads as a clause
    """Turns what a file system says into an error of ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | ValueError):  # Arrow's for a URI that it does not know is a ValueError
            raise StorageError(
                f"the training's storage cannot be used ({type(error).__name__})",
                remedy="Check --storage: a folder that every node reaches, or s3://bucket/folder.",
            ) from error
