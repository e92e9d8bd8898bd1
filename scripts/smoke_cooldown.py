#!/usr/bin/env python3
"""Data cools while everything dies: three front ends, four backends, and as the remote store a shared directory or an S3
store that verifies signatures.

    smoke_cooldown.py BINARIES [--store file|s3] [--mib 200] [--lease-ms 6000]

Loads a table under a storage policy and, while its rowsets are being uploaded, kills a backend that uploads and the front end
that leads, has the S3 store answer 503 and hang up, and stops an uploader until others have its office.  In the end the
store holds every row once, no backend has a segment file left, every tablet has one list in the store, and an export equals what was loaded.
Then the policy names another store, the table is recalled, cools again and is dropped: each time nothing stays behind."""
import argparse
import hashlib
import json
import pathlib
import random
import signal
import tempfile
import time

from cooling import PATIENCE_S, S3, Backends, Cluster, Directory, tell
from groups import FrontEnds, wait_for

STORED_GOAL = 1.02
LOADS = 12


class Story(Cluster):
    def __init__(self, binaries, root, store, lease_ms):
        front = FrontEnds(binaries, root, {"membership.heartbeat_interval_ms": 200, "membership.heartbeats_missed_max": 5,
                                           "cooldown.lease_ms": lease_ms})
        back = Backends(binaries, root, 4, {"cooldown.work_interval_ms": 200, "cooldown.report_interval_ms": 500})
        super().__init__(binaries, root, store, front, back)
        self.began = time.monotonic()
        self.dice, self.digest, self.logical, self.loads, self.rows_per_load = random.Random(7), [], 0, 0, 0

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def offices(self):
        """(tablet, the replica that uploads it)."""
        return {(str(row["TabletId"]), str(row["Uploader"])) for row in self.cooldown()}

    def backend_of(self, tablet, replica):
        page = self.sql(f"SHOW TABLET {tablet}")[0]["DetailCmd"].split("'")[1]
        backends = {row["BackendId"]: row for row in self.sql("SHOW BACKENDS")}
        for one in self.sql(f"SHOW PROC '{page}'"):
            if str(one["ReplicaId"]) == replica:
                port = backends[one["BackendId"]]["BePort"]
                return next(m for m in self.back.members if m.address.endswith(f":{port}"))
        return None

    def uploader(self):
        """A backend that uploads right now, or is about to."""
        for row in self.cooldown():
            if row["Phase"] in ("uploading", "waiting") and (found := self.backend_of(str(row["TabletId"]), str(row["Uploader"]))):
                return found
        return None

    def load(self, count):
        for _ in range(count):
            number = self.loads
            lines = [f"{number}-{row}\t{self.dice.getrandbits(350):x}\n" for row in range(self.rows_per_load)]
            data = self.root / "rows.tsv"
            data.write_text("".join(lines))
            self.logical += data.stat().st_size
            self.digest.extend(hashlib.sha256(line.encode()).digest() for line in lines)
            self.again(f"LOAD FILE '{data}' INTO shop.orders LABEL 'l{number}'")
            self.loads += 1

    def set_up(self):
        self.start()
        self.again("CREATE DATABASE shop")
        self.again(f"CREATE RESOURCE cold PROPERTIES ({self.store.properties('first')})")
        self.again('CREATE STORAGE POLICY soon PROPERTIES ("storage_resource" = "cold", "cooldown_ttl" = "1")')
        self.again('CREATE TABLE shop.orders (KEY 1) BUCKETS 8 PROPERTIES ("replication_num" = "3", "storage_policy" = "soon")')
        self.say("three front ends, four backends, a table under a policy")

    def kill_uploader_and_leader(self):
        wait_for("something is in the store", lambda: self.objects("first"), PATIENCE_S, 0.01)
        victim = wait_for("somebody uploads", self.uploader, PATIENCE_S, 0.02)
        victim.stop(signal.SIGKILL)
        self.store.trouble()
        self.say(f"killed {victim.name}, which was uploading ({len(self.objects('first'))} objects there)")
        leader = self.front.leader()
        leader.stop(signal.SIGKILL)
        self.say(f"killed {leader.name}, which was leading")
        victim.start()
        leader.start()
        wait_for("there is a leader again", self.front.leader)

    def stop_uploader_past_its_lease(self):
        """It wakes up when others have its office, in the middle of whatever it was doing."""
        frozen = wait_for("somebody uploads", self.uploader, PATIENCE_S, 0.02)
        frozen.process.send_signal(signal.SIGSTOP)
        held = {(tablet, who) for tablet, who in self.offices() if self.backend_of(tablet, who) is frozen}
        if not held:
            raise SystemExit(f"{frozen.name} uploaded nothing")
        self.say(f"{frozen.name} stands still, which uploaded {len(held)} tablets")
        wait_for("others have its office", lambda: not held & self.offices(), PATIENCE_S, 0.2)
        frozen.process.send_signal(signal.SIGCONT)
        self.say(f"others upload them, and {frozen.name} goes on")

    def is_clean(self, place):
        """What nobody names any more is deleted: of each tablet only the list that counts is left."""
        tablets = [key.split("/")[-2] for key in self.objects(place) if key.endswith(".meta")]
        return len(tablets) == len(set(tablets)) == len(self.cooldown())

    def run(self, mib):
        self.rows_per_load = mib * 1024 * 1024 // LOADS // 97
        self.set_up()
        self.load(LOADS // 2)
        self.kill_uploader_and_leader()
        self.load(LOADS // 4)
        self.store.trouble()
        self.load(LOADS - self.loads)
        self.stop_uploader_past_its_lease()
        wait_for("everything is cold and no backend has a segment file", self.is_cold, PATIENCE_S, 0.5)
        self.say("every tablet is cold on every replica")
        wait_for("one list a tablet is left in the store", lambda: self.is_clean("first"), PATIENCE_S, 0.5)
        self.check_stored("first")
        self.check_rows("from the store")
        self.move()
        self.recall()
        self.drop()

    def move(self):
        """The policy names another store."""
        self.again(f"CREATE RESOURCE colder PROPERTIES ({self.store.properties('second')})")
        self.again('ALTER STORAGE POLICY soon PROPERTIES ("storage_resource" = "colder")')
        wait_for("everything is in the other store", lambda: not self.objects("first") and self.is_clean("second"), PATIENCE_S, 0.5)
        self.say("the policy names another store: everything is there, nothing is left in the first one")
        self.check_stored("second")
        self.check_rows("from the other store")
        self.again("DROP RESOURCE cold")

    def recall(self):
        self.again('ALTER TABLE shop.orders SET ("storage_policy" = "")')
        self.again("RECALL TABLE shop.orders")
        wait_for("everything is home", lambda: self.segments() and not self.objects("second"), PATIENCE_S, 0.5)
        self.say(f"recalled: {len(self.segments())} segment files are on the backends, nothing is in the store")
        self.check_rows("from the disks")

    def drop(self):
        """What a dropped table had in the store goes as well."""
        self.again('ALTER TABLE shop.orders SET ("storage_policy" = "soon")')
        wait_for("everything is cold again", self.is_cold, PATIENCE_S, 0.5)
        self.again("DROP TABLE shop.orders")
        wait_for("the store is empty", lambda: not self.objects("second"), PATIENCE_S, 0.5)
        self.say("cold again, and dropped: nothing is in the store")

    def tell_what_is(self):
        for row in self.cooldown():
            print(json.dumps(row), flush=True)
        for path in self.segments():
            print(f"  {path.relative_to(self.root)}", flush=True)

    def check_stored(self, place):
        stored = sum(self.objects(place).values())
        print(json.dumps({"smoke": "cooldown", "store": type(self.store).__name__, "logical_bytes": self.logical, "stored_bytes": stored,
                          "stored_over_logical": round(stored / self.logical, 4), "goal": STORED_GOAL}), flush=True)
        if stored > STORED_GOAL * self.logical:
            raise SystemExit(f"the store holds {stored / self.logical:.3f} of the logical bytes, the goal is {STORED_GOAL}")

    def check_rows(self, wherefrom):
        out = self.root / "out.tsv"
        self.sql(f"EXPORT TABLE shop.orders TO '{out}'")
        expected = hashlib.sha256(b"".join(sorted(self.digest))).hexdigest()
        with open(out, "rb") as rows:
            got = hashlib.sha256(b"".join(sorted(hashlib.sha256(line).digest() for line in rows))).hexdigest()
        if got != expected:
            raise SystemExit(f"the export {wherefrom} differs: {got} instead of {expected}")
        out.unlink()
        self.say(f"exported {wherefrom}: equal by SHA-256 ({len(self.digest)} rows)")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--store", choices=("file", "s3"), default="file")
    options.add_argument("--mib", type=int, default=200)
    options.add_argument("--lease-ms", type=int, default=6_000)
    given = options.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="tabletd-smoke-"))
    binaries = given.binaries.resolve()
    story = Story(binaries, root, S3(binaries) if given.store == "s3" else Directory(root), given.lease_ms)
    tell(story, lambda: story.run(given.mib))


if __name__ == "__main__":
    main()
