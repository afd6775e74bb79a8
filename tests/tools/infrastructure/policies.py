#!/usr/bin/env python3
"""Writes the policies of docs/iam.md, its only source, to where Terraform and CloudFormation need them: policies.py, or policies.py --check.

Terraform fills them in as templates; in CloudFormation's template they stand between two marks."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs/iam.md"
TEMPLATE = ROOT / "infrastructure/cloudformation/service.yml"
HEADINGS = {"deploy": "## The full policy", "approve": "### The policy of the role that approves"}
# What docs/iam.md has in capitals, and the names that the templates know.
NAMES = {
    "REGION": "Region",
    "ACCOUNT": "Account",
    "CLUSTER": "Cluster",
    "SERVICE": "Service",
    "REPOSITORY": "Repository",
    "TASK_ROLE": "TaskRole",
    "EXECUTION_ROLE": "ExecutionRole",
    "FAMILY": "Family",
    "APPLICATION": "Application",
    "GROUP": "Group",
    "LOG_GROUP": "LogGroup",
    "SECRET": "Secret",
    "WORKSPACE": "Workspace",
}
# What CloudFormation has in their place: everything has the stack's one name.
IN_CLOUDFORMATION = {
    "Region": "${AWS::Region}",
    "Account": "${AWS::AccountId}",
    "TaskRole": "${Name}-task",
    "ExecutionRole": "${Name}-execution",
    "LogGroup": "/ecs/${Name}",
    "Secret": "${Name}/app",
    "Workspace": "${PrometheusWorkspace}",
}
# Statements that not every service needs, and the condition under which it does.
CONDITIONS = {
    "deploy": {
        "CodeDeploy": "IsCodeDeploy",
        "DeploymentsOfCodeDeploy": "IsCodeDeploy",
        "ServiceDeployments": "IsEcs",
        "SayWhoseHooks": "IsEcs",
        "OpenGatesOfEcs": "OpensGatesOfEcs",
        "OpenGatesOfCodeDeploy": "OpensGatesOfCodeDeploy",
        "AnalysisWithManagedPrometheus": "HasPrometheus",
    },
    "approve": {"AnswerEcs": "IsEcs", "AnswerCodeDeploy": "IsCodeDeploy", "DeploymentsOfCodeDeploy": "IsCodeDeploy"},
}


def documented(role):
    """The policy below its heading, with names in place of capitals."""
    text = DOCS.read_text().split(f"\n{HEADINGS[role]}\n", 1)[1]
    block = re.search(r"```json\n(.*?)```", text, re.DOTALL).group(1)
    replaced = re.sub(
        r"\b(" + "|".join(sorted(NAMES, key=len, reverse=True)) + r")\b", lambda found: "${" + NAMES[found.group(1)] + "}", block
    )
    strays = set(re.findall(r"(?<![\w{])[A-Z][A-Z_]{2,}(?!\w)", replaced))
    if strays:
        raise SystemExit(
            f"error: docs/iam.md has {', '.join(sorted(strays))}, for which there is no name yet\nhint: NAMES in {Path(__file__).name}"
        )
    return json.loads(replaced)


def as_list(value):
    return value if isinstance(value, list) else [value]


def for_terraform(role):
    return json.dumps(documented(role), indent=2) + "\n"


def substitute(text):
    if "${" not in text:
        return json.dumps(text)
    return "!Sub " + json.dumps(re.sub(r"\$\{(\w+)\}", lambda found: IN_CLOUDFORMATION.get(found.group(1), "${Name}"), text))


def lines_of(statement):
    yield f"Sid: {statement['Sid']}"
    yield "Effect: Allow"
    yield "Action:"
    yield from (f"  - {action}" for action in as_list(statement["Action"]))
    yield "Resource:"
    yield from (f"  - {substitute(resource)}" for resource in as_list(statement["Resource"]))
    for operator, tests in statement.get("Condition", {}).items():
        yield "Condition:"
        yield f"  {operator}:"
        yield from (f"    {key}: {substitute(value)}" for key, value in tests.items())


def for_cloudformation(role, indent=14):
    """The statements as items of a YAML list; those under a condition as Fn::If."""
    out = []
    for statement in documented(role)["Statement"]:
        condition = CONDITIONS[role].get(statement["Sid"])
        lines = list(lines_of(statement))
        if condition:
            lines = ["!If", f"- {condition}", f"- {lines[0]}", *(f"  {line}" for line in lines[1:]), "- !Ref AWS::NoValue"]
        out += [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]
    return "".join(f"{' ' * indent}{line}\n" for line in out)


def marked(role):
    return f"# The statements of docs/iam.md ({role}), written by `make generate-policies`.\n", "# The end of those statements.\n"


def with_statements(template, role):
    begin, end = marked(role)
    head, rest = template.split(begin, 1)
    tail = rest.split(end, 1)[1]
    return head + begin + for_cloudformation(role) + " " * 14 + end + tail


def wanted():
    """What each generated file has to be: {path: text}."""
    files = {ROOT / f"infrastructure/terraform/policies/{role}.json": for_terraform(role) for role in HEADINGS}
    template = TEMPLATE.read_text()
    for role in HEADINGS:
        template = with_statements(template, role)
    return files | {TEMPLATE: template}


def stale():
    return [path for path, text in wanted().items() if not path.exists() or path.read_text() != text]


def main():
    paths = stale()
    if "--check" in sys.argv and paths:
        raise SystemExit(
            "error: not what docs/iam.md says: "
            + ", ".join(str(path.relative_to(ROOT)) for path in paths)
            + "\nhint: make generate-policies"
        )
    for path in paths:
        path.write_text(wanted()[path])
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
