"""What both descriptions of the infrastructure have in common, in one form: from Terraform's state and from CloudFormation's stack.

References are the names below on both sides; numbers are numbers, policies are data."""

import json
import re

# CloudFormation's logical ids, and what they are in Terraform: an address, or the name that a reference gives.
SAME = {
    "BlueTargetGroup": 'aws_lb_target_group.this["blue"]', "GreenTargetGroup": 'aws_lb_target_group.this["green"]', "LoadBalancer": "aws_lb.this",
    "ProductionListener": 'aws_lb_listener.this["production"]', "TestListener": 'aws_lb_listener.this["test"]', "RedirectListener": "aws_lb_listener.redirect",
    "ProductionRule": 'aws_lb_listener_rule.this["production"]', "TestRule": 'aws_lb_listener_rule.this["test"]',
    "LoadBalancerSecurityGroup": "aws_security_group.load_balancer", "TasksSecurityGroup": "aws_security_group.tasks",
    "DatabaseSecurityGroup": "aws_security_group.database[0]", "InfrastructureRole": "aws_iam_role.infrastructure[0]",
    "CodeDeployRole": "aws_iam_role.codedeploy[0]", "TaskRole": "aws_iam_role.task", "ExecutionRole": "aws_iam_role.execution", "CanaryRole": "aws_iam_role.canary[0]",
    "AlarmTopic": "aws_sns_topic.alarms", "Secret": "aws_secretsmanager_secret.this", "WebAcl": "aws_wafv2_web_acl.this[0]", "Repository": "aws_ecr_repository.this",
    "CanaryBucket": "aws_s3_bucket.canary[0]", "SiteBucket": "aws_s3_bucket.site[0]",
}
NAMED = {
    "ErrorsAlarm": "api-errors", "LatencyAlarm": "api-latency", "UnhealthyAlarm": "api-unhealthy", "ConnectionsAlarm": "api-connections", "EventLog": "/aws/events/api",
    "LogGroup": "/ecs/api", "Database": "api", "Database.MasterUserSecret.SecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds-x", "Canary": "api", "Cluster": "api", "CodeDeployService": "api", "CodeDeployApplication": "api", "EcsService": "api",
    "OidcProvider": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", "DeploymentAlarm": "api-deployment",
}
# Types of which both have as many.
COUNTED = {
    "aws_acm_certificate": "AWS::CertificateManager::Certificate", "aws_appautoscaling_policy": "AWS::ApplicationAutoScaling::ScalingPolicy",
    "aws_appautoscaling_target": "AWS::ApplicationAutoScaling::ScalableTarget", "aws_budgets_budget": "AWS::Budgets::Budget",
    "aws_cloudfront_distribution": "AWS::CloudFront::Distribution", "aws_cloudfront_function": "AWS::CloudFront::Function",
    "aws_cloudfront_key_value_store": "AWS::CloudFront::KeyValueStore", "aws_cloudfront_origin_access_control": "AWS::CloudFront::OriginAccessControl",
    "aws_cloudfront_response_headers_policy": "AWS::CloudFront::ResponseHeadersPolicy", "aws_cloudwatch_composite_alarm": "AWS::CloudWatch::CompositeAlarm",
    "aws_cloudwatch_dashboard": "AWS::CloudWatch::Dashboard", "aws_cloudwatch_event_rule": "AWS::Events::Rule", "aws_cloudwatch_log_group": "AWS::Logs::LogGroup",
    "aws_cloudwatch_log_metric_filter": "AWS::Logs::MetricFilter", "aws_cloudwatch_log_resource_policy": "AWS::Logs::ResourcePolicy",
    "aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm", "aws_codedeploy_app": "AWS::CodeDeploy::Application",
    "aws_codedeploy_deployment_group": "AWS::CodeDeploy::DeploymentGroup", "aws_db_instance": "AWS::RDS::DBInstance",
    "aws_db_parameter_group": "AWS::RDS::DBParameterGroup", "aws_db_subnet_group": "AWS::RDS::DBSubnetGroup", "aws_ecr_repository": "AWS::ECR::Repository",
    "aws_ecs_cluster": "AWS::ECS::Cluster", "aws_ecs_service": "AWS::ECS::Service", "aws_ecs_task_definition": "AWS::ECS::TaskDefinition", "aws_eip": "AWS::EC2::EIP",
    "aws_iam_openid_connect_provider": "AWS::IAM::OIDCProvider", "aws_iam_role": "AWS::IAM::Role", "aws_internet_gateway": "AWS::EC2::InternetGateway",
    "aws_lambda_permission": "AWS::Lambda::Permission", "aws_lb": "AWS::ElasticLoadBalancingV2::LoadBalancer", "aws_lb_listener": "AWS::ElasticLoadBalancingV2::Listener",
    "aws_lb_listener_rule": "AWS::ElasticLoadBalancingV2::ListenerRule", "aws_lb_target_group": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "aws_nat_gateway": "AWS::EC2::NatGateway", "aws_route": "AWS::EC2::Route", "aws_route53_health_check": "AWS::Route53::HealthCheck",
    "aws_route_table": "AWS::EC2::RouteTable", "aws_route_table_association": "AWS::EC2::SubnetRouteTableAssociation", "aws_s3_bucket": "AWS::S3::Bucket",
    "aws_s3_bucket_policy": "AWS::S3::BucketPolicy", "aws_secretsmanager_secret": "AWS::SecretsManager::Secret",
    "aws_secretsmanager_secret_rotation": "AWS::SecretsManager::RotationSchedule", "aws_security_group": "AWS::EC2::SecurityGroup", "aws_sns_topic": "AWS::SNS::Topic",
    "aws_sns_topic_policy": "AWS::SNS::TopicPolicy", "aws_sns_topic_subscription": "AWS::SNS::Subscription", "aws_subnet": "AWS::EC2::Subnet",
    "aws_synthetics_canary": "AWS::Synthetics::Canary", "aws_vpc": "AWS::EC2::VPC", "aws_wafv2_web_acl": "AWS::WAFv2::WebACL",
    "aws_wafv2_web_acl_association": "AWS::WAFv2::WebACLAssociation",
}


def statements(policy):
    """A policy's statements, however they are written."""
    policy = json.loads(policy) if isinstance(policy, str) else policy
    as_list = lambda value: sorted(value) if isinstance(value, list) else [value]
    plain = [{**item, **{key: as_list(item[key]) for key in ("Action", "Resource") if key in item}} for item in policy["Statement"]]
    return sorted(plain, key=lambda item: item.get("Sid", ""))


def first(blocks):
    return blocks[0] if blocks else {}


class Terraform:
    """The shape of a state that `terraform test -json -verbose` shows."""

    def __init__(self, state):
        self.resources = [found for found in state["root_module"]["resources"] if found["mode"] == "managed"]
        addresses = {}
        for found in self.resources:
            for key in ("arn", "id", "arn_suffix"):
                value = found["values"].get(key)
                if isinstance(value, str) and re.fullmatch(r"[a-z0-9]{8}", value):
                    addresses.setdefault(value, f"<{found['address']}>")
        pattern = re.compile("|".join(addresses) or r"(?!)")
        # Single quotes, because the text is JSON, and some values in it are JSON again.
        text = pattern.sub(lambda hit: addresses[hit.group()].replace('"', "'"), json.dumps(self.resources))
        self.resources = json.loads(text)

    def all(self, kind):
        return [found["values"] for found in self.resources if found["type"] == kind]

    def counts(self):
        return {kind: len(self.all(kind)) for kind in COUNTED}

    @staticmethod
    def weights(action):
        forward = first(action.get("forward"))
        return {group["arn"]: group["weight"] for group in forward.get("target_group", [])} or action["type"]

    def listeners(self):
        return {one["port"]: (one["protocol"], one["ssl_policy"] if one["protocol"] == "HTTPS" else None, self.weights(one["default_action"][0])) for one in self.all("aws_lb_listener")}

    def rules(self):
        return {one["listener_arn"]: (one["priority"], one["condition"][0]["path_pattern"][0]["values"], self.weights(one["action"][0])) for one in self.all("aws_lb_listener_rule")}

    def groups(self):
        keys = ("path", "matcher", "interval", "timeout", "healthy_threshold", "unhealthy_threshold")
        return {one["name"]: (one["port"], one["protocol"], one["target_type"], int(one["deregistration_delay"]), *(one["health_check"][0][key] for key in keys)) for one in self.all("aws_lb_target_group")}

    def doors(self):
        found = set()
        for direction in ("ingress", "egress"):
            for one in self.all(f"aws_vpc_security_group_{direction}_rule"):
                found.add((one["security_group_id"], direction, one["ip_protocol"], one["from_port"], one["to_port"], one["cidr_ipv4"] or one["referenced_security_group_id"]))
        return found

    def service(self):
        one = self.all("aws_ecs_service")[0]
        plan, balancer = first(one["deployment_configuration"]), one["load_balancer"][0]
        canary, linear, hook, advanced = (first(block) for block in (
            plan.get("canary_configuration"), plan.get("linear_configuration"), plan.get("lifecycle_hook"), balancer["advanced_configuration"]))
        breaker, alarms = first(one["deployment_circuit_breaker"]), first(one["alarms"])
        ecs = one["deployment_controller"][0]["type"] == "ECS"
        return {
            "name": one["name"], "controller": one["deployment_controller"][0]["type"], "grace": one["health_check_grace_period_seconds"],
            "strategy": plan["strategy"] if ecs else None, "bake": int(plan["bake_time_in_minutes"]) if ecs and plan["strategy"] != "ROLLING" else None,
            "canary": (canary["canary_percent"], int(canary["canary_bake_time_in_minutes"])) if canary else None,
            "linear": (linear["step_percent"], int(linear["step_bake_time_in_minutes"])) if linear else None,
            "hook": (hook["target_type"], hook["lifecycle_stages"], int(first(hook["timeout_configuration"])["timeout_in_minutes"]), first(hook["timeout_configuration"])["action"]) if hook else None,
            "breaker": (breaker["enable"], breaker["rollback"]) if breaker else None, "alarms": sorted(alarms["alarm_names"]) if alarms else None,
            "container": (balancer["container_name"], balancer["container_port"]), "group": balancer["target_group_arn"],
            "advanced": [advanced[key] for key in ("alternate_target_group_arn", "production_listener_rule", "test_listener_rule", "role_arn")] if advanced else None,
            "doors": first(one["network_configuration"])["security_groups"],
        }

    def task(self):
        one = self.all("aws_ecs_task_definition")[0]
        container = json.loads(one["container_definitions"])[0]
        platform = first(one["runtime_platform"])
        return {
            "family": one["family"], "size": (one["cpu"], one["memory"]), "platform": (platform["operating_system_family"], platform["cpu_architecture"]),
            "roles": (one["task_role_arn"], one["execution_role_arn"]), "container": (container["name"], container["image"], container["portMappings"][0]["containerPort"]),
            "environment": sorted(item["name"] for item in container["environment"]), "secrets": sorted(item["name"] for item in container["secrets"]),
            "log": container["logConfiguration"]["options"],
        }

    def codedeploy(self):
        for one in self.all("aws_codedeploy_deployment_group"):
            pair = one["load_balancer_info"][0]["target_group_pair_info"][0]
            ready, blue = (one["blue_green_deployment_config"][0][key][0] for key in ("deployment_ready_option", "terminate_blue_instances_on_deployment_success"))
            return {
                "name": one["deployment_group_name"], "config": one["deployment_config_name"], "role": one["service_role_arn"],
                "listeners": (pair["prod_traffic_route"][0]["listener_arns"], pair["test_traffic_route"][0]["listener_arns"]),
                "groups": sorted(group["name"] for group in pair["target_group"]), "ready": (ready["action_on_timeout"], ready["wait_time_in_minutes"]),
                "blue": (blue["action"], blue["termination_wait_time_in_minutes"]), "rollback": sorted(one["auto_rollback_configuration"][0]["events"]),
                "alarms": sorted(one["alarm_configuration"][0]["alarms"]),
            }
        return None

    def roles(self):
        inline, managed = {}, {}
        for one in self.all("aws_iam_role_policy"):
            inline.setdefault(one["role"], []).extend(statements(one["policy"]))
        for one in self.all("aws_iam_role_policy_attachment"):
            managed.setdefault(one["role"], []).append(one["policy_arn"])
        return {one["name"]: (statements(one["assume_role_policy"]), inline.get(one["name"], []), managed.get(one["name"], [])) for one in self.all("aws_iam_role")}

    @staticmethod
    def metric(query):
        metric = first(query["metric"])
        if not metric:
            return query["expression"], query["return_data"]
        return metric["namespace"], metric["metric_name"], metric["dimensions"], metric["period"], metric["stat"], bool(query["return_data"])

    def alarms(self):
        return {one["alarm_name"]: (
            one["comparison_operator"], float(one["threshold"]), one["evaluation_periods"], one["datapoints_to_alarm"], one["treat_missing_data"], one["alarm_actions"], one["ok_actions"],
            {query["id"]: self.metric(query) for query in one["metric_query"]}) for one in self.all("aws_cloudwatch_metric_alarm")}

    def composite(self):
        return self.all("aws_cloudwatch_composite_alarm")[0]["alarm_rule"]

    def dashboard(self):
        return json.loads(self.all("aws_cloudwatch_dashboard")[0]["dashboard_body"])

    def events(self):
        filters = {one["name"]: (one["pattern"], one["metric_transformation"][0]["namespace"], one["metric_transformation"][0]["name"]) for one in self.all("aws_cloudwatch_log_metric_filter")}
        return {one["name"]: json.loads(one["event_pattern"]) for one in self.all("aws_cloudwatch_event_rule")}, filters

    def logs(self):
        return {one["name"]: one["retention_in_days"] for one in self.all("aws_cloudwatch_log_group")}

    def scaling(self):
        target = self.all("aws_appautoscaling_target")[0]
        aims = {}
        for one in self.all("aws_appautoscaling_policy"):
            aim = one["target_tracking_scaling_policy_configuration"][0]
            aims[aim["predefined_metric_specification"][0]["predefined_metric_type"]] = (aim["target_value"], aim["scale_in_cooldown"], aim["scale_out_cooldown"])
        return target["resource_id"], target["min_capacity"], target["max_capacity"], aims

    def registry(self):
        one = self.all("aws_ecr_repository")[0]
        tags = [item["filter"] for item in one["image_tag_mutability_exclusion_filter"]]
        return one["name"], one["image_tag_mutability"], tags, one["image_scanning_configuration"][0]["scan_on_push"], json.loads(self.all("aws_ecr_lifecycle_policy")[0]["policy"])

    def database(self):
        keys = ("identifier", "engine", "engine_version", "instance_class", "storage_type", "storage_encrypted", "manage_master_user_password", "publicly_accessible", "multi_az",
                "backup_retention_period", "deletion_protection", "db_name", "username")
        parameters = {item["name"]: item["value"] for one in self.all("aws_db_parameter_group") for item in one["parameter"]}
        return [[one[key] for key in keys] + [one["allocated_storage"]] for one in self.all("aws_db_instance")], parameters

    def firewall(self):
        rules = []
        for one in self.all("aws_wafv2_web_acl"):
            for rule in one["rule"]:
                statement = rule["statement"][0]
                managed, rate = first(statement["managed_rule_group_statement"]), first(statement["rate_based_statement"])
                rules.append((rule["priority"], rule["name"], managed.get("name") or rate["limit"]))
        return sorted(rules)

    def site(self):
        for one in self.all("aws_cloudfront_distribution"):
            behaviour = one["default_cache_behavior"][0]
            headers = self.all("aws_cloudfront_response_headers_policy")[0]["security_headers_config"][0]
            return {
                "errors": sorted((item["error_code"], item["response_code"], item["response_page_path"]) for item in one["custom_error_response"]),
                "behaviour": (behaviour["viewer_protocol_policy"], behaviour["compress"], behaviour["cache_policy_id"]),
                "hsts": headers["strict_transport_security"][0]["access_control_max_age_sec"], "csp": headers["content_security_policy"][0]["content_security_policy"],
                "frames": headers["frame_options"][0]["frame_option"], "nosniff": headers["content_type_options"][0]["override"],
                "function": self.all("aws_cloudfront_function")[0]["code"].strip(),
            }
        return None

    def options(self):
        return {
            "health check": [(one["type"], one["fqdn"], one["port"], one["resource_path"]) for one in self.all("aws_route53_health_check")],
            "canary": [(one["name"], one["runtime_version"], one["handler"], one["schedule"][0]["expression"], one["run_config"][0]["environment_variables"]) for one in self.all("aws_synthetics_canary")],
            "budget": [(float(one["limit_amount"]), first(one["cost_filter"])["values"], sorted((item["notification_type"], item["threshold"]) for item in one["notification"])) for one in self.all("aws_budgets_budget")],
            "rotation": [one["rotation_rules"][0]["automatically_after_days"] for one in self.all("aws_secretsmanager_secret_rotation")],
            "mail": [(one["protocol"], one["endpoint"]) for one in self.all("aws_sns_topic_subscription")],
        }


class CloudFormation:
    """The shape of a stack."""

    def __init__(self, stack):
        text = json.dumps(stack.resources)
        for name, address in SAME.items():
            text = text.replace(f"<{name}>", "<" + address.replace('"', "'") + ">")
        for name, value in NAMED.items():
            text = text.replace(f"<{name}>", value)
        self.resources = json.loads(text)

    def all(self, kind):
        return [found["Properties"] for found in self.resources.values() if found["Type"] == kind]

    def counts(self):
        return {mine: len(self.all(theirs)) for mine, theirs in COUNTED.items()}

    @staticmethod
    def weights(action):
        return {group["TargetGroupArn"]: group["Weight"] for group in action.get("ForwardConfig", {}).get("TargetGroups", [])} or action["Type"]

    def listeners(self):
        return {int(one["Port"]): (one["Protocol"], one.get("SslPolicy"), self.weights(one["DefaultActions"][0])) for one in self.all("AWS::ElasticLoadBalancingV2::Listener")}

    def rules(self):
        return {one["ListenerArn"]: (one["Priority"], one["Conditions"][0]["PathPatternConfig"]["Values"], self.weights(one["Actions"][0])) for one in self.all("AWS::ElasticLoadBalancingV2::ListenerRule")}

    def groups(self):
        return {one["Name"]: (
            one["Port"], one["Protocol"], one["TargetType"], int(one["TargetGroupAttributes"][0]["Value"]), one["HealthCheckPath"], one["Matcher"]["HttpCode"], one["HealthCheckIntervalSeconds"],
            one["HealthCheckTimeoutSeconds"], one["HealthyThresholdCount"], one["UnhealthyThresholdCount"]) for one in self.all("AWS::ElasticLoadBalancingV2::TargetGroup")}

    def doors(self):
        found = set()

        def add(group, direction, rule):
            peer = rule.get("CidrIp") or rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
            # What stands for "nothing".
            if peer != "127.0.0.1/32":
                found.add((group, direction, str(rule["IpProtocol"]), rule.get("FromPort"), rule.get("ToPort"), peer))

        for name, form in self.resources.items():
            if form["Type"] == "AWS::EC2::SecurityGroup":
                group = "<" + SAME[name].replace('"', "'") + ">"
                for rule in form["Properties"].get("SecurityGroupIngress", []):
                    add(group, "ingress", rule)
                for rule in form["Properties"].get("SecurityGroupEgress", []):
                    add(group, "egress", rule)
            elif form["Type"] == "AWS::EC2::SecurityGroupEgress":
                add(form["Properties"]["GroupId"], "egress", form["Properties"])
        return found

    def service(self):
        one = self.all("AWS::ECS::Service")[0]
        plan, balancer = one.get("DeploymentConfiguration", {}), one["LoadBalancers"][0]
        canary, linear, hook, advanced, breaker, alarms = (
            plan.get("CanaryConfiguration"), plan.get("LinearConfiguration"), first(plan.get("LifecycleHooks")), balancer.get("AdvancedConfiguration"),
            plan.get("DeploymentCircuitBreaker"), plan.get("Alarms"))
        return {
            "name": one["ServiceName"], "controller": one["DeploymentController"]["Type"], "grace": one["HealthCheckGracePeriodSeconds"],
            "strategy": plan.get("Strategy"), "bake": plan.get("BakeTimeInMinutes"),
            "canary": (canary["CanaryPercent"], canary["CanaryBakeTimeInMinutes"]) if canary else None,
            "linear": (linear["StepPercent"], linear["StepBakeTimeInMinutes"]) if linear else None,
            "hook": (hook["TargetType"], hook["LifecycleStages"], hook["TimeoutConfiguration"]["TimeoutInMinutes"], hook["TimeoutConfiguration"]["Action"]) if hook else None,
            "breaker": (breaker["Enable"], breaker["Rollback"]) if breaker else None, "alarms": sorted(alarms["AlarmNames"]) if alarms else None,
            "container": (balancer["ContainerName"], balancer["ContainerPort"]), "group": balancer["TargetGroupArn"],
            "advanced": [advanced[key] for key in ("AlternateTargetGroupArn", "ProductionListenerRule", "TestListenerRule", "RoleArn")] if advanced else None,
            "doors": one["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"],
        }

    def task(self):
        one = self.all("AWS::ECS::TaskDefinition")[0]
        container = one["ContainerDefinitions"][0]
        return {
            "family": one["Family"], "size": (one["Cpu"], one["Memory"]), "platform": (one["RuntimePlatform"]["OperatingSystemFamily"], one["RuntimePlatform"]["CpuArchitecture"]),
            "roles": (one["TaskRoleArn"], one["ExecutionRoleArn"]), "container": (container["Name"], container["Image"], container["PortMappings"][0]["ContainerPort"]),
            "environment": sorted(item["Name"] for item in container["Environment"]), "secrets": sorted(item["Name"] for item in container["Secrets"]),
            "log": container["LogConfiguration"]["Options"],
        }

    def codedeploy(self):
        for one in self.all("AWS::CodeDeploy::DeploymentGroup"):
            pair, timing = one["LoadBalancerInfo"]["TargetGroupPairInfoList"][0], one["BlueGreenDeploymentConfiguration"]
            ready, blue = timing["DeploymentReadyOption"], timing["TerminateBlueInstancesOnDeploymentSuccess"]
            names = {"<aws_lb_target_group.this['blue']>": "api-blue", "<aws_lb_target_group.this['green']>": "api-green"}
            return {
                "name": one["DeploymentGroupName"], "config": one["DeploymentConfigName"], "role": one["ServiceRoleArn"],
                "listeners": (pair["ProdTrafficRoute"]["ListenerArns"], pair["TestTrafficRoute"]["ListenerArns"]),
                "groups": sorted(names[group["Name"]] for group in pair["TargetGroups"]), "ready": (ready["ActionOnTimeout"], ready["WaitTimeInMinutes"]),
                "blue": (blue["Action"], blue["TerminationWaitTimeInMinutes"]), "rollback": sorted(one["AutoRollbackConfiguration"]["Events"]),
                "alarms": sorted(alarm["Name"] for alarm in one["AlarmConfiguration"]["Alarms"]),
            }
        return None

    def roles(self):
        extra = {one["RoleName"]: statements(one["PolicyDocument"]) for one in self.all("AWS::IAM::RolePolicy")}
        found = {}
        for one in self.all("AWS::IAM::Role"):
            inline = [statement for policy in one.get("Policies", []) for statement in statements(policy["PolicyDocument"])]
            inline += extra.get("<" + SAME["ExecutionRole"] + ">", []) if one["RoleName"] == "api-execution" else []
            found[one["RoleName"]] = (statements(one["AssumeRolePolicyDocument"]), inline, one.get("ManagedPolicyArns", []))
        return found

    @staticmethod
    def metric(query):
        if "Expression" in query:
            return query["Expression"], query["ReturnData"]
        stat = query["MetricStat"]
        dimensions = {item["Name"]: item["Value"] for item in stat["Metric"]["Dimensions"]}
        return stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], dimensions, stat["Period"], stat["Stat"], query["ReturnData"]

    def alarms(self):
        return {one["AlarmName"]: (
            one["ComparisonOperator"], float(one["Threshold"]), one["EvaluationPeriods"], one["DatapointsToAlarm"], one["TreatMissingData"], one["AlarmActions"], one["OKActions"],
            {query["Id"]: self.metric(query) for query in one.get("Metrics", [])}) for one in self.all("AWS::CloudWatch::Alarm")}

    def composite(self):
        return self.all("AWS::CloudWatch::CompositeAlarm")[0]["AlarmRule"]

    def dashboard(self):
        return json.loads(self.all("AWS::CloudWatch::Dashboard")[0]["DashboardBody"])

    def events(self):
        filters = {one["FilterName"]: (one["FilterPattern"], one["MetricTransformations"][0]["MetricNamespace"], one["MetricTransformations"][0]["MetricName"]) for one in self.all("AWS::Logs::MetricFilter")}
        return {one["Name"]: one["EventPattern"] for one in self.all("AWS::Events::Rule")}, filters

    def logs(self):
        return {one["LogGroupName"]: one["RetentionInDays"] for one in self.all("AWS::Logs::LogGroup")}

    def scaling(self):
        target = self.all("AWS::ApplicationAutoScaling::ScalableTarget")[0]
        aims = {}
        for one in self.all("AWS::ApplicationAutoScaling::ScalingPolicy"):
            aim = one["TargetTrackingScalingPolicyConfiguration"]
            aims[aim["PredefinedMetricSpecification"]["PredefinedMetricType"]] = (aim["TargetValue"], aim["ScaleInCooldown"], aim["ScaleOutCooldown"])
        return target["ResourceId"], target["MinCapacity"], target["MaxCapacity"], aims

    def registry(self):
        one = self.all("AWS::ECR::Repository")[0]
        tags = [item["ImageTagMutabilityExclusionFilterValue"] for item in one["ImageTagMutabilityExclusionFilters"]]
        return one["RepositoryName"], one["ImageTagMutability"], tags, one["ImageScanningConfiguration"]["ScanOnPush"], json.loads(one["LifecyclePolicy"]["LifecyclePolicyText"])

    def database(self):
        keys = ("DBInstanceIdentifier", "Engine", "EngineVersion", "DBInstanceClass", "StorageType", "StorageEncrypted", "ManageMasterUserPassword", "PubliclyAccessible", "MultiAZ",
                "BackupRetentionPeriod", "DeletionProtection", "DBName", "MasterUsername")
        plain = lambda value: {"true": True, "false": False}.get(value, value)
        parameters = {name: str(value) for one in self.all("AWS::RDS::DBParameterGroup") for name, value in one["Parameters"].items()}
        return [[plain(one[key]) for key in keys] + [int(one["AllocatedStorage"])] for one in self.all("AWS::RDS::DBInstance")], parameters

    def firewall(self):
        rules = []
        for one in self.all("AWS::WAFv2::WebACL"):
            for rule in one["Rules"]:
                managed, rate = rule["Statement"].get("ManagedRuleGroupStatement", {}), rule["Statement"].get("RateBasedStatement", {})
                rules.append((rule["Priority"], rule["Name"], managed.get("Name") or rate["Limit"]))
        return sorted(rules)

    def site(self):
        for one in self.all("AWS::CloudFront::Distribution"):
            one, behaviour = one["DistributionConfig"], one["DistributionConfig"]["DefaultCacheBehavior"]
            headers = self.all("AWS::CloudFront::ResponseHeadersPolicy")[0]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
            return {
                "errors": sorted((item["ErrorCode"], item["ResponseCode"], item["ResponsePagePath"]) for item in one["CustomErrorResponses"]),
                "behaviour": (behaviour["ViewerProtocolPolicy"], behaviour["Compress"], behaviour["CachePolicyId"]),
                "hsts": headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"], "csp": headers["ContentSecurityPolicy"]["ContentSecurityPolicy"],
                "frames": headers["FrameOptions"]["FrameOption"], "nosniff": headers["ContentTypeOptions"]["Override"],
                "function": self.all("AWS::CloudFront::Function")[0]["FunctionCode"].strip(),
            }
        return None

    def options(self):
        checks = [one["HealthCheckConfig"] for one in self.all("AWS::Route53::HealthCheck")]
        return {
            "health check": [(one["Type"], one["FullyQualifiedDomainName"], one["Port"], one["ResourcePath"]) for one in checks],
            "canary": [(one["Name"], one["RuntimeVersion"], one["Code"]["Handler"], one["Schedule"]["Expression"], one["RunConfig"]["EnvironmentVariables"]) for one in self.all("AWS::Synthetics::Canary")],
            "budget": [(
                float(one["Budget"]["BudgetLimit"]["Amount"]), one["Budget"]["CostFilters"]["TagKeyValue"],
                sorted((item["Notification"]["NotificationType"], item["Notification"]["Threshold"]) for item in one["NotificationsWithSubscribers"])) for one in self.all("AWS::Budgets::Budget")],
            "rotation": [one["RotationRules"]["AutomaticallyAfterDays"] for one in self.all("AWS::SecretsManager::RotationSchedule")],
            "mail": [(one["Protocol"], one["Endpoint"]) for one in self.all("AWS::SNS::Subscription")],
        }


SECTIONS = (
    "counts", "listeners", "rules", "groups", "doors", "service", "task", "codedeploy", "roles", "alarms", "composite", "dashboard", "events", "logs", "scaling", "registry",
    "database", "firewall", "site", "options",
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
