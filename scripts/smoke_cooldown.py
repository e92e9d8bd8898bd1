#!/usr/bin/env python3
"""Data cools while everything dies: three front ends, four backends, and as the remote store a shared directory or an S3
store that verifies signatures.

    smoke_cooldown.py BINARIES [--store file|s3] [--mib 200]

Loads a table under a storage policy and, while its rowsets are being uploaded, kills a backend that uploads and the front end
that leads, has the S3 store answer 503 and hang up, and stops an uploader until others have its office.  In the end the
store holds every row once, no backend has a segment file left, every tablet has one list in the store, and an export equals what was loaded."""
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
LOADS = 12


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


class Directory:
    def __init__(self, root):
        self.root = root / "store"
        self.root.mkdir()
        self.properties = f'"type" = "file", "root" = "{self.root}"'

    def sizes(self):
        return {str(path.relative_to(self.root)): path.stat().st_size for path in self.root.rglob("*") if path.is_file()}

    def trouble(self):
        pass

    def stop(self):
        pass


class S3:
    def __init__(self, binaries):
        server = binaries.parent / "tests" / "persistence" / "s3_server"
        self.process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        where = json.loads(self.process.stdout.readline())
        self.properties = f'"type" = "s3", "endpoint" = "{where["endpoint"]}", "bucket" = "{where["bucket"]}", "root_path" = "t"'
        os.environ |= {"AWS_ACCESS_KEY_ID": where["access_key"], "AWS_SECRET_ACCESS_KEY": where["secret_key"],
                       "AWS_SESSION_TOKEN": where["session_token"]}

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def sizes(self):
        self.command("sizes")
        return json.loads(self.process.stdout.readline())

    def trouble(self):
        self.command("refuse 40")
        self.command("hang_up 20")

    def stop(self):
        self.process.kill()


class Story:
    def __init__(self, binaries, root, store):
        self.binaries, self.root, self.store = binaries, root, store
        self.front = FrontEnds(binaries, root, {"membership.heartbeat_interval_ms": 200, "membership.heartbeats_missed_max": 5,
                                                 "cooldown.lease_ms": LEASE_MS})
        self.back = Backends(binaries, root, 4)
        self.began = time.monotonic()
        self.dice, self.digest, self.logical, self.loads, self.rows_per_load = random.Random(7), [], 0, 0, 0

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

    def objects(self):
        return {key: size for key, size in self.store.sizes().items() if key.endswith((".seg", ".meta"))}

    def is_cold(self):
        rows = self.cooldown()
        return rows and all(row["Phase"] == "cooled" and int(row["Lag"]) == 0 for row in rows) and not self.segments()

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
        self.front.start()
        self.back.start()
        for member in self.back.members:
            self.again(f'ALTER SYSTEM ADD BACKEND "{member.address}"')
        wait_for("all backends live", lambda: sum(row["Alive"] for row in self.sql("SHOW BACKENDS")) == 4)
        self.again("CREATE DATABASE shop")
        self.again(f"CREATE RESOURCE cold PROPERTIES ({self.store.properties})")
        self.again('CREATE STORAGE POLICY soon PROPERTIES ("storage_resource" = "cold", "cooldown_ttl" = "1")')
        self.again('CREATE TABLE shop.orders (KEY 1) BUCKETS 8 PROPERTIES ("replication_num" = "3", "storage_policy" = "soon")')
        self.say("three front ends, four backends, a table under a policy")

    def kill_uploader_and_leader(self):
        victim = wait_for("somebody uploads", self.uploader, PATIENCE_S, 0.02)
        victim.stop(signal.SIGKILL)
        self.store.trouble()
        self.say(f"killed {victim.name}, which was uploading ({len(self.objects())} objects there)")
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
        self.say(f"{frozen.name} stands still, which uploaded {len(held)} tablets")
        wait_for("others have its office", lambda: not held & self.offices(), PATIENCE_S, 0.2)
        frozen.process.send_signal(signal.SIGCONT)
        self.say(f"others upload them, and {frozen.name} goes on")

    def is_clean(self):
        """What nobody names any more is deleted: of each tablet only the list that counts is left."""
        tablets = [key.split("/")[-2] for key in self.objects() if key.endswith(".meta")]
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
        wait_for("one list a tablet is left in the store", self.is_clean, PATIENCE_S, 0.5)
        self.check()

    def check(self):
        stored = sum(self.objects().values())
        print(json.dumps({"smoke": "cooldown", "store": type(self.store).__name__, "logical_bytes": self.logical, "stored_bytes": stored,
                          "stored_over_logical": round(stored / self.logical, 4), "goal": STORED_GOAL}), flush=True)
        out = self.root / "out.tsv"
        self.sql(f"EXPORT TABLE shop.orders TO '{out}'")
        expected = hashlib.sha256(b"".join(sorted(self.digest))).hexdigest()
        with open(out, "rb") as rows:
            got = hashlib.sha256(b"".join(sorted(hashlib.sha256(line).digest() for line in rows))).hexdigest()
        if got != expected:
            raise SystemExit(f"the export differs: {got} instead of {expected}")
        self.say(f"exported from the store: equal by SHA-256 ({len(self.digest)} rows)")
        if stored > STORED_GOAL * self.logical:
            raise SystemExit(f"the store holds {stored / self.logical:.3f} of the logical bytes, the goal is {STORED_GOAL}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binaries", type=pathlib.Path)
    options.add_argument("--store", choices=("file", "s3"), default="file")
    options.add_argument("--mib", type=int, default=200)
    given = options.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix="tabletd-smoke-"))
    binaries = given.binaries.resolve()
    story = Story(binaries, root, S3(binaries) if given.store == "s3" else Directory(root))
    try:
        story.run(given.mib)
    finally:
        story.back.stop()
        story.front.stop(signal.SIGKILL)
        story.store.stop()
        if os.environ.get("KEEP"):
            print(f"kept {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
