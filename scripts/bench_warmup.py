#!/usr/bin/env python3
"""How much of the time a warm-up takes is not the network's, and what it saves to wait for nobody.

    bench_warmup.py BINARIES [--unit-mb 8] [--rate-mb-s 30] [--rounds 5]

One front end; the cluster east has a cooled table in an S3 store, the two backends of west warm it, each with so many
bytes a second.  The tablets of west's first backend are 10, 1, 10, 1 units large, those of the second 1, 10, 1, 10, and
each is a batch.  Ours is one job: every backend goes on with its next batch by itself, and the least it can take is what the
backend with the most bytes needs at that rate.  The reference sends batch k+1 when batch k is done everywhere: the
same backends, store and rate, with one job for each k, of which only the time from begin to end counts.  Then a scan through
west, cold and warm."""
import argparse
import datetime
import json
import pathlib
import random
import statistics
import tempfile
import time

from cooling import PATIENCE_S, S3, Backends, Cluster
from groups import FrontEnds, wait_for

SHARES = ((10, 1, 10, 1), (1, 10, 1, 10))
GOAL_OVER_BOUND = 1.05
GOAL_OVER_BARRIER = 1.3
ROW_BYTES = 1000
BURST_BYTES = 4 << 20  # What the limit lets pass at once after a rest (persistence/cache/token_bucket.h).


class Measurement(Cluster):
    def __init__(self, binaries, root, store, given):
        front = FrontEnds(binaries, root, {"warmup.batch_bytes": 1, "warmup.on_join": False}, count=1)
        back = Backends(binaries, root, 1 + len(SHARES),
                        {"cooldown.work_interval_ms": 100, "cooldown.report_interval_ms": 500, "cache.capacity_bytes": 8 << 30,
                         "warmup.bytes_per_s": given.rate_mb_s * 1_000_000})
        super().__init__(binaries, root, store, front, back)
        self.given = given

    def cluster_of(self, member):
        return "east" if member is self.back.members[0] else "west"

    def addresses(self):
        return [self.front.members[0].address]  # Who leads need not be asked.

    def warmed_by(self, partition):
        """Which backend of west warms a partition of one tablet."""
        rows = self.sql(f"WARM UP CLUSTER west WITH TABLE shop.orders PARTITION {partition} DRY RUN")
        return next(str(row["BackendId"]) for row in rows if str(row["BackendId"]).isdigit() and int(row["Tablets"]) > 0)

    def load(self, partition, units):
        dice, data = random.Random(7), self.root / "rows.tsv"
        with open(data, "w") as out:
            for row in range(max(1, int(units * self.given.unit_mb * 1e6) // ROW_BYTES)):
                out.write(f"{partition}-{row}\t{dice.getrandbits(3944):x}\n")
        self.sql(f"LOAD FILE '{data}' INTO shop.orders PARTITION ({partition})")
        data.unlink()

    def set_up(self):
        """Who warms a tablet is the product's choice, so more partitions than needed are made, and those that fall right are filled."""
        self.start()
        self.sql("CREATE DATABASE shop")
        self.sql(f"CREATE RESOURCE cold PROPERTIES ({self.store.properties('cold')})")
        self.sql('CREATE STORAGE POLICY soon PROPERTIES ("storage_resource" = "cold", "cooldown_ttl" = "1")')
        names = [f"p{number}" for number in range(8 * len(SHARES[0]))]
        self.again(f"CREATE TABLE shop.orders (KEY 1) PARTITION ({', '.join(names)}) BUCKETS 1 PROPERTIES "
                   '("replication_num" = "1", "cluster" = "east", "storage_policy" = "soon")')
        for name in names:
            self.load(name, 0)
        wait_for("everything is cold", self.is_cold, PATIENCE_S, 0.2)
        homes = {}
        for name in names:
            homes.setdefault(self.warmed_by(name), []).append(name)
        self.lanes = list(zip((names[:len(SHARES[0])] for names in homes.values()), SHARES))
        if len(self.lanes) != len(SHARES) or any(len(names) < len(shares) for names, shares in self.lanes):
            raise SystemExit(f"the tablets fell too unevenly: {homes}")
        for names, shares in self.lanes:
            for name, units in zip(names, shares):
                self.load(name, units)
        wait_for("everything is cold", self.is_cold, PATIENCE_S, 0.2)

    def job(self, tables):
        """Seconds from its begin to its end, by the log."""
        number = self.sql("WARM UP CLUSTER west WITH " + " AND ".join(f"TABLE shop.orders PARTITION {name}" for name in tables))[0]["JobId"]
        row = wait_for("the job is over", lambda: (row := self.sql(f"SHOW WARM UP JOB WHERE ID = {number}")[0])["Status"]
                       in ("FINISHED", "CANCELLED") and row, PATIENCE_S, 0.05)
        if row["Status"] != "FINISHED":
            raise SystemExit(f"the job did not finish: {json.dumps(row)}")
        return self.seconds(row["FinishTime"]) - self.seconds(row["StartTime"]), row

    @staticmethod
    def seconds(text):
        return datetime.datetime.fromisoformat(str(text)).timestamp()

    def bound_s(self):
        rows = [row for row in self.sql("WARM UP CLUSTER west WITH " + " AND ".join(
            f"TABLE shop.orders PARTITION {name}" for names, _ in self.lanes for name in names) + " DRY RUN")
            if str(row["BackendId"]).isdigit()]
        return (max(int(row["Bytes"]) for row in rows) - BURST_BYTES) / (self.given.rate_mb_s * 1e6)

    def scan(self):
        out, began = self.root / "out.tsv", time.monotonic()
        self.sql(f"EXPORT TABLE shop.orders TO '{out}' USING CLUSTER west")
        took = time.monotonic() - began
        out.unlink()
        return took

    def run(self):
        self.set_up()
        names = [name for lane, _ in self.lanes for name in lane]
        bound, rounds = self.bound_s(), []
        for _ in range(self.given.rounds):
            self.forget_caches(self.back.members[1:])
            barrier = sum(self.job([lane[k] for lane, _ in self.lanes])[0] for k in range(len(SHARES[0])))
            self.forget_caches(self.back.members[1:])
            cold = self.scan()
            self.forget_caches(self.back.members[1:])
            ours = self.job(names)[0]
            rounds.append((ours, barrier, cold, self.scan()))
        ours, barrier, cold, warm = (statistics.median(each[which] for each in rounds) for which in range(4))
        lines = [{"case": "makespan over the lower bound", "ours": round(ours, 3), "peer": round(bound, 3), "peer_name": "bytes / bandwidth",
                  "unit": "s", "ratio": round(ours / bound, 3), "goal_at_most": GOAL_OVER_BOUND, "missed": ours > GOAL_OVER_BOUND * bound},
                 {"case": "makespan, uneven batches", "ours": round(ours, 3), "peer": round(barrier, 3), "peer_name": "a barrier after each batch",
                  "unit": "s", "ratio": round(barrier / ours, 3), "goal": GOAL_OVER_BARRIER, "missed": barrier < GOAL_OVER_BARRIER * ours},
                 {"case": "scan", "ours": round(warm, 3), "peer": round(cold, 3), "peer_name": "the same, cold", "unit": "s",
                  "ratio": round(cold / warm, 3)}]
        missed = [line["case"] for line in lines if line.pop("missed", False)]
        for line in lines:
            print(json.dumps({"bench": "warmup"} | line), flush=True)
        if missed:
            raise SystemExit("goals missed: " + "; ".join(missed))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--unit-mb", type=float, default=8)
    options.add_argument("--rate-mb-s", type=int, default=30)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    binaries = given.binaries.resolve()
    with tempfile.TemporaryDirectory(prefix="tabletd-warmup-") as root:
        measurement = Measurement(binaries, pathlib.Path(root), S3(binaries), given)
        try:
            measurement.run()
        finally:
            measurement.stop()


if __name__ == "__main__":
    main()
