"""`sievert keys`: who can open results, under which wrapping key, and who never again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sievert.cli import console
from sievert.cli.console import JsonFlag, VerboseFlag
from sievert.cli.keyring import find_passphrase, open_store, table_progress
from sievert.cli.keywitness import ledger_for, tell_erasures, try_to_bind
from sievert.cli.options import ConfigFile, KeysFolder, LedgerFile, effective

app = typer.Typer(no_args_is_help=True, help="List, share, rotate, revoke, erase and export keys.")

Wrapping = Literal["local", "environment", "vault", "pkcs11"]
RecipientName = Annotated[str, typer.Argument(help="Name or fingerprint of a recipient.", metavar="NAME")]
VaultAddress = Annotated[
    str | None, typer.Option("--vault-address", help="URL of a Vault with a transit engine.", metavar="URL")
]
VaultKey = Annotated[str | None, typer.Option("--vault-key", help="Name of its transit key.", metavar="NAME")]
VaultMount = Annotated[str, typer.Option("--vault-mount", help="Where its transit engine is mounted.")]


@app.callback()
def keys_() -> None:
    """List, share, rotate, revoke, erase and export keys."""


@app.command()
def init(
    *,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Encrypt the private key; asked for, or SIEVERT_PASSPHRASE.")
    ] = False,
    wrapping: Annotated[Wrapping, typer.Option("--wrapping", help="Where the wrapping key is kept.")] = "local",
    vault_address: VaultAddress = None,
    vault_key: VaultKey = None,
    vault_mount: VaultMount = "transit",
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Make the key store: identity key, the site's key pair, a wrapping key. An existing one is left as it is."""
    from pipelines.results.custody.creating import create_key_store
    from sievert.errors import KeyStoreError, PassphraseError

    settings = effective(config, store__keys=keys)
    if (settings.store.keys / "identity.key").exists():
        raise KeyStoreError("there is a key store already", remedy="Name another folder with --keys.")
    phrase = find_passphrase(settings, twice=True) if passphrase else None
    if passphrase and phrase is None:
        raise PassphraseError("a passphrase was asked for, and none was given")
    vault = vault_place(vault_address, vault_key, vault_mount)
    store = create_key_store(settings.store.keys.absolute(), passphrase=phrase, wrapping=wrapping, vault=vault)
    if as_json:
        console.print_json({"keys": str(settings.store.keys), "fingerprint": store.fingerprint, "wrapping": wrapping})
        return
    console.stdout().print(f"key store {console.plain(settings.store.keys)}, key {store.fingerprint}")
    console.stdout().print("back it up, apart from the results; without it nobody opens them")


@app.command("list")
def list_(
    *,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """List recipients, jobs and wrapping keys; patients are counted, never named."""
    from pipelines.results.custody.listing import list_keys
    from sievert.cli.keytelling import describe_keys, tell_keys

    listed = describe_keys(list_keys(open_store(effective(config, store__keys=keys))))
    console.print_json(listed) if as_json else tell_keys(listed)


@app.command()
def share(
    *,
    public: Annotated[Path, typer.Argument(help="The recipient's X25519 public key, PEM.", metavar="FILE")],
    name: Annotated[str, typer.Option("--name", help="What to call them; no patient's name.")],
    role: Annotated[str, typer.Option("--role", help="What they are.")] = "clinician",
    from_now_on: Annotated[
        bool, typer.Option("--from-now-on", help="What was sealed up to now stays closed to them.")
    ] = False,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Wrap data keys for a further recipient: those there are, and those to come."""
    from pipelines.results.custody.sharing import share as share_with
    from pipelines.results.keys.keyfiles import read_public
    from sievert.cli.keytelling import tell_change

    store = open_store(effective(config, store__keys=keys))
    with table_progress("sharing") as progress:
        shared = share_with(
            store, read_public(public), name=name, role=role, from_now_on=from_now_on, progress=progress
        )
    tell_change("shared", shared, as_json=as_json)


@app.command()
def revoke(
    *,
    name: RecipientName,
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Remove what is wrapped for a recipient, and wrap nothing more. What they copied or opened is out of reach."""
    from pipelines.results.custody.sharing import revoke as revoke_from
    from sievert.cli.keytelling import tell_change

    with table_progress("revoking") as progress:
        revoked = revoke_from(open_store(effective(config, store__keys=keys)), name, progress=progress)
    tell_change("revoked", revoked, as_json=as_json)


@app.command()
def rotate(
    *,
    wrapping: Annotated[
        Wrapping | None, typer.Option("--wrapping", help="Where the new key is kept (default: as the old one).")
    ] = None,
    vault_address: VaultAddress = None,
    vault_key: VaultKey = None,
    vault_mount: VaultMount = "transit",
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Put all keys under a new wrapping key and destroy the old one: older copies are worthless then."""
    from dataclasses import asdict

    from pipelines.results.custody.rotating import rotate as rotate_keys

    vault = vault_place(vault_address, vault_key, vault_mount)
    with table_progress("rotating") as progress:
        rotated = rotate_keys(
            open_store(effective(config, store__keys=keys)), provider=wrapping, vault=vault, progress=progress
        )
    if as_json:
        console.print_json({**asdict(rotated), "destroyed": list(rotated.destroyed)})
        return
    say = console.stdout().print
    say(f"{rotated.tables} table(s) put under wrapping key {rotated.wrapping}" + (" (resumed)" * rotated.resumed))
    if rotated.identities:
        say(f"and {rotated.identities} of the re-identification map")
    say(f"destroyed: {', '.join(rotated.destroyed) or 'none'}")


@app.command()
def erase(
    *,
    patient: Annotated[str, typer.Argument(help="The pseudonym that `sievert open` shows.", metavar="PATIENT")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; there is no way back.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Only from this job (default: every job of the site).", metavar="DIR")
    ] = None,
    keys: KeysFolder = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Delete every data key of a patient: what was sealed for them opens for nobody again. Proofs stay valid.

    The erasure is an event that is bound on the ledger; it holds, too, while that is away (exit code 55). Rotate
    afterwards, so that older copies of the key store do not bring the patient back.
    """
    from pipelines.results.custody.erasing import erase as erase_patient
    from pipelines.results.custody.witnessing import record_erasures
    from pipelines.results.outfolder import OutFolder, read_job
    from sievert.errors import ConfigError, NotAnchoredError

    if not yes:
        raise ConfigError("erasing cannot be undone", remedy="Say so with --yes.")
    job = read_job(OutFolder(out.absolute())).job if out else None
    settings = effective(config, store__keys=keys, store__ledger=ledger)
    store = open_store(settings)
    with table_progress("erasing") as progress:
        swept = erase_patient(store, patient, job=job, progress=progress)
    record_erasures(store, swept)
    problem = try_to_bind(store, settings)
    told = {"patient": patient, "job": job, "tables": swept.tables, "keys": swept.rows, "identities": swept.identities}
    told["anchored"] = problem is None
    if as_json:
        console.print_json(told)
    else:
        console.stdout().print(f"erased: {swept.rows} data key(s) from {swept.tables} table(s)")
        if swept.identities:
            console.stdout().print(f"and {swept.identities} of the re-identification map")
        console.stdout().print("older copies of the key store still have them: make those worthless with `keys rotate`")
    if problem is not None:
        raise NotAnchoredError(
            f"the patient is erased; its event is not anchored yet: {problem.message}",
            remedy="Run `sievert keys erasures --anchor` when the ledger answers.",
        )


@app.command()
def erasures(
    *,
    anchor: Annotated[bool, typer.Option("--anchor", help="Bind those that are not bound yet.")] = False,
    keys: KeysFolder = None,
    ledger: LedgerFile = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """List erasures, each held against the ledger. None names a patient."""
    from pipelines.results.custody.witnessing import bind_erasures, check_erasures, record_erasures

    settings = effective(config, store__keys=keys, store__ledger=ledger)
    store = open_store(settings)
    if anchor:
        record_erasures(store)
        events = bind_erasures(store, ledger_for(settings))
    else:
        events = check_erasures(store, ledger_for(settings)(None))
    tell_erasures(events, as_json=as_json)


@app.command()
def export(
    *,
    target: Annotated[Path, typer.Argument(help="Folder to write; not there yet.", metavar="DIR")],
    recipient: Annotated[str, typer.Option("--recipient", help="Name or fingerprint.", metavar="NAME")],
    keys: KeysFolder = None,
    config: ConfigFile = None,
    as_json: JsonFlag = False,
    verbose: VerboseFlag = False,  # noqa: ARG001 - its callback has set it
) -> None:
    """Write what one recipient needs to open their part with their own private key: theirs alone."""
    from pipelines.results.custody.exporting import export as export_for

    with table_progress("exporting") as progress:
        exported = export_for(
            open_store(effective(config, store__keys=keys)), recipient, target.absolute(), progress=progress
        )
    if as_json:
        fingerprint = exported.recipient.fingerprint
        console.print_json(
            {"folder": str(target), "recipient": fingerprint, "tables": exported.tables, "keys": exported.keys}
        )
        return
    shown = console.plain(target)
    console.stdout().print(f"{exported.keys} data key(s) for {exported.recipient.name} in {shown}")
    console.stdout().print(f"they open with: sievert open RESULTS --keys {shown} --private-key FILE")


def vault_place(address: str | None, key: str | None, mount: str) -> dict[str, str] | None:
    """Where a Vault is, from a command's options; its token comes from VAULT_TOKEN.

    Raises:
        ConfigError: Half of it is missing.
    """
    if address is None and key is None:
        return None
    if address is None or key is None:
        from sievert.errors import ConfigError

        raise ConfigError("a Vault needs --vault-address and --vault-key", remedy="Name both.")
    return {"address": address.rstrip("/"), "mount": mount.strip("/"), "key": key}
