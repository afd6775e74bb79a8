#!/usr/bin/env python3
"""Judges a stage's recordings by botocore's service models.

Usage: validate.py [--expect PATTERN]... RECORDING.jsonl...     (needs botocore; exits 1 with the list of offences)
       validate.py --serve SOCKET     (answers a recording's path with the same list, until nobody has asked for a minute)

An offence that matches an expected pattern is shown and forgiven: a story that sends an unknown field on purpose names it there.

Every request and every answer is checked on the wire: known members, required ones, types, enumerations, lengths, patterns and
ranges. It never talks to AWS, and it does not know what the stage means to say.
"""

import argparse
import base64
import json
import math
import os
import re
import socketserver
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import datetime
from functools import cache
from urllib.parse import parse_qsl

import botocore.loaders
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

# AWS's own answers omit nothing of this; a model may name members that only requests carry.
STRUCTURE, LIST, MAP = "structure", "list", "map"

# The front door's errors stand before all services, and so in no model.
FRONT_DOOR = {
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InternalFailure", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "SerializationException", "ServerException", "Throttling", "ThrottlingException",
    "UnknownOperationException", "ValidationError", "InvalidInputException",
}


# Values that a field's own documentation lists and its enumeration lacks.
DOCUMENTED = {("ServiceDeploymentLifecycleStage", "PRE_PRODUCTION_TRAFFIC_SHIFT")}


@cache
def service_model(name):
    return ServiceModel(botocore.loaders.Loader().load_service_model(name, "service-2"), name)


class Judge:
    """Collects the offences of one recording."""

    def __init__(self, expected=()):
        self.expected = [re.compile(pattern) for pattern in expected]
        self.offences = Counter()
        self.forgiven = Counter()
        self.here = set()
        self.exchanges = Counter()

    def offend(self, exchange, side, path, what):
        path = re.sub(r"\[\d+\]", "[]", path)
        self.here.add(f"{exchange['service']}.{exchange['operation']} {side}: {path or 'the whole'} {what}")

    def exchange(self, exchange):
        """Judges one exchange. What several checks find counts once."""
        self.here = set()
        self.judge(exchange)
        for offence in self.here:
            forgiven = any(pattern.search(offence) for pattern in self.expected)
            (self.forgiven if forgiven else self.offences)[offence] += 1

    def judge(self, exchange):
        if exchange["service"] == "github":
            return  # botocore knows AWS only
        name = f"{exchange['service']}.{exchange['operation']}"
        self.exchanges[name] += 1
        model = service_model(exchange["service"])
        if exchange["operation"] not in model.operation_names:
            if exchange["code"] != "UnknownOperationException":
                self.offend(exchange, "request", "", "is no operation of the model")
            return
        operation = model.operation_model(exchange["operation"])
        self.request(exchange, operation)
        if exchange["status"] == 0:
            return
        if exchange["code"] is None:
            self.answer(exchange, operation)
        else:
            self.refusal(exchange, operation)

    def request(self, exchange, operation):
        """A request that was refused as malformed may be malformed."""
        malformed = {
            "SerializationException", "ClientException", "InvalidParameterException", "ValidationError", "ValidationException",
            "InvalidInputException",
        }
        if exchange["code"] in malformed or (exchange["code"] or "").endswith("RequiredException"):
            return
        given, shape = exchange["request"], operation.input_shape
        if exchange["protocol"] == "query":
            given = from_form(base64.b64decode(exchange["raw_request"]), shape)
        if shape is None:
            return
        for kind, path, details in ParamValidator().validate(given, shape)._errors:
            self.offend(exchange, "request", path, sentence(kind, details))
        self.value(exchange, "request", given, shape, "", required=False)

    def answer(self, exchange, operation):
        shape = operation.output_shape
        if exchange["protocol"] == "query":
            given = from_xml(base64.b64decode(exchange["raw_answer"]), operation, lambda path, what: self.offend(exchange, "answer", path, what))
        elif exchange["protocol"] == "head":
            given = exchange["answer"]  # headers
        else:
            given = json.loads(base64.b64decode(exchange["raw_answer"]))
        if shape is None:
            if given:
                self.offend(exchange, "answer", "", "has members, the model has none")
            return
        self.value(exchange, "answer", given, shape, "", required=True)

    def refusal(self, exchange, operation):
        known = {shape.name for shape in operation.error_shapes}
        known |= {shape.metadata.get("error", {}).get("code") for shape in operation.error_shapes}
        if exchange["code"] not in known | FRONT_DOOR:
            self.offend(exchange, "refusal", exchange["code"], "is no error of the operation")
        raw = base64.b64decode(exchange["raw_answer"])
        if exchange["protocol"] == "json":
            body = json.loads(raw)
            if body.get("__type") != exchange["code"] or not (body.get("message") or body.get("Message")):
                self.offend(exchange, "refusal", "", "lacks __type or message")
        if exchange["protocol"] == "query" and ElementTree.fromstring(raw).find("{*}Error/{*}Code") is None:
            self.offend(exchange, "refusal", "", "lacks Error/Code")

    def value(self, exchange, side, value, shape, path, required):
        """One value against one shape, and everything below it."""
        def offend(what):
            self.offend(exchange, side, path, what)

        kind = shape.type_name
        if value is None:
            offend("is null")
        elif getattr(shape, "is_document_type", False):
            pass  # any JSON
        elif kind == STRUCTURE:
            if not isinstance(value, dict):
                return offend("is not a structure")
            for name in value.keys() - shape.members.keys():
                offend(f"has the unknown member {name}")
            for name in (set(shape.required_members) - value.keys()) if required else ():
                offend(f"lacks the required member {name}")
            for name in value.keys() & shape.members.keys():
                self.value(exchange, side, value[name], shape.members[name], f"{path}.{name}", required)
        elif kind == LIST:
            if not isinstance(value, list):
                return offend("is not a list")
            for index, entry in enumerate(value):
                self.value(exchange, side, entry, shape.member, f"{path}[{index}]", required)
        elif kind == MAP:
            if not isinstance(value, dict):
                return offend("is not a map")
            for key, entry in value.items():
                self.value(exchange, side, entry, shape.value, f"{path}.{key}", required)
        elif problem := scalar(value, shape):
            offend(problem)


def sentence(kind, details):
    """A finding of botocore's in the words of this file, where it has any."""
    if kind == "unknown field":
        return f"has the unknown member {details['unknown_param']}"
    if kind == "missing required field":
        return f"lacks the required member {details['required_name']}"
    return f"{kind} {details}"


def scalar(value, shape):
    """What is wrong with a scalar, if anything."""
    kind, metadata = shape.type_name, shape.metadata
    if kind in ("string", "character"):
        if not isinstance(value, str):
            return f"is not a string: {value!r}"
        if shape.enum and value not in shape.enum and (shape.name, value) not in DOCUMENTED:
            return f"is not in the enumeration: {value}"
        if not metadata.get("min", 0) <= len(value) <= metadata.get("max", math.inf):
            return f"has {len(value)} characters"
        if "pattern" in metadata and not matches(metadata["pattern"], value):
            return f"does not match {metadata['pattern']}: {value}"
    elif kind == "boolean":
        return None if isinstance(value, bool) else f"is not a boolean: {value!r}"
    elif kind in ("integer", "long"):
        if isinstance(value, bool) or not isinstance(value, int):
            return f"is not a whole number: {value!r}"
        if not metadata.get("min", -math.inf) <= value <= metadata.get("max", math.inf):
            return f"is out of range: {value}"
    elif kind in ("float", "double"):
        return None if isinstance(value, (int, float)) and not isinstance(value, bool) else f"is not a number: {value!r}"
    elif kind == "timestamp":
        return None if is_moment(value) else f"is not a moment: {value!r}"
    elif kind == "blob" and not isinstance(value, str):
        return f"is not a blob: {value!r}"
    return None


def matches(pattern, value):
    """Java's patterns, as far as Python knows them; what it does not know is not judged."""
    try:
        return re.fullmatch(pattern.replace(r"\p{", r"\\p{"), value) is not None or r"\p{" in pattern
    except re.error:
        return True


def is_moment(value):
    if isinstance(value, datetime):
        return True
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 0 <= value < 4_000_000_000  # seconds: milliseconds would be in the year 50000
    return False


def entry_name(shape):
    """What the entries of a list are called."""
    return shape.member.serialization.get("name", "member")


def from_form(raw, shape):
    """A query request with the types that its model says."""
    fields = dict(parse_qsl(raw.decode(), keep_blank_values=True))
    fields.pop("Action", None)
    fields.pop("Version", None)

    def read(shape, prefix):
        below = {key for key in fields if key == prefix or key.startswith(prefix + ".")}
        if not below:
            return None
        if shape.type_name == STRUCTURE:
            return structure(shape, prefix + ".")
        if shape.type_name == LIST:
            start = prefix if shape.serialization.get("flattened") else f"{prefix}.{entry_name(shape)}"
            numbers = sorted({int(key[len(start) + 1 :].split(".")[0]) for key in below if key.startswith(start + ".")})
            return [read(shape.member, f"{start}.{number}") for number in numbers]
        return typed(fields[prefix], shape)

    def structure(shape, prefix):
        known = {name: read(member, prefix + name) for name, member in shape.members.items()}
        unknown = {key[len(prefix) :].split(".")[0] for key in fields if key.startswith(prefix)} - shape.members.keys()
        return {name: value for name, value in known.items() if value is not None} | {name: None for name in unknown}

    return structure(shape, "")


def from_xml(raw, operation, offend):
    """A query answer with the types that its model says."""
    root = ElementTree.fromstring(raw)
    bare = lambda element: element.tag.rsplit("}", 1)[-1]
    if bare(root) != f"{operation.name}Response":
        offend("", f"is named {bare(root)}")
    if root.find("{*}ResponseMetadata/{*}RequestId") is None:
        offend("", "has no RequestId")
    result = root.find(f"{{*}}{operation.name}Result")

    def read(element, shape):
        if shape.type_name == STRUCTURE:
            members = {bare(child): child for child in element}
            return {name: read(child, shape.members[name]) if name in shape.members else None for name, child in members.items()}
        if shape.type_name == LIST:
            return [read(child, shape.member) for child in element if bare(child) == entry_name(shape)]
        return typed(element.text or "", shape)

    return {} if result is None else read(result, operation.output_shape)


def typed(text, shape):
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        if kind == "timestamp":
            return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (KeyError, ValueError):
        return text
    return text


def judged(paths, expected=()):
    """The exit code and the lines about these recordings."""
    judge = Judge(expected)
    for path in paths:
        with open(path, encoding="utf-8") as recording:
            for line in recording:
                judge.exchange(json.loads(line))
    lines = [f"{times:5} x (expected) {offence}" for offence, times in sorted(judge.forgiven.items())]
    lines += [f"{times:5} x {offence}" for offence, times in sorted(judge.offences.items())]
    lines.append(f"{sum(judge.exchanges.values())} exchanges of {len(judge.exchanges)} operations, {len(judge.offences)} kinds of offences")
    return 1 if judge.offences or not judge.exchanges else 0, lines


class Question(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            code, lines = judged([self.rfile.readline().decode().rstrip("\n")])
        except Exception as error:
            code, lines = 1, [f"the judge failed: {error!r}"]
        self.wfile.write("\n".join([str(code), *lines]).encode())


class Server(socketserver.UnixStreamServer):
    """Reads the models once for all who ask; several may ask at once, and wait."""

    timeout = 60
    request_queue_size = 64
    is_idle = False

    def handle_timeout(self):
        self.is_idle = True


def serve(socket):
    """Nobody finds the socket before it is listened on."""
    with Server(f"{socket}.new", Question) as server:
        os.rename(f"{socket}.new", socket)
        while not server.is_idle:
            server.handle_request()
        os.unlink(socket)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--expect", action="append", default=[], metavar="PATTERN")
    arguments.add_argument("--serve", metavar="SOCKET")
    arguments.add_argument("recordings", nargs="*", metavar="RECORDING.jsonl")
    given = arguments.parse_args()
    if given.serve:
        sys.exit(serve(given.serve))
    if not given.recordings:
        arguments.error("no recording")
    code, lines = judged(given.recordings, given.expect)
    print("\n".join(lines))
    sys.exit(code)
