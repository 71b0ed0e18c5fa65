"""The branch of the tree of settings that says how Sievert answers online."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from sievert.branches import Branch, Place, user_data_dir
from sievert.branchtelemetry import TelemetrySettings
from sievert.branchurls import SafeUrl, from_json

Names = Annotated[tuple[str, ...], BeforeValidator(from_json)]
Weights = Annotated[dict[str, Annotated[float, Field(ge=0)]], BeforeValidator(from_json)]


class OidcSettings(Branch):
    """Who issues bearer tokens: any OpenID Connect provider, known by its key set."""

    issuer: SafeUrl | None = Field(default=None, description="The provider; left out: no tokens but our own.")
    audience: str = Field(default="sievert", description="What a token must be made out for (`aud`).")
    jwks_url: SafeUrl | None = Field(
        default=None, description="Its key set; left out: where the provider's discovery document says."
    )
    roles_claim: str = Field(default="roles", description="Claim with the roles; dots go into objects.")
    client_id: str | None = Field(
        default=None, description="Client of the page's sign-in (authorization code with PKCE); left out: no button."
    )
    leeway_s: NonNegativeInt = Field(default=30, description="How far clocks may differ, in seconds.")


class DicomListenerSettings(Branch):
    """A DICOM listener (C-STORE) that feeds the same path; off unless it has a port."""

    port: PositiveInt | None = Field(default=None, le=65535, description="Left out: no listener.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    ae_title: str = Field(default="SIEVERT", min_length=1, max_length=16, description="Our AE title.")
    allowed: Names = Field(default=(), description="AE titles that may send; none by default.")
    model: str | None = Field(default=None, description="Which model; left out: the first that is served.")
    max_pdu_bytes: PositiveInt = Field(default=131072, ge=4096, description="Largest PDU.")
    max_associations: PositiveInt = Field(default=8, description="Associations at once.")


class ServeSettings(Branch):
    """How the online service listens, scales, and keeps what it answered."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback unless named.")
    port: PositiveInt = Field(default=8800, le=65535, description="HTTP port.")
    grpc_port: PositiveInt | None = Field(
        default=None, le=65535, description="Port of the Open Inference Protocol over gRPC; left out: none."
    )
    tls_cert: Place | None = Field(default=None, description="Certificate chain, PEM; with it, HTTPS only.")
    tls_key: Place | None = Field(default=None, description="Its private key, PEM, mode 0600.")
    public_url: SafeUrl | None = Field(
        default=None, description="Where browsers reach the page, if a proxy is in front; left out: at `host`."
    )
    state: Place = Field(
        default_factory=lambda: user_data_dir() / "serve",
        description="Folder of what the service keeps besides results: reviews, assignments (mode 0700).",
    )
    weights: Weights = Field(
        default={},
        description="Share of the studies that name no model, by model, as JSON; left out: all go to the first. "
        "A study goes to the same model whenever it is sent.",
    )
    shelf: Place | None = Field(
        default=None,
        description="Folder of further model packages, each served under its folder's name: seldom asked ones, which "
        "share replicas that open a package when it is asked for.",
    )
    shelf_open: PositiveInt = Field(
        default=4, description="Packages of the shelf that a replica holds open; the one asked longest ago makes room."
    )
    min_replicas: NonNegativeInt = Field(default=1, description="Replicas of a model at least; 0: none while idle.")
    max_replicas: PositiveInt | None = Field(default=None, description="At most; left out: one for each CPU.")
    target_ongoing: PositiveFloat = Field(default=4, description="Requests in hand that a replica is scaled for.")
    max_ongoing: PositiveInt = Field(default=32, description="Requests that a replica takes in hand.")
    max_queued: PositiveInt = Field(default=128, description="Requests that wait; further ones get 429.")
    num_gpus: NonNegativeFloat = Field(default=0, description="GPUs a replica, fractions too; networks run on them.")
    passes: PositiveInt | None = Field(
        default=None,
        description="Forward passes that a replica runs at once, each on a CPU of its own; left out: 1, or "
        "its share of the CPUs, at most 4, where one machine has more of them than `max_replicas`.",
    )
    threads_alone: PositiveInt | None = Field(
        default=None,
        description="Threads of the forward pass of a study that its process has alone in hand; where there is more "
        "than one, the network is in memory twice. Left out: the CPUs of a single machine, at most 4; else 1.",
    )
    batch_size: PositiveInt = Field(default=8, description="Images a forward pass at most.")
    batch_wait_ms: NonNegativeFloat = Field(default=0, description="How long a pass waits for further images.")
    timeout_s: PositiveFloat = Field(default=60, description="How long a request may take.")
    drain_s: PositiveFloat = Field(default=30, description="How long a replica that is stopped may finish.")
    max_body_bytes: PositiveInt = Field(default=1 << 29, description="Largest body of a request.")
    max_tensor_bytes: PositiveInt = Field(default=1 << 26, description="Largest tensor of a request.")
    requests_a_minute: PositiveInt = Field(default=6000, description="Requests a principal may make in a minute.")
    failures_a_minute: PositiveInt = Field(
        default=30, description="Refused sign-ins from one address in a minute; further ones get 429."
    )
    session_s: PositiveInt = Field(default=28800, description="How long a sign-in on the page holds, in seconds.")
    roll_after_s: PositiveFloat = Field(default=60, description="A rolling job is closed and anchored after it.")
    roll_after_records: PositiveInt = Field(default=4096, description="Or after so many records.")
    durability: Literal["process", "disk"] = Field(
        default="process",
        description="What an answered record has survived: the death of its process, or a loss of power too.",
    )
    keep_pictures: bool = Field(
        default=True, description="Keep the de-identified picture of each study, sealed, for the worklist page."
    )
    oidc: OidcSettings = OidcSettings()
    dicom: DicomListenerSettings = DicomListenerSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
