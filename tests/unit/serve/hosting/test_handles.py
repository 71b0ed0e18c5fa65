from __future__ import annotations

import pytest
from ray.exceptions import ActorDiedError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError

from serve.api.problems import status_of
from serve.hosting.handles import replica_errors
from sievert.errors import DiskFullError, NetworkInputError, ReplicaLostError, SievertError


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (ActorDiedError(), 503),
        (TimeoutError(), 503),
        (BackPressureError(num_queued_requests=9, max_queued_requests=8), 429),
        (DiskFullError("no space left"), 503),
        (NetworkInputError("another shape"), 422),
    ],
)
def test_what_becomes_of_a_request_whose_replica_fails(raised: Exception, status: int) -> None:
    with pytest.raises(SievertError) as caught, replica_errors():
        raise raised
    assert status_of(caught.value) == status


@pytest.mark.parametrize("kind", [DeploymentUnavailableError, ReplicaUnavailableError])
def test_no_replica_is_a_replica_that_is_lost(kind: type[Exception]) -> None:
    with pytest.raises(ReplicaLostError), replica_errors():
        raise kind.__new__(kind)


def test_an_error_of_ours_from_another_process_stays_ours() -> None:
    away = RayTaskError("screen", "", NetworkInputError("another shape")).as_instanceof_cause()
    with pytest.raises(NetworkInputError) as caught, replica_errors():
        raise away
    assert status_of(caught.value) == 422
    assert caught.value.message == "another shape"
