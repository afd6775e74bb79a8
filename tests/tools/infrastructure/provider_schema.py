#!/usr/bin/env python3
"""Reads the schema of Terraform's AWS provider out of the npm package @cdktn/provider-aws, which is generated from it:
provider_schema.py PACKAGE, with the JSON on stdout. Kept are the resources and data sources that our module uses.

A block is {"attributes": {name: [type, flags]}, "blocks": {name: {"mode", "min", "max", "block"}}}; flags are letters of required, optional
and computed. The package does not say which values of an enumeration there are, nor counts other than "none or one".
"""

import json
import re
import sys
from pathlib import Path

MODULE = Path(__file__).resolve().parents[3] / "infrastructure/terraform"
PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
COLLECTIONS = {
    "stringList": "string",
    "numberList": "number",
    "stringMap": "string",
    "numberMap": "number",
    "booleanMap": "bool",
    "booleanList": "bool",
}
GETTERS = {"String": "string", "Number": "number", "Boolean": "bool", "List": ["list", "string"], "NumberList": ["list", "number"]}


def used(folder=MODULE):
    """The types of resources and data sources in the module's files."""
    found = set()
    for file in folder.rglob("*.tf"):
        found |= set(re.findall(r'^(resource|data) "(aws_\w+)"', file.read_text(), re.MULTILINE))
    return sorted(found)


def version(package):
    readme = (package / "lib/ecs-service/index.d.ts").read_text()
    return re.search(r"hashicorp/aws/([\d.]+)/docs", readme).group(1)


class Classes:
    """One index.js, cut into its classes and the functions that write a struct as HCL."""

    def __init__(self, text):
        self.bodies = {}
        for name, base, body in re.findall(r"^class (\w+) extends cdktn\.(\w+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
            self.bodies[name] = (base, body)
        functions = re.findall(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
        self.structs = {name[0].upper() + name[1:]: body for name, body in functions}

    def root(self):
        return next(name for name, (base, _) in self.bodies.items() if base in ("TerraformResource", "TerraformDataSource"))

    def hcl(self, name, body):
        """How each settable attribute is written: {name: (is block, type, class)}."""
        source = self.structs.get(name.removesuffix("OutputReference"), body)
        entries = re.findall(
            r'^ +(\w+): \{\n +value: .*\n +isBlock: (\w+),\n +type: "(\w+)",\n +storageClassType: "(\w+)"', source, re.MULTILINE
        )
        return {entry: (block == "true", kind, storage) for entry, block, kind, storage in entries}

    def block(self, name, seen=()):
        _, body = self.bodies[name]
        hcl = self.hcl(name, body)
        result = {"attributes": {}, "blocks": {}}
        pattern = r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*?)(?=\n    // \w+ - computed|\Z)"
        for attribute, computed, optional, required, rest in re.findall(pattern, body, re.DOTALL):
            flags = "".join(letter for letter, on in (("r", required), ("o", optional), ("c", computed)) if on == "true")
            member = re.search(r"= new (\w+)\(this, \"(\w+)\"(?:, (true|false))?\)", rest)
            if member and attribute in hcl and (hcl[attribute][0] or hcl[attribute][1] != "simple"):
                nested = self.nested(member.group(1), hcl[attribute], flags, seen)
                if nested:
                    result["blocks"][attribute] = nested
            elif member:
                result["attributes"][attribute] = [self.computed_objects(member, seen), flags]
            else:
                result["attributes"][attribute] = [self.simple(attribute, hcl, rest), flags]
        return result

    def nested(self, member, written, flags, seen):
        """A block; one that contains itself (a statement of WAF) is followed twice."""
        reference = member.removesuffix("List") + "OutputReference" if member.endswith("List") else member
        if member.endswith("Map") or reference not in self.bodies or seen.count(reference) > 1:
            return None
        single = not member.endswith("List")
        mode = "single" if written[1] == "struct" else written[1]
        nested = {"mode": mode, "block": self.block(reference, (*seen, reference))}
        if mode != "single":
            nested |= {"min": int("r" in flags), "max": int(single)}
        return nested

    def computed_objects(self, member, seen):
        kind, _, is_set = member.groups()
        if kind.endswith("Map"):
            return ["map", {"StringMap": "string", "NumberMap": "number", "BooleanMap": "bool"}.get(kind.split(".")[-1], "string")]
        reference = kind.removesuffix("List") + "OutputReference"
        if reference not in self.bodies or seen.count(reference) > 1:
            return "dynamic"
        block = self.block(reference, (*seen, reference))
        fields = {name: kind for name, (kind, _) in block["attributes"].items()}
        return ["set" if is_set == "true" else "list", ["object", fields]]

    def simple(self, attribute, hcl, rest):
        if attribute in hcl:
            _, kind, storage = hcl[attribute]
            return PRIMITIVES[storage] if kind == "simple" and storage in PRIMITIVES else [kind, COLLECTIONS.get(storage, "string")]
        getter = re.search(r"this\.get(\w+?)Attribute\(", rest)
        if getter is None or getter.group(1).endswith("Map"):
            return ["map", "string"]
        kind = GETTERS.get(getter.group(1), "string")
        return ["set", *kind[1:]] if "Fn.tolist" in rest else kind


def read_one(package, kind, name):
    folder = name.removeprefix("aws_").replace("_", "-")
    files = sorted((package / "lib" / ("data-aws-" + folder if kind == "data" else folder)).rglob("*.js"))
    # Large ones are in several files, which name each other's classes as index_1.Name or structs400_1.Name.
    classes = Classes(re.sub(r"\b(?:index|structs\d+)_\d+\.", "", "\n".join(file.read_text() for file in files)))
    return classes.block(classes.root())


def with_statements(package, acl):
    """The package types the statement of a web ACL's rule as anything; that of a rule on its own is the same, with its blocks. A statement
    can have every other one inside it: only the kinds that we use are kept, without what would be inside."""
    rule = acl["blocks"]["rule"]["block"]
    rule["attributes"].pop("statement", None)
    statement = read_one(package, "resource", "aws_wafv2_web_acl_rule")["blocks"]["statement"]
    kept = {kind: statement["block"]["blocks"][kind] for kind in ("managed_rule_group_statement", "rate_based_statement")}
    for kind in kept.values():
        kind["block"]["blocks"] = {}
    rule["blocks"]["statement"] = {**statement, "block": {"attributes": {}, "blocks": kept}}
    return acl


def read(package, names):
    schema = {"provider": version(package), "resource": {}, "data": {}}
    for kind, name in names:
        schema[kind][name] = read_one(package, kind, name)
    if "aws_wafv2_web_acl" in schema["resource"]:
        with_statements(package, schema["resource"]["aws_wafv2_web_acl"])
    return schema


def main():
    package = Path(sys.argv[1])
    json.dump(read(package, used()), sys.stdout, separators=(",", ":"), sort_keys=True)
    print()


if __name__ == "__main__":
    main()
