#!/usr/bin/env python3
"""tabletctl offline diagnose on the worked examples of spec/replica.md 10: the status, priority and next
move that tests/model/health_test.cpp and health_places_test.cpp want, and the whole output as it is kept.
Usage: vectors_test.py TABLETCTL DIRECTORY [--accept]   (--accept writes what is printed now)"""
import json
import pathlib
import subprocess
import sys

WANTED = {
    "E1": ("REPLICA_MISSING", "NORMAL", "clone 4 from 1"),
    "E2": ("REPLICA_MISSING", "HIGH", "clone 4 from 1"),
    "E3": ("REPLICA_MISSING", "HIGH", "clone 4 from 1"),
    "E4": ("FORCE_REDUNDANT", "VERY_HIGH", "force drop 3 BAD"),
    "E4-next": ("REPLICA_MISSING", "NORMAL", "clone 3 from 1"),
    "E5": ("VERSION_INCOMPLETE", "NORMAL", "fill 3 from 1"),
    "E5b": ("VERSION_INCOMPLETE", "HIGH", "fill 2 from 1"),
    "E6a": ("REPLICA_RELOCATING", "LOW", "clone 4 from 1"),
    "E6b": ("REPLICA_RELOCATING", "NORMAL", "clone 4 from 1"),
    "E6c": ("VERSION_INCOMPLETE", "LOW", "fill 4 from 1"),
    "E6c-next": ("REDUNDANT", "VERY_HIGH", "drop 3 BACKEND_UNAVAILABLE"),
    "E7a": ("REDUNDANT", "VERY_HIGH", "drop 3 BACKEND_UNAVAILABLE"),
    "E7b": ("REDUNDANT", "VERY_HIGH", "drop 2 HIGHEST_LOAD"),
    "E8": ("NEED_FURTHER_REPAIR", "HIGH", "fill 4 from 1"),
    "E8-no-move": ("REDUNDANT", "VERY_HIGH", "drop 4 VERSION_INCOMPLETE"),
    "E9a": ("COLOCATE_MISMATCH", "HIGH", "clone 3 from 1"),
    "E9b": ("COLOCATE_REDUNDANT", "HIGH", "drop 5 NOT_IN_GROUP"),
    "E9c": ("COLOCATE_REDUNDANT", "HIGH", "drop 2 BAD"),
    "E9c-next": ("COLOCATE_MISMATCH", "HIGH", "clone 2 from 1"),
    "E9d": ("VERSION_INCOMPLETE", "HIGH", "fill 3 from 1"),
    "E9e": ("HEALTHY", "NORMAL", "nothing"),
    "E10": ("UNRECOVERABLE", "NORMAL", "wait UNRECOVERABLE"),
    "E11": ("UNRECOVERABLE", "NORMAL", "wait UNRECOVERABLE"),
    "E12": ("REPLICA_MISSING", "NORMAL", "clone 4 from 1"),
    "E12-next": ("REDUNDANT", "VERY_HIGH", "drop 2 SAME_HOST"),
    "E13": ("VERSION_INCOMPLETE", "HIGH", "fill 2 from 3"),
    "E13-next": ("REPLICA_MISSING", "NORMAL", "wait NO_BACKEND"),
}


def move_of(diagnosis):
    move, blocked = diagnosis["decision"], diagnosis["blocked"]
    if move is None:
        return "wait " + blocked["code"] if blocked else "nothing"
    if move["kind"] == "drop":
        return ("force " if move["force"] else "") + f"drop {move['target']['backend']} {move['code']}"
    return f"{move['kind']} {move['target']['backend']} from {move['source']['backend']}"


def main():
    tabletctl, folder, accept = sys.argv[1], pathlib.Path(sys.argv[2]), "--accept" in sys.argv
    found = {path.stem for path in folder.glob("*.json") if not path.name.endswith(".expected.json")}
    wrong = [f"without a row or without a file: {name}" for name in sorted(found ^ set(WANTED))]
    for name in sorted(found & set(WANTED)):
        ran = subprocess.run([tabletctl, "offline", "diagnose", "--json", folder / f"{name}.json", "--why"],
                             capture_output=True, text=True)
        if ran.returncode != 0:
            wrong.append(f"{name}: exit code {ran.returncode}: {ran.stderr}")
            continue
        one, = json.loads(ran.stdout)["diagnoses"]
        got = (one["status"], one["priority"], move_of(one))
        if got != WANTED[name]:
            wrong.append(f"{name}: {got}, wanted {WANTED[name]}")
        kept = folder / f"{name}.expected.json"
        if accept:
            kept.write_text(ran.stdout)
        elif not kept.exists() or kept.read_text() != ran.stdout:
            wrong.append(f"{name}: differs from {kept.name}:\n{ran.stdout}")
    print("\n".join(wrong) or f"{len(found)} examples as wanted")
    return bool(wrong)


sys.exit(main())
