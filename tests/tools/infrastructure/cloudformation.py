"""CloudFormation's template read as data: short forms as long ones, and what a stack would have for given parameters."""

import json
import re
from pathlib import Path

import yaml

TEMPLATE = Path(__file__).resolve().parents[3] / "infrastructure/cloudformation/service.yml"
RULES = TEMPLATE.with_name("service.guard")
ACCOUNT, REGION = "123456789012", "eu-central-1"
NOTHING = object()
REQUIRED = {
    "Name": "api",
    "GithubRepository": "owner/repository",
    "DomainName": "api.example.com",
    "ZoneId": "Z1",
    "TestCidr": "192.0.2.0/24",
}


class Loader(yaml.SafeLoader):
    """Knows !Ref, !Sub and the others, and takes dates for the texts that they are."""


def short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", short_form)


def load(path=TEMPLATE):
    return yaml.load(path.read_text(), Loader)  # a SafeLoader


class Stack:
    """The template with parameters filled in and conditions decided. What only AWS knows stays a reference: "<LogicalId>"."""

    def __init__(self, template, **parameters):
        self.template = template
        defaults = {name: form.get("Default", "") for name, form in template["Parameters"].items()}
        self.values = {**defaults, **REQUIRED, **parameters, "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
        self.resources = {name: self.resource(form) for name, form in template["Resources"].items() if self.exists(form)}
        self.outputs = {name: self.resolve(form["Value"]) for name, form in template["Outputs"].items() if self.exists(form)}

    def exists(self, form):
        return "Condition" not in form or self.decide({"Condition": form["Condition"]})

    def resource(self, form):
        return {"Type": form["Type"], "Properties": self.resolve(form.get("Properties", {}))}

    def of_type(self, kind):
        return {name: form["Properties"] for name, form in self.resources.items() if form["Type"] == kind}

    def decide(self, condition):
        ((operator, operands),) = condition.items()
        if operator == "Condition":
            return self.decide(self.template["Conditions"][operands])
        if operator == "Fn::Equals":
            left, right = (str(self.resolve(operand)) for operand in operands)
            return left == right
        decided = [self.decide(operand) for operand in operands]
        return {"Fn::Not": lambda: not decided[0], "Fn::And": lambda: all(decided), "Fn::Or": lambda: any(decided)}[operator]()

    def resolve(self, value):
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((operator, operands),) = value.items()
            if operator == "Ref" or operator.startswith("Fn::"):
                return self.function(operator, operands)
        return {name: inner for name, inner in ((name, self.resolve(inner)) for name, inner in value.items()) if inner is not NOTHING}

    def function(self, operator, operands):
        if operator == "Ref":
            return NOTHING if operands == "AWS::NoValue" else self.values.get(operands, f"<{operands}>")
        if operator == "Fn::If":
            return self.resolve(operands[1 if self.decide({"Condition": operands[0]}) else 2])
        if operator == "Fn::GetAtt":
            # Of a name within a name it matters which, of the others only whose.
            return f"<{'.'.join(operands)}>" if "." in operands[1] else f"<{operands[0]}>"
        if operator == "Fn::Sub":
            return self.substitute(operands)
        if operator == "Fn::FindInMap":
            name, *keys = map(self.resolve, operands)
            return self.template["Mappings"][name][keys[0]][keys[1]]
        if operator == "Fn::Join":
            return str(operands[0]).join(str(self.resolve(part)) for part in operands[1])
        if operator == "Fn::Select":
            return f"<{json.dumps(operands)}>"
        raise ValueError(f"{operator} is not known here")

    def substitute(self, operands):
        text, given = (operands, {}) if isinstance(operands, str) else operands
        given = {name: self.resolve(value) for name, value in given.items()}

        def one(found):
            name = found.group(1)
            return str(given.get(name, self.values.get(name, f"<{name.split('.')[0]}>")))

        return re.sub(r"\$\{([^}]+)\}", one, text)


SECRET_OF_THE_DATABASE = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds-x"


def for_emulator(template, unknown):
    """The template with an empty resource in the place of each type that an emulator does not know, with plain metrics in alarms, and with a
    secret of the database, of which it does not know that there is one."""
    text = json.dumps(template).replace('{"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]}', f'"{SECRET_OF_THE_DATABASE}"')
    template = json.loads(text.replace("${Database.MasterUserSecret.SecretArn}", SECRET_OF_THE_DATABASE))
    for form in template["Resources"].values():
        if form["Type"] in unknown:
            form["Type"] = "AWS::CloudFormation::WaitConditionHandle"
            form["Properties"] = {}
        elif form["Type"] == "AWS::CloudWatch::Alarm" and form["Properties"].pop("Metrics", None):
            form["Properties"] |= {"Namespace": "N", "MetricName": "M", "Period": 60, "Statistic": "Sum"}
    return template
