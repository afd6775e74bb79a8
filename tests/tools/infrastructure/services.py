"""Kinds of service that are described twice."""

# Runs of `terraform test` that describe a whole service, and the parameters with which a stack is the same.
SAME = {
    ("deployments", "ports"): {},
    ("deployments", "canary_with_pause"): {"Strategy": "canary", "CanaryPercent": 5, "CanaryBakeMinutes": 30, "PauseMinutes": 120},
    ("deployments", "linear"): {"Strategy": "linear", "StepPercent": 20, "StepBakeMinutes": 3},
    ("deployments", "rolling"): {"Strategy": "rolling"},
    ("deployments", "codedeploy"): {"Strategy": "codedeploy"},
    ("roles", "two_roles"): {"Approval": "true"},
    ("roles", "two_roles_of_codedeploy"): {"Strategy": "codedeploy", "Approval": "true"},
    ("monitoring", "strict"): {"AlarmProfile": "strict"},
    ("monitoring", "everything"): {
        "AlarmEmail": "team@example.com",
        "SyntheticsCanary": "true",
        "Route53HealthCheck": "true",
        "BudgetUsd": 100,
        "Waf": "true",
        "DatabaseClass": "db.t4g.micro",
        "Site": "true",
        "RotationFunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:rotate",
    },
}
EVERYTHING = SAME["monitoring", "everything"]
