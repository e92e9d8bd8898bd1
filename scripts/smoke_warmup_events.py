#!/usr/bin/env python3
"""Caches that follow what happens: three front ends, the cluster east that has a cooled table, the cluster west that has none
of it.

    smoke_warmup_events.py BINARIES [--rows 1000]

A job that follows loads brings west whatever east publishes, also after the front end that leads was killed, and then what
is there already is not fetched again.  A backend of west that comes back without its cache gets what is read in west, without
being asked for.  A job that follows queries brings west what is read in east.  A periodic job goes on after a round that
fails.  Each time an export that reads through west must not ask the store for anything, which is counted at the store."""
import argparse
import json
import pathlib
import random
import re
import shutil
import signal
import tempfile
import time
import urllib.request

from cooling import PATIENCE_S, S3, Backends, Cluster, tell
from groups import FrontEnds, wait_for

EAST, WEST = 2, 2
PARTS = ("p0", "p1", "p2")


class Story(Cluster):
    def __init__(self, binaries, root, store, rows):
        front = FrontEnds(binaries, root, {"membership.heartbeat_interval_ms": 200, "membership.heartbeats_missed_max": 5,
                                           "warmup.rest_ms": 1000})
        back = Backends(binaries, root, EAST + WEST, {"cooldown.work_interval_ms": 100, "cooldown.report_interval_ms": 500,
                                                      "cache.capacity_bytes": 1 << 30})
        super().__init__(binaries, root, store, front, back)
        self.rows, self.total, self.began = rows, {"orders": 0, "fresh": 0}, time.monotonic()

    def cluster_of(self, member):
        return "east" if member in self.back.members[:EAST] else "west"

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def load(self, part, table="orders"):
        dice, data = random.Random(self.total[table]), self.root / "rows.tsv"
        with open(data, "w") as out:
            for row in range(self.rows):
                out.write(f"{part}-{self.total[table] + row}\t{dice.getrandbits(2000):x}\n")
        self.total[table] += self.rows
        self.again(f"LOAD FILE '{data}' INTO shop.{table} PARTITION ({part}) LABEL 'l{self.total[table]}'")
        wait_for("everything is cold", self.is_cold, PATIENCE_S, 0.2)

    def set_up(self):
        self.start()
        self.again("CREATE DATABASE shop")
        self.again(f"CREATE RESOURCE cold PROPERTIES ({self.store.properties('first')})")
        self.again('CREATE STORAGE POLICY soon PROPERTIES ("storage_resource" = "cold", "cooldown_ttl" = "1")')
        for table in ("orders", "fresh"):
            self.again(f"CREATE TABLE shop.{table} (KEY 1) PARTITION ({', '.join(PARTS)}) BUCKETS 2 PROPERTIES "
                       '("replication_num" = "1", "cluster" = "east", "storage_policy" = "soon")')
        for part in PARTS:
            self.load(part)

    def export(self, cluster, table="orders"):
        """Reads at the store."""
        out, before = self.root / "out.tsv", self.store.reads()
        self.sql(f"EXPORT TABLE shop.{table} TO '{out}' USING CLUSTER {cluster}")
        with open(out, "rb") as exported:
            rows = sum(1 for _ in exported)
        out.unlink()
        if rows != self.total[table]:
            raise SystemExit(f"the export through {cluster} has {rows} rows instead of {self.total[table]}")
        return self.store.reads() - before

    def must_be_warm(self, when, table="orders"):
        reads = self.export("west", table)
        if reads:
            raise SystemExit(f"{when}: west asked the store {reads} times")
        self.say(f"{when}: an export through west asks the store for nothing")

    def pushed_bytes(self):
        page = urllib.request.urlopen(f"http://{self.front.leader().http}/metrics").read().decode()
        found = re.search(r"^tabletd_warmup_pushed_bytes_total (\d+)", page, re.MULTILINE)
        return int(found[1]) if found else 0

    def until_pushed(self, act):
        """Pushed is counted when it is there."""
        before = self.pushed_bytes()
        act()
        wait_for("something was pushed", lambda: self.pushed_bytes() > before, PATIENCE_S, 0.2)
        self.until_still(self.pushed_bytes)

    @staticmethod
    def until_still(number, seconds=3):
        last, since = number(), time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(0.2)
            if (now := number()) != last:
                last, since = now, time.monotonic()

    def empty_cache(self, member):
        member.stop()
        for cache in [path for path in pathlib.Path(member.directory).rglob("cache") if path.is_dir()]:
            shutil.rmtree(cache)

    def warm_up(self, what, **properties):
        words = ", ".join(f'"{key}" = "{value}"' for key, value in properties.items())
        return int(self.sql(f"WARM UP CLUSTER west WITH {what} PROPERTIES ({words})")[0]["JobId"])

    def follow_loads(self):
        self.until_pushed(lambda: self.warm_up("CLUSTER east", sync_mode="event_driven", sync_event="load"))
        self.must_be_warm("a job that follows loads has begun")
        self.until_pushed(lambda: self.load("p0"))
        self.must_be_warm("a later load is cold")
        leader, before = self.front.leader(), self.store.reads()
        leader.stop(signal.SIGKILL)
        leader.start()
        wait_for("there is a leader again", self.front.leader)
        wait_for("the new leader pushes", lambda: self.pushed_bytes() > 0, PATIENCE_S, 0.2)
        self.until_still(self.pushed_bytes)
        if reads := self.store.reads() - before:
            raise SystemExit(f"a new leader had {reads} objects fetched that were there")
        self.say(f"killed {leader.name}: the new leader has everything pushed again, and nothing is fetched")
        self.until_pushed(lambda: self.load("p1"))
        self.must_be_warm("a load under the new leader is cold")
        self.again(f"CANCEL WARM UP JOB WHERE ID = {self.sql('SHOW WARM UP JOB')[0]['JobId']}")

    def join(self):
        time.sleep(11)  # The leader asks every 10 s what is hot.
        for member in self.back.members[EAST:]:
            self.empty_cache(member)
            self.until_pushed(member.start)
            self.must_be_warm(f"{member.name} came back without its cache")

    def follow_queries(self):
        self.warm_up("CLUSTER east", sync_mode="event_driven", sync_event="query")
        for part in PARTS:
            self.load(part, "fresh")
        self.until_pushed(lambda: self.export("east", "fresh"))
        self.must_be_warm("a table that was read in east only", "fresh")
        self.again(f"CANCEL WARM UP JOB WHERE ID = {self.sql('SHOW WARM UP JOB')[0]['JobId']}")

    def periodic(self):
        number = self.warm_up("TABLE shop.orders", sync_mode="periodic", sync_interval_sec=2, on_error="cancel")
        row = lambda: self.sql(f"SHOW WARM UP JOB WHERE ID = {number}")[0]
        wait_for("a round is over", lambda: row()["FinishTime"], PATIENCE_S, 0.2)
        first = row()["StartTime"]
        wait_for("another one has begun", lambda: row()["StartTime"] != first, PATIENCE_S, 0.2)
        if row()["Status"] not in ("PENDING", "RUNNING"):
            raise SystemExit(f"a periodic job is over: {json.dumps(row())}")
        self.say("a periodic job goes on from round to round")
        self.again(f"CANCEL WARM UP JOB WHERE ID = {number}")

    def run(self):
        self.set_up()
        self.follow_loads()
        self.join()
        self.follow_queries()
        self.periodic()
        print(json.dumps({"smoke": "warmup_events", "rows": sum(self.total.values()), "pushed_bytes": self.pushed_bytes()}), flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--rows", type=int, default=1000)
    given = options.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="tabletd-smoke-"))
    binaries = given.binaries.resolve()
    story = Story(binaries, root, S3(binaries), given.rows)
    tell(story, story.run)


if __name__ == "__main__":
    main()
