"""What a release keeps and what it needs to be given: images, models, results, keys, the ledger, secrets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from cluster.chart.parts import Claim, Name, Part


class Flavour(Part):
    """One build of the image."""

    tag: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?$",
        description="Its tag; left out: the chart's version and the flavour.",
    )
    digest: str = Field(
        default="", pattern=r"^(sha256:[0-9a-f]{64})?$", description="Its digest, before which the tag does not count."
    )


class Image(Part):
    """The image of the release, built with the repository's Dockerfile."""

    repository: str = Field(
        default="sievert", pattern=r"^[a-z0-9][-a-z0-9._/:]*$", description="Where it is, registry included."
    )
    cpu: Flavour = Field(default=Flavour(), description="The build for heads and workers without a GPU.")
    cuda: Flavour = Field(default=Flavour(), description="The build for workers with a GPU.")
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(default="IfNotPresent", description="When to pull.")
    pull_secrets: list[Annotated[Name, Field(min_length=1)]] = Field(
        default=[], description="Secrets for the registry."
    )


class Results(Part):
    """Where results go."""

    kind: Literal["pvc", "s3"] = Field(
        default="pvc",
        description="A volume, or an object store (screenings alone; what a node works on lies in its scratch).",
    )
    url: str = Field(
        default="",
        pattern=r"^(s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9](/[-A-Za-z0-9_./=]*)?)?$",
        description="s3: where; credentials are in `secrets.everywhere`, or come with the service account.",
    )
    claim: Claim = Field(default=Claim(), description="pvc: the volume.")


class Keys(Part):
    """The key store: whoever loses it can never open the results. Back it up."""

    claim: Claim = Field(default=Claim(size="10Gi"), description="Its volume.")
    passphrase_secret: Name = Field(
        default="",
        description="Secret with the private key's passphrase under `passphrase`; heads alone are given it.",
    )


class Ledger(Part):
    """Which ledger jobs are anchored on."""

    kind: Literal["embedded", "rpc"] = Field(
        default="embedded",
        description="A chain of its own in a file, for one component alone; or any EVM chain over JSON-RPC.",
    )
    claim: Claim = Field(default=Claim(size="1Gi", access_mode="ReadWriteOnce"), description="embedded: its volume.")
    existing_secret: Name = Field(
        default="",
        description="rpc: Secret with `url` (the node), `keystore.json` (the signer, version 3) and `passphrase`; "
        "heads alone are given it.",
    )
    chain_id: NonNegativeInt = Field(default=0, description="rpc: the chain's id (EIP-155).")
    contract: str = Field(
        default="", pattern=r"^(0x[0-9a-fA-F]{40})?$", description="rpc: the registry, as `sievert ledger deploy` says."
    )
    confirmations: PositiveInt = Field(default=12, description="rpc: blocks until an anchor is final.")


class Secrets(Part):
    """Secrets of yours whose keys become environment variables."""

    driver: Name = Field(
        default="",
        description="For heads alone: what notifies and signs. `SIEVERT_WEBHOOK_SECRET`, `SIEVERT_FHIR_TOKEN`, "
        "`SIEVERT_STOW_TOKEN`, `SIEVERT_MAIL_PASSWORD`, and URLs, which are secrets too: `SIEVERT_NOTIFY__FHIR__URL`.",
    )
    everywhere: Name = Field(
        default="",
        description="For heads and workers: `SIEVERT_DICOMWEB_TOKEN`, `SIEVERT_WRAPPING_KEYS`, `VAULT_TOKEN`, "
        "`AWS_ACCESS_KEY_ID` and the like.",
    )


class Images(Claim):
    """A volume with images to screen, which is only read."""

    enabled: bool = Field(default=True, description="Mount it; off where images come from a PACS or an object store.")


class ReadOnlyClaim(Part):
    """A volume that is only read."""

    existing_claim: Name = Field(default="", description="The claim; left out: none is mounted.")


class ExternalSecret(Part):
    """A Secret that the External Secrets Operator fetches."""

    name: Annotated[Name, Field(min_length=1)] = Field(
        description="The Secret's name, as named elsewhere in the values."
    )
    remote_key: str = Field(min_length=1, description="What it is called in the store; all its properties are taken.")


class ExternalSecrets(Part):
    """Secrets from a vault, by the External Secrets Operator."""

    store: Name = Field(default="", description="The store to ask; left out: no ExternalSecret is made.")
    store_kind: Literal["SecretStore", "ClusterSecretStore"] = Field(
        default="ClusterSecretStore", description="Whose store it is."
    )
    refresh: str = Field(default="1h", pattern=r"^[1-9][0-9]*(s|m|h)$", description="How often it is asked.")
    secrets: list[ExternalSecret] = Field(default=[], description="What is fetched.")
