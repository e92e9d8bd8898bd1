#!/usr/bin/env python3
"""Data cools while everything dies: three front ends, four backends, one shared directory as the remote store.

    smoke_cooldown.py BINARIES [--mib 200]

Loads a table under a storage policy and, while its rowsets are being uploaded, kills a backend that uploads, kills the
leading front end, and stops a backend for longer than the uploader's lease.  In the end the store holds every row once, no
backend has a segment file left, nothing lies in the store that is not published, and an export equals what was loaded."""
import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

from groups import HOST, FrontEnds, Member, free_port, wait_for

LEASE_MS = 6_000
PATIENCE_S = 240
STORED_GOAL = 1.02


class Backends:
    def __init__(self, binaries, root, count):
        self.members = []
        for number in range(1, count + 1):
            name, address = f"be{number}", f"{HOST}:{free_port()}"
            config = {"node.name": name, "node.data_dir": str(root / name), "rpc.listen": address,
                      "http.listen": f"{HOST}:{free_port()}", "report.full_every_s": 2, "cooldown.work_interval_ms": 200,
                      "cooldown.report_interval_ms": 500}
            (root / f"{name}.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in config.items()))
            command = [binaries / "tabletd", "--role", "be", "--config", root / f"{name}.toml"]
            self.members.append(Member(name, command, address, root / name, root / f"{name}.log"))

    def start(self):
        for member in self.members:
            member.start()

    def stop(self):
        for member in self.members:
            member.stop(signal.SIGKILL)


class Story:
    def __init__(self, binaries, root):
        self.binaries, self.root = binaries, root
        self.front = FrontEnds(binaries, root, {"membership.heartbeat_interval_ms": 200, "membership.heartbeats_missed_max": 5})
        self.back = Backends(binaries, root, 4)
        self.store = root / "store"
        self.began = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def sql(self, statement, patience_s=PATIENCE_S):
        done = subprocess.run([self.binaries / "tabletctl", ",".join(self.front.addresses()), "--format", "json", "-e", statement],
                              capture_output=True, text=True, timeout=patience_s)
        if done.returncode != 0:
            raise ValueError(f"{statement}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip().startswith("[") else done.stdout

    def again(self, statement):
        """Until it is taken: the leader may just have been killed."""
        def taken():
            self.sql(statement)
            return True
        wait_for(statement, taken, PATIENCE_S, 0.2)

    def segments(self):
        """Local ones, of all backends."""
        return [path for member in self.back.members for path in pathlib.Path(member.directory).rglob("*.seg")]

    def cooldown(self):
        return self.sql("SHOW PROC '/cooldown'")

    def uploader(self):
        """A backend that has put something there and not everything."""
        backends = {row["BackendId"]: row for row in self.sql("SHOW BACKENDS")}
        for row in self.cooldown():
            if row["Phase"] != "cooled" and str(row["Uploader"]) not in ("", "0"):
                for replica in self.sql(f"SHOW TABLET {row['TabletId']}"):
                    break
                for one in self.sql(f"SHOW PROC '{self.replicas_of(row)}'"):
                    if str(one["ReplicaId"]) == str(row["Uploader"]):
                        port = backends[one["BackendId"]]["BePort"]
                        return next(m for m in self.back.members if m.address.endswith(f":{port}"))
        return None

    def replicas_of(self, row):
        return self.sql(f"SHOW TABLET {row['TabletId']}")[0]["DetailCmd"].split("'")[1]

    def objects(self):
        return [path for path in self.store.rglob("*") if path.is_file() and path.suffix in (".seg", ".meta")]

    def is_cold(self):
        rows = self.cooldown()
        return rows and all(row["Phase"] == "cooled" and int(row["Lag"]) == 0 for row in rows) and not self.segments()

    def run(self, mib):
        self.store.mkdir()
        self.front.start()
        self.back.start()
        for member in self.back.members:
            self.again(f'ALTER SYSTEM ADD BACKEND "{member.address}"')
        wait_for("all backends live", lambda: sum(row["Alive"] for row in self.sql("SHOW BACKENDS")) == 4)
        self.again(f'ADMIN SET FRONTEND CONFIG ("cooldown_lease_ms" = "{LEASE_MS}")')
        self.again("CREATE DATABASE shop")
        self.again(f"""CREATE RESOURCE cold PROPERTIES ("type" = "file", "root" = "{self.store}")""")
        self.again('CREATE STORAGE POLICY soon PROPERTIES ("storage_resource" = "cold", "cooldown_ttl" = "1")')
        self.again('CREATE TABLE shop.orders (KEY 1) BUCKETS 8 PROPERTIES ("replication_num" = "3", "storage_policy" = "soon")')
        self.say("three front ends, four backends, a table under a policy")

        dice, digest, logical = random.Random(7), [], 0
        loads = 10
        for number in range(loads):
            lines = [f"{number}-{row}\t{dice.getrandbits(350):x}\n" for row in range(mib * 1024 * 1024 // loads // 97)]
            data = self.root / "rows.tsv"
            data.write_text("".join(lines))
            logical += data.stat().st_size
            digest.extend(hashlib.sha256(line.encode()).digest() for line in lines)
            self.again(f"LOAD FILE '{data}' INTO shop.orders LABEL 'l{number}'")
        expected = hashlib.sha256(b"".join(sorted(digest))).hexdigest()
        self.say(f"loaded {logical / 2**20:.0f} MiB, three times {len(self.segments()) and 'on disk'}")

        wait_for("something is in the store", lambda: self.objects(), PATIENCE_S, 0.02)
        victim = wait_for("somebody uploads", self.uploader, PATIENCE_S, 0.05)
        victim.stop(signal.SIGKILL)
        self.say(f"killed {victim.name}, which was uploading ({len(self.objects())} objects there)")
        leader = self.front.leader()
        leader.stop(signal.SIGKILL)
        self.say(f"killed {leader.name}, which was leading")
        victim.start()
        leader.start()
        wait_for("there is a leader again", self.front.leader)
        frozen = next(member for member in self.back.members if member is not victim)
        frozen.process.send_signal(signal.SIGSTOP)
        time.sleep(2.5 * LEASE_MS / 1000)  # What is tested is time that goes by.
        frozen.process.send_signal(signal.SIGCONT)
        self.say(f"{frozen.name} stood still for {2.5 * LEASE_MS / 1000:.0f} s, longer than any lease, and goes on")

        wait_for("everything is cold and no backend has a segment file", self.is_cold, PATIENCE_S, 0.5)
        self.say("every tablet is cold on every replica")
        stored = sum(path.stat().st_size for path in self.objects())
        print(json.dumps({"smoke": "cooldown", "store": "file", "logical_bytes": logical, "stored_bytes": stored,
                          "stored_over_logical": round(stored / logical, 4), "goal": STORED_GOAL}), flush=True)
        out = self.root / "out.tsv"
        self.sql(f"EXPORT TABLE shop.orders TO '{out}'")
        with open(out, "rb") as rows:
            got = hashlib.sha256(b"".join(sorted(hashlib.sha256(line).digest() for line in rows))).hexdigest()
        if got != expected:
            raise SystemExit(f"the export differs: {got} instead of {expected}")
        self.say(f"exported from the store: equal by SHA-256 ({len(digest)} rows)")
        if stored > STORED_GOAL * logical:
            raise SystemExit(f"the store holds {stored / logical:.3f} of the logical bytes, the goal is {STORED_GOAL}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--mib", type=int, default=200)
    given = options.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="tabletd-smoke-"))
    story = Story(given.binaries.resolve(), root)
    try:
        story.run(given.mib)
    finally:
        story.back.stop()
        story.front.stop(signal.SIGKILL)
        if os.environ.get("KEEP"):
            print(f"kept {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
