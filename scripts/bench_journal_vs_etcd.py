#!/usr/bin/env python3
"""Three front ends against three members of etcd: the same writers, in a process of their own, one
round of each in turn on the same disk.

    bench_journal_vs_etcd.py BINARIES [--rounds 5] [--seconds 3]

Ours create databases through the console: a statement is parsed, checked against the catalog,
logged, replicated, folded and answered (names of 64 bytes, the longest there are, an entry of about 120
bytes).  etcd gets Puts with values of 200 bytes by unary gRPC (bench/etcd_load.cpp).  Both answer when a
majority has it on the disk, and both are asked at their leader.  One JSON line for each case."""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from groups import Etcd, FrontEnds

CLIENTS = (1, 64, 256)
WRITERS_PER_CONNECTION = 16


def measure(group, clients, seconds, prefix):
    connections = max(1, clients // WRITERS_PER_CONNECTION)
    before = group.cpu_s()
    done = subprocess.run([group.load, *group.addresses(), "--writers", str(clients), "--connections", str(connections),
                           "--bytes", "200", "--seconds", str(seconds), "--prefix", prefix],
                          capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    if report["refused"]:
        raise SystemExit(f"{group.name} turned writers away: {report['refused']}")
    report["server_cpu_us"] = (group.cpu_s() - before) * 1e6 / max(1, report["acknowledged"])
    return report


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3)
    given = options.parse_args()
    binaries = given.binaries.resolve()
    root = pathlib.Path(tempfile.mkdtemp(prefix="journal-vs-etcd-", dir=binaries.parent))
    groups = [FrontEnds(binaries, root / "fe"), Etcd(binaries, root / "etcd")]
    try:
        for group in groups:
            group.start()
        for clients in CLIENTS:
            reports = {group.name: [] for group in groups}
            for number in range(given.rounds):
                for group in groups if number % 2 == 0 else reversed(groups):
                    reports[group.name].append(measure(group, clients, given.seconds, f"c{clients}r{number}"))

            def median(group, field):
                return statistics.median(report[field] for report in reports[group.name])

            ours, peer = groups
            for field, unit, better in (("per_s", "writes/s", 1), ("p50_ms", "ms", -1), ("p99_ms", "ms", -1),
                                        ("server_cpu_us", "us of all three per write", -1)):
                mine, theirs = median(ours, field), median(peer, field)
                print(json.dumps({"bench": "journal", "case": f"3 members, {clients} clients, {field.removesuffix('_ms')}",
                                  "ours": round(mine, 3), "peer": round(theirs, 3), "peer_name": "etcd 3.4", "unit": unit,
                                  "ratio": round((mine / theirs) ** better, 3)}), flush=True)
    finally:
        for group in groups:
            group.stop()
    shutil.rmtree(root)


main()
