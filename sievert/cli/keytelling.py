"""What `sievert keys` says of a key store, to machines and to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sievert.cli import console

if TYPE_CHECKING:
    from pipelines.results.custody.listing import Listed
    from pipelines.results.custody.sharing import Shared


def describe_keys(listed: Listed) -> dict[str, Any]:
    """For machines."""
    return {
        "recipients": [
            {"name": one.name, "role": one.role, "fingerprint": one.fingerprint, "revoked": one.revoked}
            for one in listed.recipients
        ],
        "wrapping": {
            "current": listed.wrapping.current,
            "retiring": list(listed.wrapping.retiring),
            "tables": dict(sorted(listed.tables.items())),
        },
        "jobs": [{"job": job, "tables": tables} for job, tables in listed.jobs.items()],
        "patients": listed.patients,
        "erased_records": listed.erased,
    }


def tell_keys(listed: dict[str, Any]) -> None:
    """For people."""
    say, wrapping = console.stdout().print, listed["wrapping"]
    for one in listed["recipients"]:
        state = " [yellow]revoked[/]" if one["revoked"] else ""
        say(f"recipient {one['fingerprint']}  {console.plain(one['name'])} ({console.plain(one['role'])}){state}")
    say(f"wrapping key {wrapping['current'] or 'none: `sievert keys rotate` makes one'}")
    if wrapping["retiring"]:
        say(f"  a rotation was cut off: `sievert keys rotate` finishes it ({', '.join(wrapping['retiring'])})")
    for name, tables in wrapping["tables"].items():
        say(f"  {tables} table(s) under {name or 'no wrapping key'}")
    for job in listed["jobs"]:
        say(f"job {job['job'][:16]}  {job['tables']} table(s)")
    say(f"{listed['patients']} patient(s) with a data key; {listed['erased_records']} record(s) erased")


def tell_change(done: str, shared: Shared, *, as_json: bool) -> None:
    """What sharing or revoking did."""
    recipient = shared.recipient
    if as_json:
        told = {"name": recipient.name, "fingerprint": recipient.fingerprint, "role": recipient.role}
        counts = {"tables": shared.tables, "keys": shared.keys, "unreachable": shared.unreachable}
        console.print_json({"done": done, **told, **counts})
        return
    say = console.stdout().print
    say(
        f"{done}: {console.plain(recipient.name)} ({recipient.fingerprint}); "
        f"{shared.keys} key(s), {shared.tables} table(s)"
    )
    if shared.unreachable:
        say(f"{shared.unreachable} data key(s) could not be shared: the private key at hand does not open them")
