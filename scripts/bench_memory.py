#!/usr/bin/env python3
"""What the log costs in memory when one follower is stopped and more writers write than disks take.

    bench_memory.py BINARIES [--seconds 60] [--budget-mib 16] [--writers 256]

Three front ends with a budget for the log; one that does not lead is stopped (SIGSTOP), so that what it
lacks must be kept for it somewhere.  Writers create and drop databases: the catalog does not grow, so
what the processes grow by is the log and what it costs.  The same with a budget nobody reaches is the
peer: it shows what the bounds are worth, and what they cost.  One JSON line per case; nothing is measured
while the writers warm up."""
import argparse
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

from groups import FrontEnds

GROWTH_GOAL = 1.1
RATE_GOAL = 0.95
WARM_UP_S = 5
UNBOUNDED_MIB = 16_384


def metrics(member):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{member.http}/metrics", timeout=10) as page:
        return page.read().decode()


def log_bytes(page):
    return sum(float(value) for value in re.findall(r'^tabletd_raft_log_cache_bytes\{[^}]*\} (\S+)', page, re.M))


def resident(member):
    fields = pathlib.Path(f"/proc/{member.process.pid}/statm").read_text().split()
    return int(fields[1]) * 4096


def watch(group, writers, stopped, seconds):
    """Per member that runs: the most the log held, and the most its process grew by."""
    alive = [each for each in group.members if each is not stopped]
    before = {each.name: resident(each) for each in alive}
    held, grown = dict.fromkeys(before, 0.0), dict.fromkeys(before, 0.0)
    end = time.monotonic() + seconds
    while time.monotonic() < end and writers.poll() is None:
        for each in alive:
            held[each.name] = max(held[each.name], log_bytes(metrics(each)))
            grown[each.name] = max(grown[each.name], resident(each) - before[each.name])
        time.sleep(0.2)
    return held, grown


def play(binaries, root, budget_mib, given):
    settings = {"journal.memory_mib": budget_mib}
    if budget_mib == UNBOUNDED_MIB:
        settings["journal.backlog_mib"] = UNBOUNDED_MIB
    group = FrontEnds(binaries, root, settings)
    group.start()
    stopped = None
    try:
        command = [group.load, *group.addresses(), "--writers", str(given.writers), "--drop", "1",
                   "--warm-up", str(WARM_UP_S), "--seconds", str(given.seconds)]
        leader = group.leader()
        stopped = next(each for each in group.members if each is not leader)
        writers = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        time.sleep(WARM_UP_S)
        stopped.process.send_signal(signal.SIGSTOP)
        held, grown = watch(group, writers, stopped, given.seconds)
        report = json.loads(writers.communicate(timeout=60)[0])
        stopped.process.send_signal(signal.SIGCONT)
        return {"held_mib": {name: round(value / 2**20, 2) for name, value in held.items()},
                "grown_mib": {name: round(value / 2**20, 1) for name, value in grown.items()},
                "per_second": round(report["per_s"])}
    finally:
        if stopped and stopped.process:
            stopped.process.send_signal(signal.SIGCONT)
        group.stop()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--budget-mib", type=int, default=16)
    options.add_argument("--writers", type=int, default=256)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="tabletd-memory-") as root:
        root = pathlib.Path(root)
        bounded = play(given.binaries.resolve(), root / "bounded", given.budget_mib, given)
        free = play(given.binaries.resolve(), root / "free", UNBOUNDED_MIB, given)
    line = {"bench": "memory", "case": f"{given.writers} writers, one follower stopped, {given.budget_mib} MiB",
            "ours": bounded, "peer": free, "peer_name": "no bounds", "unit": "MiB and statements/s",
            "held_to_budget": round(max(bounded["held_mib"].values()) / given.budget_mib, 3),
            "grown_to_budget": round(max(bounded["grown_mib"].values()) / given.budget_mib, 3),
            "ratio": round(bounded["per_second"] / free["per_second"], 3)}
    print(json.dumps(line), flush=True)
    missed = [text for text, is_missed in (
        (f"the log or the process grew by more than {GROWTH_GOAL} of the budget",
         max(line["held_to_budget"], line["grown_to_budget"]) > GROWTH_GOAL),
        (f"throughput is below {RATE_GOAL} of the run without bounds", line["ratio"] < RATE_GOAL)) if is_missed]
    if missed:
        raise SystemExit("; ".join(missed))


main()
