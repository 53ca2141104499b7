"""Checks events, a JSON object a line on stdin, against the published schema of an OCSF version; prints a JSON array of problems for each."""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

published = get_ocsf_schema(sys.argv[1])
schemas = OcsfJsonSchemaEmbedded(published)


def problems(event):
    if event.get("metadata", {}).get("version") != sys.argv[1]:
        return ["metadata.version is another"]
    name = schemas.lookup_class_name_from_uid(event["class_uid"])
    found = [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(schemas.get_class_schema(name)).iter_errors(event)
    ]
    defined = published["classes"][name]
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid is not class_uid * 100 + activity_id")
    for attribute, published_as in (("category_name", "category_name"), ("class_name", "caption")):
        if event[attribute] != defined[published_as]:
            found.append(f"{attribute} is not {defined[published_as]}")
    for attribute in ("activity", "severity", "status"):
        published_values = defined["attributes"][f"{attribute}_id"]["enum"]
        caption = published_values.get(str(event[f"{attribute}_id"]), {}).get("caption")
        told = event["activity_name" if attribute == "activity" else attribute]
        if event[f"{attribute}_id"] != 99 and told != caption:
            found.append(f"{attribute} is {told} instead of {caption}")
    found += [f"unmapped.{key} is defined by the class" for key in event["unmapped"] if key in defined["attributes"]]
    for group in ("at_least_one", "just_one"):
        names = (defined.get("constraints") or {}).get(group)
        if names and not any(name in event for name in names):
            found.append(f"none of {names}")
    return found


for line in sys.stdin:
    print(json.dumps(problems(json.loads(line))))
