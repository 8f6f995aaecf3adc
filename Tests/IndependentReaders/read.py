"""Reads what vsd and vsperf write with Python's own readers: read.py json|json-lines|csv|metrics, from standard input.

Prints what is in it, a value a line: the name it stands under, a blank, and the value, both texts as their UTF-8 in hexadecimal. Names
of members are values under "<name>", cells stand under their column. Ends with status 1 and what is wrong where the input is no such
document: JSON with a number that is none, with a member twice, or with text that is not Unicode; CSV with rows of another length;
metrics with a line that the text format has not, a sample twice, or without their end.
"""

import csv
import io
import json
import re
import sys


def show(name, value):
    print(name.encode().hex() or "-", value.encode().hex() or "-")


def pairs(members):
    names = [name for name, _ in members]
    if len(set(names)) < len(names):
        raise ValueError(f"a member twice: {names}")
    return dict(members)


def no_number(text):
    raise ValueError(f"{text} is no number of JSON")


def walk(name, value):
    if isinstance(value, dict):
        for member, inner in value.items():
            show("<name>", member)
            walk(member, inner)
    elif isinstance(value, list):
        for inner in value:
            walk(name, inner)
    else:
        show(name, value if isinstance(value, str) else json.dumps(value))


def read_json(text):
    walk("", json.loads(text, object_pairs_hook=pairs, parse_constant=no_number))


def read_csv(text):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    for row in rows[1:]:
        if len(row) != len(rows[0]):
            raise ValueError(f"{len(row)} cells of {len(rows[0])}: {row}")
        for name, cell in zip(rows[0], row):
            show(name, cell)


LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
LABELS = r"\{(?:" + LABEL + r"(?:," + LABEL + r")*)?\}"
NUMBER = r"(?:[-+]?(?:Inf|[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)|NaN)"
SAMPLE = re.compile(
    rf"([a-zA-Z_:][a-zA-Z0-9_:]*)({LABELS})? ({NUMBER})(?: {NUMBER})?( # {LABELS} {NUMBER}(?: {NUMBER})?)?")
ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def read_metrics(text):
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    seen = set()
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            if not re.fullmatch(r"# (?:(?:HELP|TYPE|UNIT) [a-zA-Z_:][a-zA-Z0-9_:]* .*|EOF)", line):
                raise ValueError(f"no such comment: {line!r}")
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample:
            raise ValueError(f"no sample: {line!r}")
        name, labels = sample.group(1), sample.group(2) or ""
        if (name, labels) in seen:
            raise ValueError(f"twice: {line!r}")
        seen.add((name, labels))
        show(name, sample.group(3))
        for label in re.findall(LABEL, labels):
            label, value = label.split("=", 1)
            show(label, re.sub(r'\\["\\n]', lambda found: ESCAPED[found.group()], value[1:-1]))


def main():
    text = sys.stdin.buffer.read().decode()
    kind = sys.argv[1]
    if kind == "json":
        read_json(text)
    elif kind == "json-lines":
        for line in text.removesuffix("\n").split("\n"):
            read_json(line)
    elif kind == "csv":
        read_csv(text)
    else:
        read_metrics(text)


main()
