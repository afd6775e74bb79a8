"""Mistakes that are made on purpose: the checks of infrastructure/ have to find each."""

from services import EVERYTHING

# Mistakes in the module: the file, what is right, what is wrong, and the run that has to find it ("validate": before any run).
TERRAFORM_MISTAKES = {
    "another port for the load balancer": (
        "service.tf",
        "container_port   = var.container_port",
        "container_port   = 80",
        "deployments",
        "ports",
    ),
    "tasks open to everyone": (
        "network.tf",
        "referenced_security_group_id = aws_security_group.load_balancer.id",
        'cidr_ipv4 = "0.0.0.0/0"',
        "deployments",
        "ports",
    ),
    "no second target group": (
        "service.tf",
        "alternate_target_group_arn = local.green.arn",
        "alternate_target_group_arn = local.blue.arn",
        "deployments",
        "blue_green",
    ),
    "the production rule as test rule": (
        "service.tf",
        'aws_lb_listener_rule.this["test"].arn',
        'aws_lb_listener_rule.this["production"].arn',
        "deployments",
        "blue_green",
    ),
    "half of the weight on green": ("load_balancer.tf", "weight = 0", "weight = 100", "deployments", "blue_green"),
    "a role that ECS cannot assume": (
        "roles.tf",
        'assume_role_policy = local.trust["ecs"]',
        'assume_role_policy = local.trust["ecs-tasks"]',
        "deployments",
        "blue_green",
    ),
    "a pause that goes on by itself": (
        "service.tf",
        'action             = "ROLLBACK"',
        'action             = "CONTINUE"',
        "deployments",
        "canary_with_pause",
    ),
    "a group that does not wait": ("codedeploy.tf", '"STOP_DEPLOYMENT"', '"CONTINUE_DEPLOYMENT"', "deployments", "codedeploy"),
    "one target group for CodeDeploy": ("codedeploy.tf", "name = local.green.name", "name = local.blue.name", "deployments", "codedeploy"),
    "a role without PassRole": (
        "github.tf",
        'local.codedeploy ? ["ServiceDeployments"',
        '["RolesInTheTaskDefinition"], local.codedeploy ? ["ServiceDeployments"',
        "roles",
        "one_role",
    ),
    "every environment may deploy": ("github.tf", ":environment:${each.value.environment}", ":*", "roles", "one_role"),
    "the role that deploys opens the gate": ("github.tf", '["OpenGatesOfCodeDeploy", "OpenGatesOfEcs"]', "[]", "roles", "two_roles"),
    "alarms that look at one group": (
        "monitoring.tf",
        "TargetGroup = local.green.arn_suffix",
        "TargetGroup = local.blue.arn_suffix",
        "monitoring",
        "standard",
    ),
    "a misspelled block": ("service.tf", '"advanced_configuration"', '"advanced_config"', None, "validate"),
    "a missing argument": ("service.tf", "role_arn                   = aws_iam_role.infrastructure[0].arn", "", None, "validate"),
}


def properties(template, name):
    return template["Resources"][name]["Properties"]


def drop_statement(template, sid):
    document = properties(template, "DeployRole")["Policies"][0]["PolicyDocument"]
    document["Statement"] = [item for item in document["Statement"] if item.get("Sid") != sid]


def look_at_blue_only(template):
    for query in properties(template, "ErrorsAlarm")["Metrics"]:
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", []):
            if dimension["Name"] == "TargetGroup":
                dimension["Value"] = {"Fn::GetAtt": ["BlueTargetGroup", "TargetGroupFullName"]}


# Mistakes in the template: the edit, the kind of service, and what has to find it: a rule of Guard, or a section that differs.
TEMPLATE_MISTAKES = {
    "another port": (lambda it: properties(it, "ProductionListener").update(Port=444), {}, "listeners"),
    "another container port": (lambda it: properties(it, "EcsService")["LoadBalancers"][0].update(ContainerPort=80), {}, "service"),
    "no second target group": (
        lambda it: properties(it, "EcsService")["LoadBalancers"][0]["AdvancedConfiguration"]["Fn::If"][1].pop("AlternateTargetGroupArn"),
        {},
        "ecs_knows_both_sides",
    ),
    "no test rule": (
        lambda it: properties(it, "EcsService")["LoadBalancers"][0]["AdvancedConfiguration"]["Fn::If"][1].pop("TestListenerRule"),
        {},
        "ecs_knows_both_sides",
    ),
    "no role for ECS": (
        lambda it: properties(it, "EcsService")["LoadBalancers"][0]["AdvancedConfiguration"]["Fn::If"][1].pop("RoleArn"),
        {},
        "ecs_knows_both_sides",
    ),
    "weights of a half": (
        lambda it: properties(it, "ProductionRule")["Actions"][0]["ForwardConfig"]["TargetGroups"][1].update(Weight=100),
        {},
        "one_group_has_all_the_weight",
    ),
    "HTTP at the test listener": (
        lambda it: properties(it, "TestListener").update(Protocol="HTTP"),
        {"Strategy": "codedeploy"},
        "listeners_speak_https",
    ),
    "a count that updates set back": (lambda it: properties(it, "EcsService").update(DesiredCount=2), {}, "autoscaling_has_the_count"),
    "a role without PassRole": (lambda it: drop_statement(it, "RolesInTheTaskDefinition"), {}, "roles"),
    "a role that anybody's jobs assume": (
        lambda it: properties(it, "DeployRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition"),
        {},
        "roles",
    ),
    "an alarm that looks at one group": (look_at_blue_only, {}, "alarms"),
    "an alarm at 50 %": (lambda it: it["Mappings"]["Profiles"]["standard"].update(ErrorPercent=50), {}, "alarms"),
    "an alarm that the action is not told of": (
        lambda it: properties(it, "DeploymentAlarm").update(AlarmRule='ALARM("api-errors")'),
        {},
        "composite",
    ),
    "a group that does not wait": (
        lambda it: properties(it, "CodeDeployGroup")["BlueGreenDeploymentConfiguration"]["DeploymentReadyOption"].update(
            ActionOnTimeout="CONTINUE_DEPLOYMENT"
        ),
        {"Strategy": "codedeploy"},
        "codedeploy_waits_and_rolls_back",
    ),
    "one target group for CodeDeploy": (
        lambda it: properties(it, "CodeDeployGroup")["LoadBalancerInfo"]["TargetGroupPairInfoList"][0]["TargetGroups"].pop(),
        {"Strategy": "codedeploy"},
        "codedeploy_waits_and_rolls_back",
    ),
    "tasks open to everyone": (
        lambda it: properties(it, "TasksSecurityGroup")["SecurityGroupIngress"].append(
            {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080}
        ),
        {},
        "doors",
    ),
    "images that nobody scans": (
        lambda it: properties(it, "Repository")["ImageScanningConfiguration"].update(ScanOnPush=False),
        {},
        "images_are_scanned_and_stay",
    ),
    "a rotation once a year": (
        lambda it: properties(it, "Rotation")["RotationRules"].update(AutomaticallyAfterDays=365),
        EVERYTHING,
        "secrets_rotate",
    ),
}
