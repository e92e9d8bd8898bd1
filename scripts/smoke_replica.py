#!/usr/bin/env python3
"""Replica management on a real cluster: six backends on three hosts (alias addresses of loopback),
two disks each.  Every step waits for what it needs and fails if that does not come:
decommission under load, a colocation group that has to move, two of three replicas away at once,
balance after a backend was added, a disk that fills up under load, two of three replicas lost for
good.  Ends with every tablet healthy and the data equal by checksum.

A disk that is really full is a small file system in memory; to mount it the script runs itself in
a mount namespace of its own (unshare).  Usage: smoke_replica.py BINARY_DIRECTORY"""
import errno
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BINARIES = pathlib.Path(sys.argv[1]).resolve()
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
PATIENCE_S = 120


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Node:
    def __init__(self, root, role, name, host, settings):
        self.address = f"{host}:{free_port(host)}"
        self.command = [BINARIES / "tabletd", "--role", role, "--config", root / f"{name}.toml"]
        self.log = open(root / f"{name}.log", "ab")
        self.process = None
        settings = {"node.name": f"'{name}'", "node.data_dir": f"'{root / name}'",
                    "rpc.listen": f"'{self.address}'", "http.listen": f"'{host}:{free_port(host)}'"} | settings
        (root / f"{name}.toml").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=self.log, stdout=self.log)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)


class Cluster:
    def __init__(self, root):
        self.root = root
        self.fe = Node(root, "fe", "fe1", HOSTS[0],
                       {"membership.heartbeat_interval_ms": 200, "membership.heartbeats_missed_max": 5,
                        "repair.delay_factor_ms": 0, "repair.be_down_tolerate_ms": 0,
                        "storage.min_left_mib": 64, "storage.flood_left_mib": 32})
        self.backends = []
        self.mounts = []

    def add_backend(self, host, disk_mib=None):
        """disk_mib: its disks are file systems of that size, which can fill up."""
        name = f"be{len(self.backends) + 1}"
        disks = [self.root / name / disk for disk in ("disk1", "disk2")]
        node = Node(self.root, "be", name, host,
                    {"storage.paths": json.dumps([str(disk) for disk in disks]), "storage.quota_mib": 0 if disk_mib else 1024,
                     "report.full_every_s": 2})
        for disk in disks:
            disk.mkdir(parents=True)
            if disk_mib:
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk_mib}m,mode=0755", "none", disk], check=True)
                self.mounts.append(disk)
        node.disks = disks
        node.start()
        self.backends.append(node)
        self.sql(f'ALTER SYSTEM ADD BACKEND "{node.address}"')
        self.wait(f"{name} is alive", lambda: self.backend(node)["Alive"])
        return node

    def run(self, statement):
        return subprocess.run([BINARIES / "tabletctl", self.fe.address, "--format", "json", "-e", statement],
                              capture_output=True, text=True, timeout=PATIENCE_S)

    def sql(self, statement):
        done = self.run(statement)
        if done.returncode != 0:
            raise SystemExit(f"{statement}\n{done.stdout}{done.stderr}")
        return done.stdout

    def rows(self, statement):
        return json.loads(self.sql(statement))

    def backend(self, node):
        host, port = node.address.rsplit(":", 1)
        return next((row for row in self.rows("SHOW BACKENDS")
                     if row["IP"] == host and str(row["BePort"]) == port), None)

    def unhealthy(self):
        return self.rows("SHOW PROC '/statistic'")[-1]["UnhealthyTabletNum"]

    def wait(self, what, is_true):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                if is_true():
                    return
            except (SystemExit, ValueError, TypeError):
                pass  # Not there yet.
            time.sleep(0.1)
        for page in ("SHOW BACKENDS", "SHOW PROC '/cluster_balance/cluster_load_stat/HDD'", "PLAN REBALANCE",
                     "SHOW PROC '/cluster_balance/sched_stat'", "SHOW PROC '/cluster_balance/pending_tablets'"):
            print(page, self.run(page).stdout[:4000], file=sys.stderr)
        raise SystemExit(f"after {PATIENCE_S} s still not: {what}")

    def wait_healthy(self):
        self.wait("every tablet is healthy", lambda: int(self.unhealthy()) == 0)


def digest(lines):
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def fill_up(file):
    with open(file, "wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(1 << 20))
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise


def main():
    root = pathlib.Path(tempfile.mkdtemp(prefix="tabletd-smoke-"))
    cluster = Cluster(root)
    began = time.monotonic()
    step = lambda text: print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)
    try:
        cluster.fe.start()
        cluster.wait("the front end answers", lambda: cluster.run("SHOW FRONTENDS").returncode == 0)
        for number, host in enumerate(HOSTS * 2):
            cluster.add_backend(host, disk_mib=256 if number == 3 else None)
        step("six backends on three hosts")

        lines = [f"{n}\tvalue {n * 7919 % 104729}\n" for n in range(40_000)]
        data = root / "rows.tsv"
        data.write_text("".join(lines))
        loaded = []
        cluster.sql("CREATE DATABASE shop")
        for name, more in (("orders", ""), ("left", ', "colocate_with"="g"'), ("right", ', "colocate_with"="g"')):
            cluster.sql(f'CREATE TABLE shop.{name} (KEY 1) BUCKETS 12 PROPERTIES("replication_num"="3"{more})')
        for name in ("left", "right"):
            cluster.sql(f"LOAD FILE '{data}' INTO shop.{name}")

        def load():
            cluster.sql(f"LOAD FILE '{data}' INTO shop.orders LABEL 'l{len(loaded)}'")
            loaded.extend(lines)

        load()
        cluster.wait_healthy()
        step("three tables loaded, two of them colocated")

        leaver = cluster.backends[5]
        cluster.sql(f'ALTER SYSTEM DECOMMISSION BACKEND "{leaver.address}"')
        for _ in range(5):
            load()
        cluster.wait("the decommissioned backend is gone", lambda: cluster.backend(leaver) is None)
        cluster.wait_healthy()
        leaver.stop()
        step("decommissioned a backend under load; the colocation group moved")

        for node in cluster.backends[1:3]:
            node.stop(signal.SIGKILL)
        cluster.wait("two backends are dead",
                     lambda: sum(not row["Alive"] for row in cluster.rows("SHOW BACKENDS")) == 2)
        for node in cluster.backends[1:3]:
            node.start()
        cluster.wait("they are back", lambda: all(row["Alive"] for row in cluster.rows("SHOW BACKENDS")))
        cluster.wait_healthy()
        step("killed two backends at once; they came back")

        before = len(cluster.rows("SHOW REPAIR HISTORY"))
        fresh = cluster.add_backend(HOSTS[2])
        cluster.wait("balance gives the new backend its share",
                     lambda: int(cluster.backend(fresh)["TabletNum"]) >= 10)
        cluster.wait("balance has come to rest",
                     lambda: not cluster.rows("SHOW PROC '/cluster_balance/running_tablets'"))
        cluster.wait_healthy()
        moved = [row for row in cluster.rows("SHOW REPAIR HISTORY") if row["Purpose"] == "BALANCE"]
        if not moved or before == 0:
            raise SystemExit("the history knows of no move")
        step(f"added a backend: {cluster.backend(fresh)['TabletNum']} replicas moved there")

        fill_up(cluster.backends[3].disks[0] / "somebody_elses_file")
        for _ in range(5):
            load()
        cluster.wait_healthy()
        step("filled a disk to the brim under load; its replicas went elsewhere")

        # The other hosts keep one backend each, so there is a third place for every replica.
        for node in cluster.backends[1:3]:
            node.stop(signal.SIGKILL)
            for disk in node.disks:
                shutil.rmtree(disk)
        cluster.wait("two backends are dead",
                     lambda: sum(not row["Alive"] for row in cluster.rows("SHOW BACKENDS")) == 2)
        for node in cluster.backends[1:3]:
            cluster.sql(f'ALTER SYSTEM DECOMMISSION BACKEND "{node.address}"')
        cluster.wait("they are forgotten", lambda: not any(map(cluster.backend, cluster.backends[1:3])))
        cluster.wait_healthy()
        load()
        cluster.wait_healthy()
        step("lost two backends and their disks for good")

        for name, expected in (("orders", loaded), ("left", lines), ("right", lines)):
            out = root / f"{name}.out"
            cluster.sql(f"EXPORT TABLE shop.{name} TO '{out}'")
            with out.open() as exported:
                if digest(exported) != digest(expected):
                    raise SystemExit(f"shop.{name} is not what was loaded; everything is in {root}")
        step(f"exported three tables: equal by SHA-256 ({len(loaded)} rows in the largest)")
    finally:
        for node in [*cluster.backends, cluster.fe]:
            node.stop()
        for disk in cluster.mounts:
            subprocess.run(["umount", disk], check=False)
    shutil.rmtree(root)


def enter_namespace():
    """Mounting needs rights over a mount namespace; a user may have those over one of his own."""
    if "TABLETD_SMOKE_NAMESPACE" in os.environ:
        return
    who = [] if os.getuid() == 0 else ["--map-root-user"]
    if subprocess.run(["unshare", *who, "--mount", "true"], capture_output=True).returncode != 0:
        raise SystemExit("this needs a mount namespace for a disk that can fill up, and unshare --mount is refused; "
                         "run it as root or allow user namespaces (kernel.unprivileged_userns_clone=1)")
    os.environ["TABLETD_SMOKE_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", *who, "--mount", sys.executable, *sys.argv])


enter_namespace()
main()
