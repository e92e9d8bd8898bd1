"""A cluster whose tables cool: front ends, backends, and as the remote store a shared directory or an S3 store that
verifies signatures."""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess

from groups import HOST, FrontEnds, Member, free_port, wait_for

PATIENCE_S = float(os.environ.get("PATIENCE_S", 240))


class Backends:
    def __init__(self, binaries, root, count, settings=None):
        self.members = []
        for number in range(1, count + 1):
            name, address = f"be{number}", f"{HOST}:{free_port()}"
            config = {"node.name": name, "node.data_dir": str(root / name), "rpc.listen": address,
                      "http.listen": f"{HOST}:{free_port()}", "report.full_every_s": 2} | (settings or {})
            (root / f"{name}.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in config.items()))
            command = [binaries / "tabletd", "--role", "be", "--config", root / f"{name}.toml"]
            self.members.append(Member(name, command, address, root / name, root / f"{name}.log"))

    def start(self):
        for member in self.members:
            member.start()

    def stop(self):
        for member in self.members:
            member.stop(signal.SIGKILL)


class OpenedFiles:
    """Counts how often files below a directory, as it is now, are opened."""
    IN_OPEN, IN_ISDIR = 0x20, 0x40000000
    HEAD = struct.Struct("iIII")

    def __init__(self, root):
        libc = ctypes.CDLL(None, use_errno=True)
        self.handle = libc.inotify_init1(os.O_NONBLOCK)
        for directory in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            if libc.inotify_add_watch(self.handle, os.fsencode(directory), self.IN_OPEN) < 0:
                raise OSError(ctypes.get_errno(), f"cannot watch {directory}")
        self.count = 0

    def read(self):
        while True:
            try:
                events = os.read(self.handle, 1 << 16)
            except BlockingIOError:
                return self.count
            at = 0
            while at < len(events):
                _, mask, _, length = self.HEAD.unpack_from(events, at)
                self.count += not mask & self.IN_ISDIR
                at += self.HEAD.size + length


class Directory:
    def __init__(self, root):
        self.root = root / "store"
        self.root.mkdir()
        self.opened = None

    def properties(self, place):
        (self.root / place).mkdir()
        return f'"type" = "file", "root" = "{self.root / place}"'

    def reads(self):
        """How often an object was opened since this was first asked."""
        if self.opened is None:
            self.opened = OpenedFiles(self.root)
        return self.opened.read()

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
        self.endpoint, self.bucket = where["endpoint"], where["bucket"]
        os.environ |= {"AWS_ACCESS_KEY_ID": where["access_key"], "AWS_SECRET_ACCESS_KEY": where["secret_key"],
                       "AWS_SESSION_TOKEN": where["session_token"]}

    def properties(self, place):
        return f'"type" = "s3", "endpoint" = "{self.endpoint}", "bucket" = "{self.bucket}", "root_path" = "{place}"'

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def sizes(self):
        self.command("sizes")
        return json.loads(self.process.stdout.readline())

    def reads(self):
        """How often an object was asked for."""
        self.command("reads")
        return int(self.process.stdout.readline())

    def trouble(self):
        self.command("refuse 40")
        self.command("hang_up 20")

    def stop(self):
        self.process.kill()


class Cluster:
    def __init__(self, binaries, root, store, front, back):
        self.binaries, self.root, self.store, self.front, self.back = binaries, root, store, front, back

    def start(self):
        self.front.start()
        self.back.start()
        for member in self.back.members:
            self.again(f'ALTER SYSTEM ADD BACKEND "{member.address}" PROPERTIES ("cluster" = "{self.cluster_of(member)}")')
        wait_for("all backends live", lambda: all(row["Alive"] for row in self.sql("SHOW BACKENDS")))

    @staticmethod
    def cluster_of(member):
        return "default_cluster"

    def stop(self):
        self.back.stop()
        self.front.stop(signal.SIGKILL)
        self.store.stop()

    def addresses(self):
        return self.front.addresses()

    def sql(self, statement, patience_s=PATIENCE_S):
        done = subprocess.run([self.binaries / "tabletctl", ",".join(self.addresses()), "--format", "json", "-e", statement],
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

    def forget_caches(self, members):
        """They start anew, and nothing of what was remote is on their disks."""
        known = {row["BackendId"]: row["LastStartTime"] for row in self.sql("SHOW BACKENDS")}
        for member in members:
            member.stop()
            for cache in [path for path in pathlib.Path(member.directory).rglob("cache") if path.is_dir()]:
                shutil.rmtree(cache)
            member.start()

        def are_back():
            rows = self.sql("SHOW BACKENDS")
            return (all(row["Alive"] for row in rows)
                    and sum(known[row["BackendId"]] != row["LastStartTime"] for row in rows) == len(members))
        wait_for("they are back", are_back)

    def tell_what_is(self):
        """Printed when a story fails."""
        for row in self.cooldown():
            print(json.dumps(row), flush=True)

    def objects(self, place):
        return {key: size for key, size in self.store.sizes().items() if key.startswith(f"{place}/") and key.endswith((".seg", ".meta"))}

    def is_cold(self):
        rows = self.cooldown()
        return rows and all(row["Phase"] == "cooled" and int(row["Lag"]) == 0 for row in rows) and not self.segments()


def tell(story, run):
    """Runs a story and takes its cluster down.  KEEP=1 leaves its directories."""
    try:
        run()
    except SystemExit:
        story.tell_what_is()
        raise
    finally:
        story.stop()
        if os.environ.get("KEEP"):
            print(f"kept {story.root}")
        else:
            shutil.rmtree(story.root, ignore_errors=True)
