#!/usr/bin/env python3
"""What a checkpoint of a large catalog costs the front ends, and how long they take to start from its image.

    bench_checkpoint.py BINARIES [--tablets 1000000] [--alone 3000000] [--seconds 10] [--repeats 3]

Three front ends found a group and make an image of the empty catalog; they are stopped, bench/image_bench puts the
tablets into that image, the same bytes for all three, and they start from it.  Then writers create and drop databases,
for so many seconds without a checkpoint and for as long with one after the other.  What the leader grows by, and
how long entries wait for its catalog, is compared between the two.  One JSON line per case: medians of the repeats,
and of growth the most.  The last cases are restarts: of one member of the three, and of a front end alone with more
tablets."""
import argparse
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from groups import FrontEnds, wait_for

# Backends of the catalog are nowhere: nobody is to give them up meanwhile.
SETTINGS = {"membership.heartbeat_interval_ms": 60_000, "membership.heartbeats_missed_max": 100,
            "checkpoint.entries_max": 100_000_000, "checkpoint.bytes_mib_max": 100_000, "log.level": "info"}
GROWTH_GOAL_PERCENT, STALL_GOAL_MS, LOAD_GOAL_PER_S = 5, 10, 1_000_000
WARM_UP_S = 1
START_PATIENCE_S = 300


def page(member, path):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{member.http}{path}", timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError:
        return ""  # Not ready.


def apply_buckets(member):
    """Upper bound in seconds -> entries' batches that waited no longer."""
    found = re.findall(r'^tabletd_journal_apply_duration_seconds_bucket\{le="([^"]+)"\} (\S+)', page(member, "/metrics"), re.M)
    return {float(bound): float(count) for bound, count in found}


def p99_ms(before, after):
    counts = {bound: after[bound] - before[bound] for bound in after}
    return 1000 * min(bound for bound, count in counts.items() if count >= 0.99 * counts[float("inf")])


def resident_mib(member):
    return int(pathlib.Path(f"/proc/{member.process.pid}/statm").read_text().split()[1]) * 4096 / 2**20


class Watch(threading.Thread):
    """The most each process held."""

    def __init__(self, members):
        super().__init__()
        self.members, self.most, self.over = members, {each.name: 0.0 for each in members}, threading.Event()

    def run(self):
        while not self.over.wait(0.01):
            for each in self.members:
                self.most[each.name] = max(self.most[each.name], resident_mib(each))

    def stop(self):
        self.over.set()
        self.join()
        return self.most


def told(group, member, statement):
    """The sentence it is answered with; a refusal is a ValueError."""
    done = subprocess.run([group.binaries / "tabletctl", member.address, "-e", statement], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise ValueError(done.stderr)
    return done.stdout + done.stderr


def images_of(member):
    return sorted((member.directory / "journal" / "images").glob("image.*[0-9]"))


def fill(group, tablets):
    """The tablets are in the group's image; nobody runs afterwards."""
    group.start()
    leader = wait_for("there is a leader", group.leader)
    told(group, leader, "CREATE DATABASE before")
    wait_for("an image is made", lambda: told(group, leader, "ADMIN CHECKPOINT"))
    wait_for("everybody has it", lambda: len({images_of(each)[-1].read_bytes() for each in group.members}) == 1)
    group.stop()
    first = images_of(group.members[0])[-1]
    subprocess.run([group.binaries.parent / "bench" / "image_bench", "grow", first, str(tablets)], check=True)
    for each in group.members[1:]:
        shutil.copyfile(first, images_of(each)[-1])


def seconds_to_serve(group, members):
    """From exec until each says it is ready, and has answered a statement."""
    begin = time.monotonic()
    for each in members:
        each.start()
    for each in members:
        wait_for(f"{each.name} is ready", lambda: '"ready":true' in page(each, "/readyz"), START_PATIENCE_S, 0.01)
    ready = time.monotonic() - begin
    for each in members:
        wait_for(f"{each.name} answers", lambda: group.rows(each, "SHOW FRONTENDS"), START_PATIENCE_S, 0.01)
    return ready, time.monotonic() - begin


def write_for(group, seconds, prefix, checkpoints):
    """What the writers saw, and what the processes grew by meanwhile."""
    leader = group.leader()
    before = {each.name: resident_mib(each) for each in group.members}
    writers = subprocess.Popen([group.load, *group.addresses(), "--writers", "16", "--connections", "2", "--drop", "1",
                                "--warm-up", str(WARM_UP_S), "--seconds", str(seconds), "--prefix", prefix],
                               stdout=subprocess.PIPE, text=True)
    time.sleep(WARM_UP_S)
    watch, applied = Watch(group.members), apply_buckets(leader)
    watch.start()
    made, took, refusals = [], [], []
    while checkpoints and writers.poll() is None:
        begin = time.monotonic()
        try:
            answer = told(group, leader, "ADMIN CHECKPOINT")
        except ValueError as why:
            refusals.append(str(why).strip())
            continue
        made.append(re.search(r"made by (fe \d+)", answer).group(1).replace(" ", ""))
        took.append(time.monotonic() - begin)
    for why in sorted(set(refusals)):
        print(f"bench_checkpoint: {refusals.count(why)} x {why}", file=sys.stderr)
    report = json.loads(writers.communicate(timeout=seconds + 60)[0])
    applied, most = p99_ms(applied, apply_buckets(leader)), watch.stop()
    if group.leader() is not leader:
        raise SystemExit("another member began to lead")
    grown = {name: 100 * (most[name] - before[name]) / before[name] for name in before}
    workers = [each for each in made if each != leader.name]
    return {"report": report, "apply_p99_ms": applied, "leader_percent": grown[leader.name], "resident_mib": before[leader.name],
            "worker_percent": max((grown[each] for each in set(workers)), default=0.0), "made": len(made),
            "by_leader": len(made) - len(workers), "took_s": statistics.median(took) if took else 0.0}


def tell(case, ours, unit, **more):
    print(json.dumps({"bench": "checkpoint", "case": case, "ours": round(ours, 3), "unit": unit} | more), flush=True)


def median(runs, *path):
    def of(run):
        for key in path:
            run = run[key]
        return run
    return statistics.median(of(run) for run in runs)


def most(runs, field):
    """The first checkpoint of a process costs it more than the next ones."""
    return max(run[field] for run in runs)


def bench_group(group, given):
    fill(group, given.tablets)
    what = f"{given.tablets} tablets, 3 fe"
    starts = []
    for number in range(given.repeats):
        starts.append(seconds_to_serve(group, group.members))
        if number + 1 < given.repeats:
            group.stop()
    wait_for("there is a leader", group.leader)
    tell(f"{what}: start of all until they serve", statistics.median(each[1] for each in starts), "s",
         ready_s=round(statistics.median(each[0] for each in starts), 3))
    write_for(group, 2, "warm", False)
    calm, busy = [], []
    for number in range(given.repeats):
        calm.append(write_for(group, given.seconds, f"c{number}", False))
        busy.append(write_for(group, given.seconds, f"b{number}", True))
    made = f"one after another, {sum(run['made'] for run in busy)} in all, {sum(run['by_leader'] for run in busy)} by the leader"
    tell(f"{what}: growth of the leader during checkpoints", most(busy, "leader_percent"), "% of its memory",
         goal=GROWTH_GOAL_PERCENT, without=round(most(calm, "leader_percent"), 3), resident_mib=round(median(busy, "resident_mib")),
         checkpoints=made)
    tell(f"{what}: growth of the worker", most(busy, "worker_percent"), "% of its memory")
    tell(f"{what}: wait of committed entries for the leader's catalog, p99 at most", median(busy, "apply_p99_ms"), "ms",
         goal=STALL_GOAL_MS, without=median(calm, "apply_p99_ms"))
    for field, unit in (("p50_ms", "ms"), ("p99_ms", "ms"), ("per_s", "statements/s")):
        tell(f"{what}: 16 writers during checkpoints, {field}", median(busy, "report", field), unit,
             without=round(median(calm, "report", field), 3))
    tell(f"{what}: order to image on the leader", median(busy, "took_s"), "s")
    follower = next(each for each in group.members if each is not group.leader())
    again = []
    for _ in range(given.repeats):
        follower.stop()
        again.append(seconds_to_serve(group, [follower]))
    tell(f"{what}: restart of a follower until it serves", statistics.median(each[1] for each in again), "s",
         ready_s=round(statistics.median(each[0] for each in again), 3))


def bench_alone(group, given):
    fill(group, given.alone)
    starts = []
    for _ in range(given.repeats):
        group.stop()
        starts.append(seconds_to_serve(group, group.members))
    tell(f"{given.alone} tablets, 1 fe: restart until it serves", statistics.median(each[1] for each in starts), "s",
         ready_s=round(statistics.median(each[0] for each in starts), 3), resident_mib=round(resident_mib(group.members[0])))


def bench_image(binaries, root, given):
    done = subprocess.run([binaries.parent / "bench" / "image_bench", root, str(given.tablets / 1e6), str(given.repeats)],
                          capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    images = [line for line in lines if "load_s" in line]
    tell(f"image of {given.tablets} tablets, loaded", median(images, "load_tablets_s"), "tablets/s", goal=LOAD_GOAL_PER_S,
         per_cpu_s=round(median(images, "load_tablets_cpu_s")))
    tell(f"image of {given.tablets} tablets, written and verified", median(images, "write_s"), "s",
         mb_s=median(images, "write_mb_s"), file_mb=median(images, "file_mb"), peak_mib=median(images, "write_peak_mib"))
    ways = [line for line in lines if line.get("bench") == "image"]
    tell(f"{ways[0]['case']}, from a snapshot", median(ways, "ours"), "s", peer=median(ways, "peer"), peer_name=ways[0]["peer_name"],
         ratio=median(ways, "ratio"), peak_mib=median(ways, "ours_peak_mib"), peer_peak_mib=median(ways, "peer_peak_mib"))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--tablets", type=int, default=1_000_000)
    options.add_argument("--alone", type=int, default=3_000_000)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    binaries = given.binaries.resolve()
    with tempfile.TemporaryDirectory(prefix="tabletd-checkpoint-", dir=binaries.parent) as root:
        root = pathlib.Path(root)
        bench_image(binaries, root, given)
        for play, count in ((bench_group, 3), (bench_alone, 1)):
            group = FrontEnds(binaries, root / play.__name__, SETTINGS, count)
            try:
                play(group, given)
            finally:
                group.stop()


main()
