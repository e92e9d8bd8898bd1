#!/usr/bin/env python3
"""How fast data goes to the remote store and comes back, and what memory that takes.

    bench_cooldown.py BINARIES [--store file|s3] [--mib 1024] [--rounds 5]

One front end, one backend.  When uploaders are in office one clock runs from ADMIN COOLDOWN TABLE until no local segment is
left: checksums compared before anything leaves, durable at the store, published in the log.  Another runs from RECALL
TABLE until every row is on the local disk again, durable, and the leader knows.  The peer copies the same
files, to the same store and back, in the same round: `aws s3 cp --recursive` with its defaults, or `cp -r` and fsync of
every file.  Medians of the rounds; memory is what the backend's process grew by at most."""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile
import time

from cooling import PATIENCE_S, S3, Backends, Cluster, Directory
from groups import FrontEnds, wait_for

GOALS = {"aws s3 cp": 1.0, "cp + fsync": 0.8}
MEMORY_GOAL_MIB = 64
LOADS = 3  # Four would be merged in the store, which is another thing to measure.
POLL_S = 0.02
BUCKETS = 4
REPORT_S = 0.5


def synced(directory):
    for path in [*directory.rglob("*"), directory]:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


class Copier:
    """`cp`, to a directory beside the store's and back."""
    name = "cp + fsync"

    def __init__(self, root):
        self.there = root / "peer_store"

    def up(self, directory):
        subprocess.run(["cp", "-r", directory, self.there], check=True)
        synced(self.there)

    def down(self, directory):
        subprocess.run(["cp", "-r", self.there, directory], check=True)
        synced(directory)

    def clear(self):
        shutil.rmtree(self.there, ignore_errors=True)


class Aws:
    name = "aws s3 cp"

    def __init__(self, store):
        self.command = ["/usr/bin/aws", "--endpoint-url", store.endpoint, "--region", "us-east-1", "s3"]
        self.there = f"s3://{store.bucket}/peer/"

    def run(self, *words):
        subprocess.run([*self.command, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    def up(self, directory):
        self.run("cp", "--recursive", "--only-show-errors", directory, self.there)

    def down(self, directory):
        self.run("cp", "--recursive", "--only-show-errors", self.there, directory)

    def clear(self):
        self.run("rm", "--recursive", "--only-show-errors", self.there)


class Memory:
    """What a process grew by at most since this was made."""

    def __init__(self, process):
        self.status = pathlib.Path(f"/proc/{process.pid}/status")
        pathlib.Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # The high-water mark begins anew.
        self.before = self.read("VmRSS")

    def read(self, what):
        line = next(line for line in self.status.read_text().splitlines() if line.startswith(what + ":"))
        return int(line.split()[1]) / 1024

    def grown_mib(self):
        return self.read("VmHWM") - self.before


class Measurement(Cluster):
    def __init__(self, binaries, root, store, given):
        front = FrontEnds(binaries, root, count=1)
        back = Backends(binaries, root, 1, {"cooldown.work_interval_ms": 100, "cooldown.report_interval_ms": int(1000 * REPORT_S)})
        super().__init__(binaries, root, store, front, back)
        self.given = given

    def addresses(self):
        return [self.front.members[0].address]  # Who leads need not be asked.

    def load(self):
        self.sql("CREATE DATABASE shop")
        self.sql(f"CREATE RESOURCE cold PROPERTIES ({self.store.properties('cold')})")
        self.sql('CREATE STORAGE POLICY some_day PROPERTIES ("storage_resource" = "cold", "cooldown_ttl" = "36500d")')
        self.again(f'CREATE TABLE shop.orders (KEY 1) BUCKETS {BUCKETS} PROPERTIES ("replication_num" = "1")')
        dice, data = random.Random(7), self.root / "rows.tsv"
        for number in range(LOADS):
            with open(data, "w") as out:
                for row in range(self.given.mib * 2**20 // LOADS // 1000):
                    out.write(f"{number}-{row}\t{dice.getrandbits(3944):x}\n")
            self.sql(f"LOAD FILE '{data}' INTO shop.orders")
        data.unlink()

    def timed(self, todo):
        began = time.monotonic()
        todo()
        return time.monotonic() - began

    def restart(self):
        """What the allocator kept from earlier work would hide what this round needs."""
        backend, before = self.back.members[0], self.sql("SHOW BACKENDS")[0]["LastStartTime"]
        backend.stop()
        backend.start()
        wait_for("the backend is back", lambda: (row := self.sql("SHOW BACKENDS")[0])["Alive"] and row["LastStartTime"] != before)

    def appoint(self):
        """Somebody may upload each tablet; nothing is due."""
        self.sql('ALTER TABLE shop.orders SET ("storage_policy" = "some_day")')
        wait_for("uploaders", lambda: len(rows := self.cooldown()) == BUCKETS and all(row["Uploader"] for row in rows))
        time.sleep(2 * REPORT_S)  # A report, and with it the lease, goes out every so often.

    def cool(self):
        self.sql("ADMIN COOLDOWN TABLE shop.orders")
        wait_for("nothing is left here", lambda: not self.segments(), PATIENCE_S, POLL_S)

    def recall(self):
        self.sql("RECALL TABLE shop.orders")
        wait_for("everything is home", lambda: self.segments() and self.is_home(), PATIENCE_S, POLL_S)

    def is_home(self):
        return all(int(row["RemoteBytes"]) == 0 and int(row["Lag"]) == 0 for row in self.cooldown())

    def round(self, peer):
        """Seconds: ours up, the peer's up, ours back, the peer's back."""
        self.restart()
        files = self.segments()
        copy, back = self.root / "files", self.root / "back"
        copy.mkdir()
        for number, path in enumerate(files):
            os.link(path, copy / f"{number}.seg")
        peer_up = self.timed(lambda: peer.up(copy))
        peer_back = self.timed(lambda: peer.down(back))
        peer.clear()
        for each in (copy, back):
            shutil.rmtree(each)
        os.sync()
        memory = Memory(self.back.members[0].process)
        self.appoint()
        up = self.timed(self.cool)
        grown_up = memory.grown_mib()
        wait_for("everything is cold", self.is_cold, PATIENCE_S, POLL_S)
        self.sql('ALTER TABLE shop.orders SET ("storage_policy" = "")')
        memory = Memory(self.back.members[0].process)
        home = self.timed(self.recall)
        return {"up": (up, peer_up), "back": (home, peer_back), "grown": (grown_up, memory.grown_mib())}

    def run(self, peer):
        self.start()
        self.load()
        megabytes = sum(path.stat().st_size for path in self.segments()) / 1e6
        rounds = [self.round(peer) for _ in range(self.given.rounds)]
        missed = []
        for case, key in (("upload", "up"), ("read back", "back")):
            ours, theirs = (megabytes / statistics.median(each[key][who] for each in rounds) for who in (0, 1))
            line = {"bench": "cooldown", "case": f"{case}, {type(self.store).__name__}", "ours": round(ours, 1), "peer": round(theirs, 1),
                    "peer_name": peer.name, "unit": "MB/s", "ratio": round(ours / theirs, 3), "goal": GOALS[peer.name]}
            print(json.dumps(line), flush=True)
            missed += [f"{line['case']}: {line['ratio']}"] if line["ratio"] < line["goal"] else []
        up, home = (max(each["grown"][which] for each in rounds) for which in (0, 1))
        print(json.dumps({"bench": "cooldown", "case": f"memory of the backend, {type(self.store).__name__}", "ours": round(up, 1),
                          "read_back": round(home, 1), "unit": f"MiB above idle, {megabytes:.0f} MB moved", "goal": MEMORY_GOAL_MIB}), flush=True)
        missed += [f"memory: {max(up, home):.0f} MiB"] if max(up, home) > MEMORY_GOAL_MIB else []
        if missed:
            raise SystemExit("goals missed: " + "; ".join(missed))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--store", choices=("file", "s3"), default="file")
    options.add_argument("--mib", type=int, default=1024)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    binaries = given.binaries.resolve()
    with tempfile.TemporaryDirectory(prefix="tabletd-cooldown-") as root:
        root = pathlib.Path(root)
        store = S3(binaries) if given.store == "s3" else Directory(root)
        measurement = Measurement(binaries, root, store, given)
        try:
            measurement.run(Aws(store) if given.store == "s3" else Copier(root))
        finally:
            measurement.stop()


if __name__ == "__main__":
    main()
