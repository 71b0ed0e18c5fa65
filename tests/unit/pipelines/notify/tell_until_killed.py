"""Tells of a job over the wire and is killed at random moments; prints how often, and whom it was about.

python tell_until_killed.py FOLDER URL SECRET KILLS
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from pipelines.notify.notifier import open_notifier
from pipelines.notify.queuefile import queue_place
from pipelines.notify.queueview import standing
from pipelines.notify.route import Route
from pipelines.notify.webhook import WebhookChannel
from pipelines.results.keystore import KeyStore
from pipelines.results.ledger.rpc.account import Secret
from sievert.settings import NotifySettings, WebhookSettings
from tests.notices import Sealed, seal_job

RECORDS = 2_000
LONGEST_S = 0.7


def work(job: Sealed, channel: WebhookChannel) -> None:
    """Store a shard now and then, and tell until all is told."""
    settings = NotifySettings.model_validate({"escalate_after_s": {"asap": None, "urgent": None, "stat": None}})
    keys = KeyStore(job.keys.folder)
    with open_notifier(job.out, keys, settings=settings, routes=[Route(channel)]) as notifier:
        while not notifier.run_once().is_over:
            there = job.out.finished_shards()
            pending = [shard for shard in range(len(job.records)) if shard not in there]
            job.commit(*pending[:8])
            if not pending:
                job.anchor()


def main(home: Path, url: str, secret: str, kills: int) -> dict[str, Any]:
    """Kill it so often, then let it end."""
    chance = random.Random(7)  # noqa: S311 - moments, no secrets
    job = seal_job(home, [chance.random() for _ in range(RECORDS)], commit=False)
    channel = WebhookChannel(WebhookSettings.model_validate({"url": url}), Secret(secret))
    unfinished, sent = 0, 0
    for number in range(kills + 1):
        child = os.fork()
        if not child:
            work(job, channel)
            os._exit(0)
        if number < kills:
            time.sleep(chance.uniform(0.01, LONGEST_S))
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        unfinished += code == -signal.SIGKILL
        if number < kills:
            sent = standing(queue_place(job.keys.folder, job.job)).sent
    flagged = [row["index"] for shard in job.records for row in shard if row["flagged"]]
    return {"kills": kills, "unfinished": unfinished, "sent": sent, "flagged": [job.id_of(index) for index in flagged]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))))
