#!/usr/bin/env python3
"""Checks that each target imports what Package.swift declares and declares what it imports.

Reads the manifest as `swift package dump-package` prints it, from standard input. A dependency on a program is one for
building it (tests start it), and needs no import. Ends with 1 if something does not fit.
"""
import json
import pathlib
import re
import sys

IMPORT = re.compile(
    r"^\s*(?:@\w+\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|func|protocol)\s+)?(\w+)",
    re.MULTILINE)


def declared(target):
    for dependency in target["dependencies"]:
        for kind in ("byName", "target", "product"):
            if kind in dependency:
                yield dependency[kind][0]


def sources(target):
    folder = pathlib.Path(target.get("path") or ("Tests/" if target["type"] == "test" else "Sources/") + target["name"])
    left_out = [folder / name for name in target.get("exclude", [])]
    chosen = [folder / name for name in target.get("sources") or ["."]]
    for path in sorted(folder.rglob("*.swift")):
        inside = any(path == one or one in path.parents for one in chosen)
        if inside and not any(path == one or one in path.parents for one in left_out):
            yield path


def main():
    package = json.load(sys.stdin)
    targets = {target["name"]: target for target in package["targets"]}
    programs = {name for name, target in targets.items() if target["type"] == "executable"}
    known = set(targets).union(*(declared(target) for target in targets.values()))
    mistakes = []
    for name, target in targets.items():
        # C says what it includes to the compiler alone.
        if target["type"] == "system" or not any(sources(target)):
            continue
        found = {}
        for path in sources(target):
            for module in IMPORT.findall(path.read_text()):
                found.setdefault(module, path)
        names = list(declared(target))
        mistakes += [f"{name}: depends on {one} twice" for one in sorted({one for one in names if names.count(one) > 1})]
        mistakes += [f"{name}: depends on {one}, which none of its files imports" for one in sorted(set(names) - set(found) - programs)]
        mistakes += [f"{found[one]}: imports {one}, which {name} does not declare" for one in sorted((set(found) & known) - set(names) - {name})]
    for mistake in mistakes:
        print(mistake)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
