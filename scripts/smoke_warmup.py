#!/usr/bin/env python3
"""Caches are filled while things die: three front ends, the cluster east that has a cooled table of uneven tablets, and the
cluster west that has none of it.

    smoke_warmup.py BINARIES [--store file|s3] [--mib 1024]

WARM UP CLUSTER west WITH TABLE; in the middle the front end that leads and a backend of west are killed and come back.  Once
the job is FINISHED an export that reads through west, equal to what was loaded, must not ask the store for anything, which is
counted at the store; VERIFY WARM UP JOB re-reads every cached byte.  The same export through west without its
caches shows that the count counts.  Then west, empty again, is warmed with what east has read.  What follows events is told by smoke_warmup_events.py."""
import argparse
import hashlib
import json
import pathlib
import random
import re
import signal
import tempfile
import time

from cooling import PATIENCE_S, S3, Backends, Cluster, Directory, tell
from groups import FrontEnds, wait_for

EAST, WEST = 2, 3
WEIGHTS = (16, 8, 4, 2, 1, 1)  # Of the partitions, so that backends of west get unequal shares.
BUCKETS = 2
BANDWIDTH_MB_S = 30  # Of a backend that warms 1 GiB: slow enough to be killed in the middle.
BATCHES = 20
REST_MS = 3_000  # Before a backend that did not answer is asked again.
LEASE_MS = 2_000  # Of an uploader.


class Story(Cluster):
    def __init__(self, binaries, root, store, mib):
        front = FrontEnds(binaries, root, {"membership.heartbeat_interval_ms": 200, "membership.heartbeats_missed_max": 5,
                                           "warmup.batch_bytes": (mib << 20) // BATCHES, "warmup.rest_ms": REST_MS, "warmup.on_join": False, "cooldown.lease_ms": LEASE_MS})
        back = Backends(binaries, root, EAST + WEST,
                        {"cooldown.work_interval_ms": 200, "cooldown.report_interval_ms": 500, "cache.capacity_bytes": 4 * mib << 20,
                         "warmup.bytes_per_s": max(BANDWIDTH_MB_S * mib // 1024, 2) * 1_000_000})
        super().__init__(binaries, root, store, front, back)
        self.mib, self.began = mib, time.monotonic()
        self.digest = []

    def cluster_of(self, member):
        return "east" if member in self.back.members[:EAST] else "west"

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def load(self):
        dice, data = random.Random(7), self.root / "rows.tsv"
        for number, weight in enumerate(WEIGHTS):
            digest = []
            with open(data, "wb") as out:
                for row in range(self.mib * 2**20 * weight // sum(WEIGHTS) // 1000):
                    line = f"{number}-{row}\t{dice.getrandbits(3944):x}\n".encode()
                    digest.append(hashlib.sha256(line).digest())
                    out.write(line)
            self.digest += digest
            self.again(f"LOAD FILE '{data}' INTO shop.orders PARTITION (p{number}) LABEL 'l{number}'")
        data.unlink()

    def set_up(self):
        self.start()
        self.again("CREATE DATABASE shop")
        self.again(f"CREATE RESOURCE cold PROPERTIES ({self.store.properties('first')})")
        self.again('CREATE STORAGE POLICY soon PROPERTIES ("storage_resource" = "cold", "cooldown_ttl" = "1")')
        parts = ", ".join(f"p{number}" for number in range(len(WEIGHTS)))
        self.again(f'CREATE TABLE shop.orders (KEY 1) PARTITION ({parts}) BUCKETS {BUCKETS} PROPERTIES '
                   '("replication_num" = "1", "cluster" = "east", "storage_policy" = "soon")')
        self.load()
        wait_for("everything is cold", self.is_cold, PATIENCE_S, 0.5)
        self.say(f"{self.mib} MiB in {len(WEIGHTS) * BUCKETS} uneven tablets of east are cold, no backend has a segment file")

    def job(self, number):
        return self.sql(f"SHOW WARM UP JOB WHERE ID = {number}")[0]

    def percent(self, number):
        return float(str(self.job(number)["Percent"]).rstrip(" %"))

    def warm(self):
        number = int(self.sql("WARM UP CLUSTER west WITH TABLE shop.orders")[0]["JobId"])
        wait_for("a fifth is warm", lambda: self.percent(number) >= 20, PATIENCE_S, 0.05)
        before = self.percent(number)
        victim = self.back.members[-1]
        victim.stop(signal.SIGKILL)
        leader = self.front.leader()
        leader.stop(signal.SIGKILL)
        self.say(f"{before:.0f} % warm: killed {victim.name}, which was warming, and {leader.name}, which was leading")
        victim.start()
        leader.start()
        wait_for("there is a leader again", self.front.leader)
        self.say(f"a new leader goes on; by the log {self.percent(number):.0f} % are warm")
        wait_for("the job is over", lambda: self.job(number)["Status"] in ("FINISHED", "CANCELLED"), PATIENCE_S, 0.2)
        job = self.job(number)
        if job["Status"] != "FINISHED" or int(job["FailedTablets"]) != 0 or job["ErrMsg"]:
            raise SystemExit(f"the job did not warm everything: {json.dumps(job)}")
        self.say(f"the job is FINISHED: {job['Progress']}")
        return number

    def verify(self, number):
        rows = self.sql(f"VERIFY WARM UP JOB {number}")
        total = rows[-1]
        self.say(f"verified: {total['Warm']} of {total['Bytes']} bytes are there, {total['Share']} %")
        if float(re.sub("[ %]", "", str(total["Share"]))) != 100:
            raise SystemExit(f"not everything is there: {json.dumps(rows)}")

    def export(self):
        """(seconds, reads at the store)"""
        out, before, began = self.root / "out.tsv", self.store.reads(), time.monotonic()
        self.sql(f"EXPORT TABLE shop.orders TO '{out}' USING CLUSTER west")
        took, reads = time.monotonic() - began, self.store.reads() - before
        expected = hashlib.sha256(b"".join(sorted(self.digest))).hexdigest()
        with open(out, "rb") as rows:
            got = hashlib.sha256(b"".join(sorted(hashlib.sha256(line).digest() for line in rows))).hexdigest()
        if got != expected:
            raise SystemExit(f"the export through west differs: {got} instead of {expected}")
        out.unlink()
        return took, reads

    def run(self):
        self.set_up()
        number = self.warm()
        self.verify(number)
        took, reads = self.export()
        self.say(f"exported through west in {took:.1f} s, equal by SHA-256 ({len(self.digest)} rows), {reads} reads of the store")
        if reads:
            raise SystemExit(f"the warmed cluster asked the store {reads} times")
        self.forget_caches(self.west())
        cold_s, cold_reads = self.export()
        self.say(f"without its caches: {cold_s:.1f} s, {cold_reads} reads of the store")
        if not cold_reads:
            raise SystemExit("a cold cluster did not ask the store: the count does not count")
        self.follow_heat()
        print(json.dumps({"smoke": "warmup", "store": type(self.store).__name__, "mib": self.mib, "reads_when_warm": reads,
                          "reads_when_cold": cold_reads, "warm_s": round(took, 2), "cold_s": round(cold_s, 2)}), flush=True)

    def west(self):
        return self.back.members[EAST:]

    def expect_warm(self, why):
        took, reads = self.export()
        if reads:
            raise SystemExit(f"{why}: the store was asked {reads} times")
        self.say(f"{why}: exported through west in {took:.1f} s without asking the store")

    def follow_heat(self):
        """A job about a cluster warms what that one has read."""
        self.forget_caches(self.west())
        self.sql(f"EXPORT TABLE shop.orders TO '{self.root / 'out.tsv'}' USING CLUSTER east")
        number = int(self.again_rows("WARM UP CLUSTER west WITH CLUSTER east")[0]["JobId"])
        wait_for("the job is over", lambda: self.job(number)["Status"] == "FINISHED", PATIENCE_S, 0.2)
        self.verify(number)
        self.expect_warm("after WARM UP CLUSTER west WITH CLUSTER east")

    def again_rows(self, statement):
        return wait_for(statement, lambda: self.sql(statement), PATIENCE_S, 0.2)

    def tell_what_is(self):
        for statement in ("SHOW WARM UP JOB", "SHOW BACKENDS", "SHOW PROC '/cooldown'"):
            for row in self.sql(statement):
                print(json.dumps(row), flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--store", choices=("file", "s3"), default="file")
    options.add_argument("--mib", type=int, default=1024)
    given = options.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="tabletd-smoke-"))
    binaries = given.binaries.resolve()
    story = Story(binaries, root, S3(binaries) if given.store == "s3" else Directory(root), given.mib)
    tell(story, story.run)


if __name__ == "__main__":
    main()
