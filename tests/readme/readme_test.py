#!/usr/bin/env python3
"""The fenced shell blocks of README.md: every command in them exists, and the block under
"A cluster by hand" runs as it stands.  Usage: readme_test.py REPOSITORY BINARY_DIRECTORY"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

SKIPPED = 77
PORTS = (9020, 8030, 9060, 8040)
BY_HAND = "A cluster by hand"


def blocks_of(text):
    """Pairs of section title and shell block, in order."""
    title, inside, found = "", None, []
    for line in text.splitlines():
        if inside is None and line.startswith("#"):
            title = line.lstrip("# ")
        elif inside is None and line == "```sh":
            inside = []
        elif inside is not None and line == "```":
            found.append((title, "\n".join(inside) + "\n"))
            inside = None
        elif inside is not None:
            inside.append(line)
    return found


def commands_of(block):
    for line in block.splitlines():
        for part in re.split(r"&&|\|", line.split(" #")[0]):
            if part.strip():
                yield part.split()[0]


def exists(command, repository, binaries):
    if command.startswith("./"):
        return os.access(repository / command, os.X_OK)
    if os.access(binaries / command, os.X_OK) or shutil.which(command):
        return True
    return subprocess.run(["bash", "-c", f"type {command}"], capture_output=True).returncode == 0


def run_by_hand(block, binaries):
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                print(f"port {port} is taken; the cluster by hand was not tried")
                return SKIPPED
    with tempfile.TemporaryDirectory() as home:
        os.makedirs(f"{home}/build/release")
        os.symlink(binaries, f"{home}/build/release/bin")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("TABLETD_", "TABLETCTL_"))}
        said = pathlib.Path(home) / "said"  # No pipe: nodes that a failed block left would hold it open.
        with said.open("w") as to:
            shell = subprocess.Popen(["bash", "-e", "-c", block], cwd=home, env=clean, start_new_session=True,
                                     stdout=to, stderr=subprocess.STDOUT)
        try:
            shell.wait(timeout=240)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)  # What a failed block left behind.
            except ProcessLookupError:
                pass
        out = said.read_text()
        if shell.returncode != 0 or not re.search(r"9060.*true", out):
            print(f"exit code {shell.returncode}\n{out}")
            for log in sorted(pathlib.Path(home).glob("by-hand/*.log")):
                print(f"--- {log.name}\n{log.read_text()}")
            return 1
    return 0


def main():
    repository, binaries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    blocks = blocks_of((repository / "README.md").read_text())
    missing = [f"{title}: {command}" for title, block in blocks for command in commands_of(block)
               if not exists(command, repository, binaries)]
    by_hand = [block for title, block in blocks if title == BY_HAND]
    if missing or len(by_hand) != 1:
        print(f"no such command: {missing}; {len(by_hand)} blocks under '{BY_HAND}'")
        return 1
    return run_by_hand(by_hand[0], binaries)


sys.exit(main())
