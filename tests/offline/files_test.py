#!/usr/bin/env python3
"""tabletctl offline image and journal: what they print is JSON, says what was written, and damage is noticed.
Usage: files_test.py TABLETCTL SAMPLES"""
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile


def main():
    tabletctl, samples = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as name:
        home = pathlib.Path(name)
        subprocess.run([samples, name], check=True)

        def run(*words):
            done = subprocess.run([tabletctl, "offline", *words], cwd=home, capture_output=True, text=True)
            return done.returncode, done.stdout, done.stderr

        def lines(*words):
            code, out, err = run(*words)
            assert code == 0, (words, err)
            return [json.loads(line) for line in out.splitlines()]

        # The image: every section, and numbers that JSON readers would round as strings.
        values = lines("image", "dump", "image.8", "--format", "json")
        sections = {line["section"] for line in values}
        assert sections == {"cluster", "backends", "databases", "tables", "tablets", "loads", "(900)"}, sections
        tablets = [line["value"] for line in values if line["section"] == "tablets"]
        assert [t["id"] for t in tablets] == [10006, 10007] and tablets[1]["bytes"] == 400, tablets
        assert tablets[0]["replicas"][0]["path"] == "15732914403581290497", tablets
        assert lines("image", "dump", "image.8", "--format", "json", "--section", "tablets") == \
            [line for line in values if line["section"] == "tablets"]
        code, out, _ = run("image", "dump", "image.8")
        assert code == 0 and len(out.splitlines()) == len(values)
        code, out, _ = run("image", "verify", "image.8", "--load")
        assert code == 0 and "tablets 2, replicas 2, loads 1: ok" in out, out

        whole = (home / "image.8").read_bytes()
        for at in (0, 30, 70, len(whole) // 2, len(whole) - 1):
            (home / "damaged").write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
            code, out, err = run("image", "verify", "damaged")
            assert code == 1 and "damaged" in err and ": ok" not in out, (at, out, err)
        (home / "cut").write_bytes(whole[:-20])
        assert run("image", "dump", "cut")[0] == 1

        # The log, by the node's directory and by its own.
        entries = lines("journal", "dump", "fe1", "--format", "jsonl")
        assert [e["index"] for e in entries] == list(range(1, 9))
        assert entries[0] == {"index": 1, "term": 1, "type": "change", "bytes": 8}, entries[0]
        assert entries[4]["edit"] == "databaseCreated" and entries[4]["fields"] == "shop", entries[4]
        assert entries[7]["edit"] == "loadCommitted" and entries[7]["at"] == "2023-11-14T22:13:28.000Z", entries[7]
        assert entries[7]["fields"]["tablets"][1]["rows"] == 4, entries[7]
        assert lines("journal", "dump", "fe1/journal", "--from", "3", "--to", "5", "--format", "jsonl") == entries[2:5]
        code, out, _ = run("journal", "dump", "fe1")
        assert code == 0 and len(out.splitlines()) == 8 and "loadCommitted" in out
        assert sorted(p.name for p in (home / "fe1/journal").iterdir()) == ["log.db", "meta.db"], "it is left as it was"

        # A front end that runs.
        owner = sqlite3.connect(home / "fe1/journal/log.db", isolation_level=None)
        owner.execute("PRAGMA locking_mode=EXCLUSIVE")
        owner.execute("BEGIN IMMEDIATE")
        owner.execute("UPDATE raft_trim SET upto = upto")
        code, out, err = run("journal", "dump", "fe1")
        assert code == 1 and not out and "locked" in err and "stop the other process" in err, (code, out, err)
    print("images and logs are read as they were written")
    return 0


sys.exit(main())
