"""What failures cost whole screenings: nodes killed, paused and cut off, the head's memory and the driver killed.

A node is a Ray node of one CPU on this machine, killed with all its processes; the head computes nothing and keeps its
state in Redis. Each fault strikes a screening of the same cohort. Lost and doubled are images in what is stored and
verified at the end; repeated are images that were begun a second time, watched by the journals of the shards, beside
those that the killed processes had in hand.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import psutil
from chaosjournals import SHARD, Journals
from chaosnetwork import can_open_apart, open_apart, plug, pull
from chaosnodes import open_nodes
from cohorts import ROOT
from sections import write_section

from pipelines.results.outfolder import OutFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaosnodes import Machine, Nodes

DRAWN, SIDE = 20, 256
PAUSE_S, CUT_S = 40.0, 60.0


@dataclass
class Scene:
    """A screening that is struck."""

    nodes: Nodes
    folder: Path
    driver: subprocess.Popen[bytes] = field(init=False)
    in_hand: set[str] = field(default_factory=set)

    @property
    def out(self) -> Path:
        """Its out folder."""
        return self.folder / "out"

    def sievert(self, *arguments: object) -> subprocess.Popen[bytes]:
        """A command with keys and ledger of this scene."""
        own = {"XDG_DATA_HOME": str(self.folder / "home"), "SIEVERT_COHORT__SHARD_SIZE": str(SHARD)}
        environment = {**os.environ, **own, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "sievert", *map(str, arguments), "--json"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def start(self) -> None:
        """The screening, or the same command again."""
        place = (self.folder / "in", "--out", self.out, "--address", self.nodes.address)
        self.driver = self.sievert("screen", *place)

    def ask(self, *arguments: object) -> Any:  # noqa: ANN401 - JSON
        """What a command prints."""
        out, err = self.sievert(*arguments).communicate()
        return json.loads(out) if out else sys.exit(err.decode()[-2000:])

    @property
    def committed(self) -> int:
        """Shards that are stored."""
        return len(list(self.out.glob("results/*.parquet")))


def choose(scene: Scene, draw: random.Random) -> Machine:
    """Whom it strikes; what it has in hand is noted."""
    victim = draw.choice(scene.nodes.alive)
    scene.in_hand |= victim.in_flight()
    return victim


def kill_node(scene: Scene, draw: random.Random) -> None:
    """One of those that are left, but for the last."""
    if len(scene.nodes.alive) > 1:
        scene.nodes.kill(choose(scene, draw))


def pause_node(scene: Scene, draw: random.Random) -> None:
    """All of its processes, for a while; then it goes on, unaware."""
    victim = choose(scene, draw)
    victim.signal(signal.SIGSTOP)
    time.sleep(PAUSE_S)
    victim.signal(signal.SIGCONT)


def cut_node(scene: Scene, draw: random.Random) -> None:
    """Pull its cable: it works on, and the cluster gives its shards to others. Then it is back, and no part of it."""
    victim = choose(scene, draw)
    pull(victim)
    time.sleep(CUT_S)
    plug(victim)


def kill_memory(scene: Scene, _: random.Random) -> None:
    """The process of the head that knows the cluster."""
    scene.nodes.restart_memory()


def kill_driver(scene: Scene, _: random.Random) -> None:
    """And give the same command again."""
    driver = scene.driver
    for node in scene.nodes.alive:
        scene.in_hand |= node.in_flight()
    for process in [*psutil.Process(driver.pid).children(recursive=True), psutil.Process(driver.pid)]:
        process.kill()
    driver.wait()
    scene.start()


FAULTS: dict[str, tuple[str, Callable[[Scene, random.Random], None] | None, int]] = {
    "calm": ("nothing", None, 0),
    "nodes": ("a random node killed again and again, up to all but one", kill_node, 2),
    "node": ("a random node killed once", kill_node, 1),
    "pause": (f"a node stopped for {PAUSE_S:.0f} s, then going on", pause_node, 1),
    "cut": (f"a node cut off the network for {CUT_S:.0f} s, then back", cut_node, 1),
    "head": ("the head's memory killed and started again", kill_memory, 1),
    "driver": ("the driver killed, the same command again", kill_driver, 2),
}


@dataclass(frozen=True)
class Row:
    """What one fault cost; images but for `strikes`, shards and seconds."""

    fault: str
    strikes: int
    images: int
    lost: int
    doubled: int
    repeated: int
    repeated_shards: int
    in_hand_shards: int
    elsewhere: int
    wall_s: float


def draw_cohort(folder: Path, images: int) -> None:
    """Links to a few smooth pictures; each is an input of its own."""
    noise = np.random.default_rng(1)
    for number in range(DRAWN):
        picture = cv2.GaussianBlur(noise.integers(0, 255, (SIDE, SIDE), dtype=np.uint8), (0, 0), 9) * 2
        cv2.imwrite(str(folder / f"{number:02d}.png"), picture)
    (folder / "in").mkdir()
    for number in range(images):
        (folder / "in" / f"{number:06d}.png").symlink_to(folder / f"{number % DRAWN:02d}.png")


def strike(scene: Scene, name: str, every_s: float) -> int:
    """Strike as often as the fault says while the screening runs; how often it was."""
    _, fault, times = FAULTS[name]
    draw, struck = random.Random(name), 0  # noqa: S311 - whom it strikes
    while scene.driver.poll() is None and scene.committed < 1:
        time.sleep(0.05)
    while fault and struck < times:
        try:
            scene.driver.wait(every_s if struck else 1)
            break
        except subprocess.TimeoutExpired:
            fault(scene, draw)
            struck += 1
    return struck


def suffer(name: str, images: int, every_s: float, count: int) -> Row:
    """One screening with one fault."""
    opened = open_apart if name == "cut" else open_nodes
    with tempfile.TemporaryDirectory() as place, opened(count, Path(place)) as nodes:
        scene = Scene(nodes, Path(place))
        draw_cohort(scene.folder, images)
        journals = Journals(OutFolder(scene.out).work)
        threading.Thread(target=journals.watch, daemon=True).start()
        begun = time.perf_counter()
        scene.start()
        struck = strike(scene, name, every_s)
        _, err = scene.driver.communicate()
        wall_s = time.perf_counter() - begun
        journals.stop()
        if scene.driver.returncode:
            sys.exit(f"{name}: the screening ended with {scene.driver.returncode}: {err.decode()[-2000:]}")
        return weigh(name, scene, journals, images=images, struck=struck, wall_s=wall_s)


def weigh(name: str, scene: Scene, journals: Journals, *, images: int, struck: int, wall_s: float) -> Row:
    """What is stored, and what was done twice."""
    found = [one["index"] for kind in ([], ["--quarantined"]) for one in scene.ask("open", scene.out, *kind)]
    if scene.ask("verify", scene.out)["failed"]:
        sys.exit(f"{name}: the results do not verify")
    return Row(
        fault=FAULTS[name][0],
        strikes=struck,
        images=images,
        lost=images - len(set(found)),
        doubled=len(found) - len(set(found)),
        repeated=sum(journals.repeated.values()),
        repeated_shards=len(journals.repeated),
        in_hand_shards=len(scene.in_hand),
        elsewhere=len(set(journals.repeated) - scene.in_hand),
        wall_s=round(wall_s, 1),
    )


def possible(names: list[str]) -> list[str]:
    """Those that this machine allows; what is left out is told."""
    if "cut" in names and not can_open_apart():
        print("cut: left out, for it needs root and the program `ip`", file=sys.stderr)
        return [name for name in names if name != "cut"]
    return names


def table(rows: list[Row]) -> str:
    """For people."""
    head = "| fault | strikes | images | lost | doubled | repeated images | shards repeated / in hand | s |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        shards = f"{row.repeated_shards} / {row.in_hand_shards}"
        numbers = (row.strikes, f"{row.images:,}", row.lost, row.doubled, row.repeated, shards, f"{row.wall_s:.0f}")
        lines.append("| " + " | ".join(map(str, (row.fault, *numbers))) + " |")
    return "\n".join(lines)


def main() -> None:
    """Let each fault strike, and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", default="calm,nodes,pause,cut,head,driver", help="of " + ", ".join(FAULTS))
    parser.add_argument("--images", type=int, default=12000)
    parser.add_argument("--every", type=float, default=15, help="seconds between strikes")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="into docs/scale.md")
    chosen = parser.parse_args()
    rows = [suffer(name, chosen.images, chosen.every, chosen.nodes) for name in possible(chosen.faults.split(","))]
    print(json.dumps([asdict(row) for row in rows]) if chosen.json else table(rows))
    if chosen.write:
        write_section("chaos", table(rows))


if __name__ == "__main__":
    main()
