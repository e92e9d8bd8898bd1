#!/usr/bin/env python3
"""The leader is killed, again and again, while 64 writers write.

    smoke_failover.py BINARIES [--rounds 20] [--vs etcd]

Three front ends as real processes.  Each round waits a random while, sends SIGKILL to whoever
leads, waits until writes go on, starts the killed one again and waits until it has caught up.
A round's gap is the longest time without an acknowledgement between the kill and the end of the
round, as the writers saw it.  In the end every acknowledged name must be in the log of all three.
With --vs etcd the same is done to three members of etcd; one JSON line says how the gaps compare."""
import argparse
import json
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from datetime import datetime, timezone

from groups import Etcd, FrontEnds, wait_for

WRITERS = 64
GAP_GOAL_S = 1.0
RATIO_GOAL = 0.8


class Acknowledged:
    """What the writers noted, read as it grows: (monotonic seconds, name)."""

    def __init__(self, path):
        self.path, self.offset, self.rest, self.all = path, 0, "", []

    def read(self):
        if self.path.exists():
            with open(self.path) as log:
                log.seek(self.offset)
                text = self.rest + log.read()
                self.offset = log.tell()
            *lines, self.rest = text.split("\n")
            for line in lines:
                at, name = line.split()
                self.all.append((int(at) / 1e9, name))
        return self.all

    def count_after(self, moment):
        count = 0
        for at, _ in reversed(self.read()):
            if at <= moment:
                break
            count += 1
        return count


def gap_of(acknowledged, killed, end):
    """Longest silence that ends after the kill: (length, its end)."""
    times = [at for at, _ in acknowledged if killed - 5 < at <= end]
    return max((after - before, after) for before, after in zip(times, times[1:]) if after > killed)


def led_at(member, not_before):
    """When it logged that it leads and may schedule, as monotonic seconds."""
    offset = time.time() - time.monotonic()
    found = None
    for line in member.log.read_text(errors="replace").splitlines():
        if '"leads"' in line:
            record = json.loads(line)
            at = datetime.fromisoformat(record["ts"].replace("Z", "")).replace(tzinfo=timezone.utc).timestamp() - offset
            if at >= not_before:
                found = found or at
    return found


def play(group, rounds, root, dice):
    """The gap of every round, the time from the kill to the word of the new leader, and what was acknowledged."""
    group.start()
    noted = Acknowledged(root / f"{group.name}.acknowledged")
    report = open(root / f"{group.name}.json", "w+")
    writers = subprocess.Popen([group.load, *group.addresses(), "--writers", str(WRITERS), "--seconds", "0", "--log", noted.path],
                               stdout=report, stderr=report)
    gaps, led = [], []
    try:
        wait_for("the writers write", lambda: len(noted.read()) > WRITERS)
        for number in range(1, rounds + 1):
            time.sleep(dice.uniform(0.5, 2.0))
            victim = wait_for("somebody leads", group.leader)
            killed = time.monotonic()
            victim.stop(signal.SIGKILL)
            wait_for("writes go on", lambda: noted.count_after(killed + 0.2) > WRITERS, pause_s=0.02)
            victim.start()
            wait_for(f"{victim.name} has caught up", lambda: group.has_caught_up(victim))
            gap, over = gap_of(noted.read(), killed, time.monotonic())
            gaps.append(gap)
            line = f"{group.name} round {number:2}: killed {victim.name}, no write for {gap * 1e3:6.0f} ms"
            if isinstance(group, FrontEnds):
                word = min(filter(None, (led_at(each, killed) for each in group.members)), default=None)
                if word is None:
                    raise SystemExit("no front end said that it leads")
                led.append(max(0.0, word - over))
                line += f", it led {(word - killed) * 1e3:.0f} ms after the kill"
            print(line, flush=True)
    finally:
        writers.terminate()
        writers.wait(timeout=30)
        report.seek(0)
        print(f"{group.name} writers: {report.read().strip()}", flush=True)
    return gaps, led, [name for _, name in noted.read()]


def names_in(group, member):
    """The databases in a stopped member's own files."""
    dump = subprocess.run([group.binaries / "tabletctl", "offline", "journal", "dump", member.directory / "journal", "--format", "jsonl"],
                          capture_output=True, text=True, check=True)
    names, first = set(), None
    for line in dump.stdout.splitlines():
        entry = json.loads(line)
        first = first or entry["index"]
        if entry.get("edit") == "databaseCreated":
            names.add(entry["fields"])
    if first != 1:
        raise SystemExit(f"the log of {member.name} begins at {first}; this story needs all of it")
    return names


def check_nothing_is_lost(group, acknowledged):
    if len(set(acknowledged)) != len(acknowledged):
        raise SystemExit("a name was acknowledged twice")
    if len(acknowledged) < 1_000:
        raise SystemExit(f"only {len(acknowledged)} statements were acknowledged, which proves little")
    for member in group.members:
        lost = set(acknowledged) - names_in(group, member)
        if lost:
            raise SystemExit(f"{member.name} lacks {len(lost)} of {len(acknowledged)} acknowledged names, {min(lost)} among them; "
                             f"everything is in {group.root}")
    print(f"all {len(acknowledged)} acknowledged names are in the logs of all three", flush=True)


def summary(gaps):
    return {"median_ms": round(statistics.median(gaps) * 1e3), "max_ms": round(max(gaps) * 1e3), "rounds": len(gaps)}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--vs", choices=["etcd"])
    given = options.parse_args()
    binaries = given.binaries.resolve()
    root = pathlib.Path(tempfile.mkdtemp(prefix="failover-", dir=binaries.parent))  # The disk that is built on, not one in memory.

    ours = FrontEnds(binaries, root / "fe")
    try:
        gaps, led, acknowledged = play(ours, given.rounds, root, random.Random(given.seed))
        wait_for("all three have caught up", lambda: all(ours.has_caught_up(each) for each in ours.members))
    finally:
        ours.stop()
    check_nothing_is_lost(ours, acknowledged)
    line = {"bench": "failover", "case": f"kill -9 of the leader, {WRITERS} writers"} | summary(gaps)
    line["led_after_gap_ms"] = {"median": round(statistics.median(led) * 1e3), "max": round(max(led) * 1e3)}
    if given.vs:
        peer = Etcd(binaries, root / "etcd")
        try:
            theirs, _, _ = play(peer, given.rounds, root, random.Random(given.seed))
        finally:
            peer.stop(signal.SIGKILL)
        line |= {"peer_name": "etcd", "peer": summary(theirs),
                 "gap_to_peer": round(statistics.median(gaps) / statistics.median(theirs), 3)}
    print(json.dumps(line), flush=True)
    shutil.rmtree(root)
    if statistics.median(gaps) > GAP_GOAL_S:
        raise SystemExit(f"the median gap is above {GAP_GOAL_S} s")
    if given.vs and line["gap_to_peer"] > RATIO_GOAL:
        raise SystemExit(f"the median gap is above {RATIO_GOAL} of etcd's")


main()
