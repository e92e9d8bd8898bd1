#!/usr/bin/env python3
"""docs/replica.md promises tests by name; this fails if one of them does not exist."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
tests = set()
for source in (root / "tests").rglob("*.cpp"):
    tests.update(f"{suite}.{name}" for suite, name in
                 re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", source.read_text(), re.MULTILINE))

page = (root / "docs" / "replica.md").read_text()
named = re.findall(r"`(\w+\.[A-Z]\w+)`", page)
missing = sorted(set(named) - tests)
for name in missing:
    print(f"docs/replica.md names the test {name}, which does not exist")
if not named:
    print("docs/replica.md names no test: the check looks at the wrong thing")
sys.exit(1 if missing or not named else 0)
