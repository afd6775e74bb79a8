"""The shape of a service, read from Terraform's state."""

import json
import re

from shape_names import COUNTED, first, statements


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
        return {
            one["port"]: (
                one["protocol"],
                one["ssl_policy"] if one["protocol"] == "HTTPS" else None,
                self.weights(one["default_action"][0]),
            )
            for one in self.all("aws_lb_listener")
        }

    def rules(self):
        return {
            one["listener_arn"]: (one["priority"], one["condition"][0]["path_pattern"][0]["values"], self.weights(one["action"][0]))
            for one in self.all("aws_lb_listener_rule")
        }

    def groups(self):
        keys = ("path", "matcher", "interval", "timeout", "healthy_threshold", "unhealthy_threshold")
        return {
            one["name"]: (
                one["port"],
                one["protocol"],
                one["target_type"],
                int(one["deregistration_delay"]),
                *(one["health_check"][0][key] for key in keys),
            )
            for one in self.all("aws_lb_target_group")
        }

    def doors(self):
        found = set()
        for direction in ("ingress", "egress"):
            for one in self.all(f"aws_vpc_security_group_{direction}_rule"):
                found.add(
                    (
                        one["security_group_id"],
                        direction,
                        one["ip_protocol"],
                        one["from_port"],
                        one["to_port"],
                        one["cidr_ipv4"] or one["referenced_security_group_id"],
                    )
                )
        return found

    def service(self):
        one = self.all("aws_ecs_service")[0]
        plan, balancer = first(one["deployment_configuration"]), one["load_balancer"][0]
        canary, linear, hook, advanced = (
            first(block)
            for block in (
                plan.get("canary_configuration"),
                plan.get("linear_configuration"),
                plan.get("lifecycle_hook"),
                balancer["advanced_configuration"],
            )
        )
        breaker, alarms = first(one["deployment_circuit_breaker"]), first(one["alarms"])
        ecs = one["deployment_controller"][0]["type"] == "ECS"
        return {
            "name": one["name"],
            "controller": one["deployment_controller"][0]["type"],
            "grace": one["health_check_grace_period_seconds"],
            "strategy": plan["strategy"] if ecs else None,
            "bake": int(plan["bake_time_in_minutes"]) if ecs and plan["strategy"] != "ROLLING" else None,
            "canary": (canary["canary_percent"], int(canary["canary_bake_time_in_minutes"])) if canary else None,
            "linear": (linear["step_percent"], int(linear["step_bake_time_in_minutes"])) if linear else None,
            "hook": (
                hook["target_type"],
                hook["lifecycle_stages"],
                int(first(hook["timeout_configuration"])["timeout_in_minutes"]),
                first(hook["timeout_configuration"])["action"],
            )
            if hook
            else None,
            "breaker": (breaker["enable"], breaker["rollback"]) if breaker else None,
            "alarms": sorted(alarms["alarm_names"]) if alarms else None,
            "container": (balancer["container_name"], balancer["container_port"]),
            "group": balancer["target_group_arn"],
            "advanced": [
                advanced[key] for key in ("alternate_target_group_arn", "production_listener_rule", "test_listener_rule", "role_arn")
            ]
            if advanced
            else None,
            "doors": first(one["network_configuration"])["security_groups"],
        }

    def task(self):
        one = self.all("aws_ecs_task_definition")[0]
        container = json.loads(one["container_definitions"])[0]
        platform = first(one["runtime_platform"])
        return {
            "family": one["family"],
            "size": (one["cpu"], one["memory"]),
            "platform": (platform["operating_system_family"], platform["cpu_architecture"]),
            "roles": (one["task_role_arn"], one["execution_role_arn"]),
            "container": (container["name"], container["image"], container["portMappings"][0]["containerPort"]),
            "environment": sorted(item["name"] for item in container["environment"]),
            "secrets": sorted(item["name"] for item in container["secrets"]),
            "log": container["logConfiguration"]["options"],
        }

    def codedeploy(self):
        for one in self.all("aws_codedeploy_deployment_group"):
            pair = one["load_balancer_info"][0]["target_group_pair_info"][0]
            ready, blue = (
                one["blue_green_deployment_config"][0][key][0]
                for key in ("deployment_ready_option", "terminate_blue_instances_on_deployment_success")
            )
            return {
                "name": one["deployment_group_name"],
                "config": one["deployment_config_name"],
                "role": one["service_role_arn"],
                "listeners": (pair["prod_traffic_route"][0]["listener_arns"], pair["test_traffic_route"][0]["listener_arns"]),
                "groups": sorted(group["name"] for group in pair["target_group"]),
                "ready": (ready["action_on_timeout"], ready["wait_time_in_minutes"]),
                "blue": (blue["action"], blue["termination_wait_time_in_minutes"]),
                "rollback": sorted(one["auto_rollback_configuration"][0]["events"]),
                "alarms": sorted(one["alarm_configuration"][0]["alarms"]),
            }
        return None

    def roles(self):
        inline, managed = {}, {}
        for one in self.all("aws_iam_role_policy"):
            inline.setdefault(one["role"], []).extend(statements(one["policy"]))
        for one in self.all("aws_iam_role_policy_attachment"):
            managed.setdefault(one["role"], []).append(one["policy_arn"])
        return {
            one["name"]: (statements(one["assume_role_policy"]), inline.get(one["name"], []), managed.get(one["name"], []))
            for one in self.all("aws_iam_role")
        }

    @staticmethod
    def metric(query):
        metric = first(query["metric"])
        if not metric:
            return query["expression"], query["return_data"]
        return (
            metric["namespace"],
            metric["metric_name"],
            metric["dimensions"],
            metric["period"],
            metric["stat"],
            bool(query["return_data"]),
        )

    def alarms(self):
        return {
            one["alarm_name"]: (
                one["comparison_operator"],
                float(one["threshold"]),
                one["evaluation_periods"],
                one["datapoints_to_alarm"],
                one["treat_missing_data"],
                one["alarm_actions"],
                one["ok_actions"],
                {query["id"]: self.metric(query) for query in one["metric_query"]},
            )
            for one in self.all("aws_cloudwatch_metric_alarm")
        }

    def composite(self):
        return self.all("aws_cloudwatch_composite_alarm")[0]["alarm_rule"]

    def dashboard(self):
        return json.loads(self.all("aws_cloudwatch_dashboard")[0]["dashboard_body"])

    def events(self):
        filters = {
            one["name"]: (one["pattern"], one["metric_transformation"][0]["namespace"], one["metric_transformation"][0]["name"])
            for one in self.all("aws_cloudwatch_log_metric_filter")
        }
        return {one["name"]: json.loads(one["event_pattern"]) for one in self.all("aws_cloudwatch_event_rule")}, filters

    def logs(self):
        return {one["name"]: one["retention_in_days"] for one in self.all("aws_cloudwatch_log_group")}

    def scaling(self):
        target = self.all("aws_appautoscaling_target")[0]
        aims = {}
        for one in self.all("aws_appautoscaling_policy"):
            aim = one["target_tracking_scaling_policy_configuration"][0]
            aims[aim["predefined_metric_specification"][0]["predefined_metric_type"]] = (
                aim["target_value"],
                aim["scale_in_cooldown"],
                aim["scale_out_cooldown"],
            )
        return target["resource_id"], target["min_capacity"], target["max_capacity"], aims

    def registry(self):
        one = self.all("aws_ecr_repository")[0]
        tags = [item["filter"] for item in one["image_tag_mutability_exclusion_filter"]]
        return (
            one["name"],
            one["image_tag_mutability"],
            tags,
            one["image_scanning_configuration"][0]["scan_on_push"],
            json.loads(self.all("aws_ecr_lifecycle_policy")[0]["policy"]),
        )

    def database(self):
        keys = (
            "identifier",
            "engine",
            "engine_version",
            "instance_class",
            "storage_type",
            "storage_encrypted",
            "manage_master_user_password",
            "publicly_accessible",
            "multi_az",
            "backup_retention_period",
            "deletion_protection",
            "db_name",
            "username",
        )
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
                "errors": sorted(
                    (item["error_code"], item["response_code"], item["response_page_path"]) for item in one["custom_error_response"]
                ),
                "behaviour": (behaviour["viewer_protocol_policy"], behaviour["compress"], behaviour["cache_policy_id"]),
                "hsts": headers["strict_transport_security"][0]["access_control_max_age_sec"],
                "csp": headers["content_security_policy"][0]["content_security_policy"],
                "frames": headers["frame_options"][0]["frame_option"],
                "nosniff": headers["content_type_options"][0]["override"],
                "function": self.all("aws_cloudfront_function")[0]["code"].strip(),
            }
        return None

    def options(self):
        return {
            "health check": [(one["type"], one["fqdn"], one["port"], one["resource_path"]) for one in self.all("aws_route53_health_check")],
            "canary": [
                (
                    one["name"],
                    one["runtime_version"],
                    one["handler"],
                    one["schedule"][0]["expression"],
                    one["run_config"][0]["environment_variables"],
                )
                for one in self.all("aws_synthetics_canary")
            ],
            "budget": [
                (
                    float(one["limit_amount"]),
                    first(one["cost_filter"])["values"],
                    sorted((item["notification_type"], item["threshold"]) for item in one["notification"]),
                )
                for one in self.all("aws_budgets_budget")
            ],
            "rotation": [one["rotation_rules"][0]["automatically_after_days"] for one in self.all("aws_secretsmanager_secret_rotation")],
            "mail": [(one["protocol"], one["endpoint"]) for one in self.all("aws_sns_topic_subscription")],
        }
