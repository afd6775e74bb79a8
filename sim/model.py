#!/usr/bin/env python3
"""Writes the excerpt of botocore's service models against which the stage checks its requests (src/aws/model.json).

Usage: model.py > src/aws/model.json     (needs botocore)
"""

import json
import re
from pathlib import Path

import botocore.loaders

SOURCES = {"ecs": ["src/aws/ecs/mod.rs"], "codedeploy": ["src/aws/codedeploy/mod.rs"], "ecr": ["src/aws/ecr.rs", "src/aws/ecr_scan.rs", "src/aws/ecr_images.rs"],
           "logs": ["src/aws/logs/mod.rs"], "cloudwatch": ["src/aws/cloudwatch/mod.rs"], "secretsmanager": ["src/aws/secrets.rs"], "ssm": ["src/aws/ssm.rs"], "service-quotas": ["src/aws/quotas.rs"], "application-signals": ["src/aws/signals.rs"], "application-autoscaling": ["src/aws/autoscaling.rs"], "events": ["src/aws/events.rs"]}


def operations(paths):
    """The operations that a service's files answer: the quoted names at the start of their match arms."""
    text = "".join((Path(__file__).parent / path).read_text() for path in paths)
    return sorted(set(re.findall(r'^\s*"([A-Z][A-Za-z]+)" =>', text, re.MULTILINE)))


def excerpt(shape):
    """A shape's type, and its members, required ones, or entries."""
    kind = shape["type"]
    if kind == "structure":
        members = {name: member["shape"] for name, member in shape["members"].items()}
        return {"type": kind, "members": members, "required": shape.get("required", [])}
    if kind == "list":
        return {"type": kind, "entry": shape["member"]["shape"]}
    if kind == "map":
        return {"type": kind, "entry": shape["value"]["shape"]}
    return {"type": kind}


def reachable(shapes, name, found):
    if name not in found:
        found[name] = excerpt(shapes[name])
        below = found[name].get("members", {}).values()
        for child in [*below, *([found[name]["entry"]] if "entry" in found[name] else [])]:
            reachable(shapes, child, found)


def service(name, paths):
    model = botocore.loaders.Loader().load_service_model(name, "service-2")
    found, inputs = {}, {}
    for operation in operations(paths):
        inputs[operation] = model["operations"][operation]["input"]["shape"]
        reachable(model["shapes"], inputs[operation], found)
    return {"inputs": inputs, "shapes": found}


print(json.dumps({name: service(name, paths) for name, paths in SOURCES.items()}, separators=(",", ":"), sort_keys=True))
