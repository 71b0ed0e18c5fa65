"""A prefix of an S3 bucket that holds a job: objects are listed, read, made once, and replaced.

Credentials and endpoint come from where the AWS tools look for them (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, a profile,
the service account).
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cached_property
from hashlib import file_digest
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pipelines.results.disk import disk_errors
from sievert.errors import ConfigError, PermissionDeniedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEME = "s3://"
_TAKEN, _BUSY, _MISSING = (
    {"PreconditionFailed", "412"},
    {"ConditionalRequestConflict", "409"},
    {"NoSuchKey", "404", "NotFound"},
)
_DENIED = {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}
_DIGEST = "sha256"
_TRIES, _PAUSE_S = 6, 0.2
REMEDY = "Check the bucket's name, AWS_ENDPOINT_URL and the credentials."


class Bucket:
    """Objects below a URL, by their names relative to it.

    Args:
        url: `s3://BUCKET/PREFIX`.

    Raises:
        ConfigError: It names no bucket.
    """

    def __init__(self, url: str) -> None:
        place = url.removeprefix(SCHEME).rstrip("/")
        self.url = SCHEME + place
        self._name, _, prefix = place.partition("/")
        if not self._name:
            raise ConfigError("the URL names no bucket", remedy="Write s3://BUCKET/PREFIX.")
        self._prefix = f"{prefix}/" if prefix else ""

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 makes its classes as it runs
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise ConfigError("the S3 client is not installed", remedy="pip install 'sievert[s3]'.") from error
        with _asked("no S3 client could be made"):
            return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))

    def tags(self) -> dict[str, str]:
        """Entity tag of each object, by name: the MD5 of its content, unless the bucket encrypts by a key of KMS."""
        pages = self._client.get_paginator("list_objects_v2")
        with _asked("the bucket could not be listed"):
            found = [one for page in pages.paginate(Bucket=self._name, Prefix=self._prefix) for one in _objects(page)]
        return {one["Key"].removeprefix(self._prefix): one["ETag"].strip('"') for one in found}

    def digest(self, name: str) -> str | None:
        """SHA-256 in hex that an object was put with; None where there is none. Whoever writes to a bucket may lie."""
        from botocore.exceptions import ClientError

        with _asked(f"{name} could not be asked for"):
            try:
                told = self._client.head_object(Bucket=self._name, Key=self._prefix + name)
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
        found: dict[str, str] = told["Metadata"]
        return found.get(_DIGEST)

    def fetch(self, name: str, file: Path, *, drafts: Path) -> bool:
        """Read an object into a file, which is there whole or not at all; False where there is no such object.

        Args:
            name: Of the object.
            file: To be written, or replaced.
            drafts: A folder on the same disk where a crash may leave a draft behind.
        """
        draft = drafts / uuid4().hex
        try:
            with disk_errors(f"{file.name} could not be written"), _asked(f"{name} could not be read"):
                if not self._download(name, draft):
                    return False
                draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _download(self, name: str, draft: Path) -> bool:
        from botocore.exceptions import ClientError

        try:
            body = self._client.get_object(Bucket=self._name, Key=self._prefix + name)["Body"]
        except ClientError as error:
            if _code(error) in _MISSING:
                return False
            raise
        with draft.open("wb") as written:
            for part in body.iter_chunks(1 << 20):
                written.write(part)
        return True

    def create(self, name: str, file: Path) -> bool:
        """Put a file there unless there is an object of that name; whether it was put.

        False, too, where an attempt of this very call arrived and its answer was lost.
        """
        return self.replace(name, file, tag=None)

    def _try(self, name: str, file: Path, condition: dict[str, str]) -> bool | None:
        """None: somebody else is at it in this moment."""
        from botocore.exceptions import ClientError

        with _asked(f"{name} could not be written"), disk_errors(f"{file.name} could not be read"):
            try:
                with file.open("rb") as content:
                    self._put(name, content, **condition)
            except ClientError as error:
                if _code(error) not in _TAKEN | _BUSY:
                    raise
                return False if _code(error) in _TAKEN else None
        return True

    def replace(self, name: str, file: Path, *, tag: str | None) -> bool:
        """Put a file there in place of what was seen there; whether it was put.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

        Args:
            name: Of the object.
            file: Its content.
            tag: Entity tag of what was seen; None: nothing was.
        """
        condition = {"IfMatch": f'"{tag}"'} if tag else {"IfNoneMatch": "*"}
        for number in range(_TRIES):
            made = self._try(name, file, condition)
            if made is not None:
                return made
            time.sleep(_PAUSE_S * 2**number)
        raise StorageError(f"{name} could not be written: others write it all the time", remedy=REMEDY)

    def _put(self, name: str, content: Any, **conditions: str) -> None:  # noqa: ANN401 - a file
        about = {_DIGEST: file_digest(content, "sha256").hexdigest()}
        content.seek(0)
        place = {"Bucket": self._name, "Key": self._prefix + name}
        self._client.put_object(**place, Body=content, Metadata=about, **conditions)


def _objects(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Without the empty objects that stand for folders."""
    return (one for one in page.get("Contents", ()) if not one["Key"].endswith("/"))


@contextmanager
def _asked(doing: str) -> Iterator[None]:
    try:
        yield
    except (StorageError, ConfigError):
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in {"botocore", "boto3", "urllib3"}:
            raise
        raise _told(error, doing) from None  # its message may hold names and keys


def _told(error: Exception, doing: str) -> StorageError:
    code = _code(error)
    kind = PermissionDeniedError if code in _DENIED else StorageError
    return kind(f"{doing}: {code}", remedy=REMEDY)


def _code(error: Exception) -> str:
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
