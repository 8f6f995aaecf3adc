"""Checks JSON documents, one a line of standard input, against a schema: validate.py [--any-case] SCHEMA

Prints a line for each: nothing where it is valid, else where it is wrong and why. With --any-case a member whose name differs
from one of the schema in letter case only is taken for that one, except among attributes, whose names are the sender's.
"""

import json
import sys

import jsonschema

FREE = {"attributes", "metadata"}


def names(schema):
    """The names of members that a schema knows, by their lower case."""
    if isinstance(schema, list):
        return {key: name for part in schema for key, name in names(part).items()}
    if not isinstance(schema, dict):
        return {}
    known = {name.lower(): name for name in schema.get("properties", {})}
    for part in schema.values():
        known.update(names(part))
    return known


def respelled(document, known):
    if isinstance(document, list):
        return [respelled(element, known) for element in document]
    if not isinstance(document, dict):
        return document
    members = {known.get(name.lower(), name): value for name, value in document.items()}
    return {name: value if name in FREE else respelled(value, known) for name, value in members.items()}


def main():
    with open(sys.argv[-1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    known = names(schema)
    for line in sys.stdin:
        document = json.loads(line)
        if "--any-case" in sys.argv:
            document = respelled(document, known)
        error = jsonschema.exceptions.best_match(validator.iter_errors(document))
        print(f"{error.json_path}: {error.message}".replace("\n", " ") if error else "")


main()
