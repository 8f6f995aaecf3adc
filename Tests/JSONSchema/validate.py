"""Validates JSON documents, one per line of standard input, against a schema: validate.py [--any-case] SCHEMA

Prints one line per document: an empty line if it is valid, else the path of the error and the reason. With --any-case, the letter
case of member names does not matter, except below attributes, whose names are up to the sender.
"""

import json
import sys

import jsonschema

FREE = {"attributes", "metadata"}


def names(schema):
    """Returns the member names in a schema, by lowercase name."""
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
