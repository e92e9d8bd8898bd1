#!/usr/bin/env python3
"""docs/offline.md as people use it: its files are written, its commands run, and what is printed must be
what is shown; every field of the schema is named.  The options are compared by offline_test.
Usage: docs_test.py TABLETCTL REPOSITORY SAMPLES"""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

EXIT_CODES = (([], 2), (["diagnose"], 2), (["simulate"], 2), (["diagnose", "--json", "nowhere.json"], 1),
              (["simulate", "nowhere.scenario"], 1), (["simulate", "-"], 1), (["diagnose", "--json", "-"], 1),
              (["image"], 2), (["image", "verify"], 2), (["image", "dump", "image.8", "--format", "xml"], 2),
              (["image", "verify", "nowhere"], 1), (["image", "dump", "image.8", "--section", "no"], 1), (["journal"], 2),
              (["journal", "dump"], 2), (["journal", "dump", "nowhere"], 1))


def blocks_of(text):
    """(info string, body) of every fenced block, in order."""
    return re.findall(r"^```(\S+(?: \S+)?)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def fields_of(schema):
    return sorted(set(re.findall(r"^  (\w+)\s+@\d+ :", schema, re.MULTILINE)))


def main():
    tabletctl, repository = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    page = (repository / "docs/offline.md").read_text()
    wrong, ran = [], 0
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([str(pathlib.Path(sys.argv[3]).resolve()), home], check=True)
        for info, body in blocks_of(page):
            kind, _, name = info.partition(" ")
            if name:
                (pathlib.Path(home) / name).write_text(body)
                continue
            if kind != "console":
                continue
            command, _, shown = body.partition("\n")
            words = shlex.split(command.removeprefix("$ "))
            done = subprocess.run([str(tabletctl), *words[1:]], cwd=home, capture_output=True, text=True)
            ran += 1
            if words[0] != "tabletctl" or done.returncode != 0 or done.stdout + done.stderr != shown:
                wrong.append(f"{command}\nexit code {done.returncode}, printed\n{done.stdout}{done.stderr}")
            if "--plot" in words and "<svg" not in (pathlib.Path(home) / words[words.index("--plot") + 1]).read_text():
                wrong.append(f"{command}\ndrew nothing")
        for words, code in EXIT_CODES:
            done = subprocess.run([str(tabletctl), "offline", *words], cwd=home, capture_output=True, input="kil 3\n", text=True)
            if done.returncode != code or not done.stderr:
                wrong.append(f"offline {words}: exit code {done.returncode}, wanted {code}; {done.stderr}")
    if ran < 6:
        wrong.append(f"only {ran} commands")
    schema = (repository / "schemas/offline.capnp").read_text()
    wrong += [f"no word of the field {field}" for field in fields_of(schema) if f"`{field}`" not in page]
    print("\n".join(wrong) or f"{ran} commands, {len(fields_of(schema))} fields")
    return bool(wrong)


sys.exit(main())
