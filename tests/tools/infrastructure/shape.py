"""What both descriptions of the infrastructure have in common, in one form: references are names that both have, numbers are numbers,
policies are data."""

from cloudformation_shape import CloudFormation
from terraform_shape import Terraform

SECTIONS = (
    "counts",
    "listeners",
    "rules",
    "groups",
    "doors",
    "service",
    "task",
    "codedeploy",
    "roles",
    "alarms",
    "composite",
    "dashboard",
    "events",
    "logs",
    "scaling",
    "registry",
    "database",
    "firewall",
    "site",
    "options",
)


def plain(value):
    """Lists and tuples alike, numbers by their value, sets in order."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def differences(terraform, cloudformation):
    """The sections in which they differ: {section: (Terraform's, CloudFormation's)}."""
    found = {}
    for section in SECTIONS:
        left, right = plain(getattr(terraform, section)()), plain(getattr(cloudformation, section)())
        if left != right:
            found[section] = (left, right)
    return found
