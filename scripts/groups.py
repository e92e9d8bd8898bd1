"""Groups of three real members on loopback, ours and etcd's, for what is measured or killed.
Both have their directories below the same root, so they share a disk."""
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

HOST = "127.0.0.1"
PATIENCE_S = 60


def free_port(host=HOST):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def wait_for(what, is_true, patience_s=PATIENCE_S, pause_s=0.05):
    """The first true answer.  A machine that is suspended meanwhile does not count as waiting."""
    waited, seen = 0.0, time.monotonic()
    while waited < patience_s:
        waited, seen = waited + min(time.monotonic() - seen, 10), time.monotonic()
        try:
            if answer := is_true():
                return answer
        except (OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError):
            pass  # Not there yet.
        time.sleep(pause_s)
    raise SystemExit(f"after {patience_s} s still not: {what}")


class Member:
    def __init__(self, name, command, address, directory, log):
        self.name, self.command, self.address, self.directory = name, command, address, directory
        self.log = log
        self.process = None

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=PATIENCE_S)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


class Group:
    """What both have; a subclass says how a member is started and asked who leads."""

    def __init__(self, root, members):
        self.root, self.members = root, members

    def start(self):
        for member in self.members:
            member.start()
        wait_for(f"{self.name} has a leader", self.leader)

    def stop(self, how=signal.SIGTERM):
        for member in self.members:
            if member.process and member.process.poll() is None:
                member.process.send_signal(how)
        for member in self.members:
            member.stop(how)

    def addresses(self):
        """The leader first."""
        leader = wait_for(f"{self.name} has a leader", self.leader)
        return [leader.address] + [each.address for each in self.members if each is not leader]

    def cpu_s(self):
        return sum(each.cpu_s() for each in self.members)


class FrontEnds(Group):
    name = "tabletd"

    def __init__(self, binaries, root, settings=None, count=3):
        self.binaries = binaries
        self.load = binaries.parent / "bench" / "console_load"
        logs = [f"{HOST}:{free_port()}" for _ in range(count)]
        founders = [f"{number}@{address}" for number, address in enumerate(logs, 1)]
        members = []
        for number, log in enumerate(logs, 1):
            name = f"fe{number}"
            address = f"{HOST}:{free_port()}"
            http = f"{HOST}:{free_port()}"
            config = {"node.name": name, "node.id": number, "node.data_dir": str(root / name), "node.frontends": founders,
                      "node.edit_log_listen": log, "rpc.listen": address, "http.listen": http}
            text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in (config | (settings or {})).items())
            root.mkdir(parents=True, exist_ok=True)
            (root / f"{name}.toml").write_text(text)
            command = [binaries / "tabletd", "--role", "fe", "--config", root / f"{name}.toml"]
            members.append(Member(name, command, address, root / name, root / f"{name}.log"))
            members[-1].http = http
        super().__init__(root, members)

    def rows(self, member, statement):
        done = subprocess.run([self.binaries / "tabletctl", member.address, "--format", "json", "-e", statement],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode != 0:
            raise ValueError(done.stderr)
        return json.loads(done.stdout)

    def leader(self):
        for member in self.members:
            if member.process.poll() is None:
                for row in self.rows(member, "SHOW FRONTENDS"):
                    if row["IsMaster"]:
                        return next(each for each in self.members if each.name == row["Name"])
        return None

    def has_caught_up(self, member):
        """It answers, and has what the leader had applied when it was asked."""
        rows = {row["Name"]: row for row in self.rows(member, "SHOW FRONTENDS")}
        leader = next(row for row in rows.values() if row["IsMaster"])
        if not hasattr(member, "target") or member.target is None:
            member.target = int(leader["ReplayedJournalId"])
        if rows[member.name]["Alive"] and int(rows[member.name]["ReplayedJournalId"]) >= member.target:
            member.target = None
            return True
        return False


class Etcd(Group):
    """Three members with the timing of ours and, as ours, every write on the disk before it is answered."""
    name = "etcd"

    def __init__(self, binaries, root, election_ms=1000, heartbeat_ms=100):
        if not shutil.which("etcd"):
            raise SystemExit("etcd is missing; scripts/setup bench installs it")
        self.load = binaries.parent / "bench" / "etcd_load"
        peers = [f"http://{HOST}:{free_port()}" for _ in range(3)]
        cluster = ",".join(f"m{number}={peer}" for number, peer in enumerate(peers, 1))
        members = []
        root.mkdir(parents=True, exist_ok=True)
        for number, peer in enumerate(peers, 1):
            name = f"m{number}"
            address = f"{HOST}:{free_port()}"
            command = ["etcd", "--name", name, "--data-dir", root / name, "--listen-peer-urls", peer,
                       "--initial-advertise-peer-urls", peer, "--listen-client-urls", f"http://{address}",
                       "--advertise-client-urls", f"http://{address}", "--initial-cluster", cluster,
                       "--initial-cluster-state", "new", "--heartbeat-interval", str(heartbeat_ms),
                       "--election-timeout", str(election_ms), "--quota-backend-bytes", str(8 << 30),
                       "--logger", "zap", "--log-level", "warn"]
            members.append(Member(name, command, address, root / name, root / f"{name}.log"))
        super().__init__(root, members)

    def status(self, member):
        request = urllib.request.Request(f"http://{member.address}/v3/maintenance/status", data=b"{}")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return json.load(answer)

    def leader(self):
        for member in self.members:
            if member.process.poll() is None:
                status = self.status(member)
                if status.get("leader", "0") not in ("0", 0) and status["leader"] == status["header"]["member_id"]:
                    return member
        return None

    def has_caught_up(self, member):
        index = int(self.status(member)["raftIndex"])
        leader = self.leader()
        if leader is None or leader is member:
            return False
        if not hasattr(member, "target") or member.target is None:
            member.target = int(self.status(leader)["raftIndex"])
        if index >= member.target:
            member.target = None
            return True
        return False
