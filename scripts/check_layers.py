#!/usr/bin/env python3
"""Fail if a file includes a room it may not see, or if the pure room touches the world.

The rooms and who sees whom are section 1 of docs/architecture.md.
"""
import pathlib
import re
import sys

MODEL, CODEC = "actors/model", "actors/codec"
LOW = {"schemas", "persistence", MODEL, CODEC}
SHELLS = ["journal", "catalog", "checkpoint", "membership", "repair", "cooldown", "warmup", "console", "agent", "supervision"]

# room -> rooms it may include.  The longest prefix of a path names its room.
MAY_INCLUDE = {
    "schemas": {"schemas"},
    "persistence": {"persistence"},
    MODEL: {MODEL},
    CODEC: {CODEC, "schemas", MODEL},
    "actors": LOW | {"actors"},
    "node": LOW | {"node", "actors"} | {f"actors/{s}" for s in SHELLS},
    **{f"actors/{s}": LOW | {"actors", f"actors/{s}"} for s in SHELLS},
}
IMPURE = re.compile(
    r"<(caf|capnp|kj|sqlite3|prometheus|spdlog|thread|mutex|fstream|filesystem|random|future|condition_variable)\b"
    r"|(system|steady|high_resolution)_clock::now|random_device|\brand\(|getenv|\btime\(nullptr\)")
SEAM = re.compile(r"#include <(kj/(async|timer|compat)|capnp/(rpc|ez-rpc|capability))")


def room_of(path):
    return max((r for r in MAY_INCLUDE if path.startswith(r + "/")), key=len, default=None)


def check(path, text):
    room = room_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        included = re.match(r'\s*#include "([^"]+)"', line)
        if included:
            target = room_of(included[1])
            foreign_shell = target in {f"actors/{s}" for s in SHELLS} and target not in MAY_INCLUDE[room]
            if target and target not in MAY_INCLUDE[room] and not (foreign_shell and included[1].endswith("/ports.h")
                                                                   and room.startswith("actors/")
                                                                   and room not in (MODEL, CODEC)):
                yield f"{path}:{number}: {room} may not include {included[1]}"
        if room == MODEL and IMPURE.search(code):
            yield f"{path}:{number}: the model must stay pure: {line.strip()}"
        if room != "node" and room != "schemas" and SEAM.search(code):
            yield f"{path}:{number}: KJ's event loop lives in node/ only: {line.strip()}"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    bad = []
    for top in ("schemas", "persistence", "actors", "node"):
        for path in sorted((root / top).rglob("*.[hc]*")):
            if path.suffix in (".h", ".c", ".cpp"):
                bad += check(path.relative_to(root).as_posix(), path.read_text())
    print("\n".join(bad) or "layers ok")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
