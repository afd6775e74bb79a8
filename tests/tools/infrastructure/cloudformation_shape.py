"""The shape of a service, read from CloudFormation's stack."""

import json

from shape_names import COUNTED, NAMED, SAME, first, statements


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
        return {group["TargetGroupArn"]: group["Weight"] for group in action.get("ForwardConfig", {}).get("TargetGroups", [])} or action[
            "Type"
        ]

    def listeners(self):
        return {
            int(one["Port"]): (one["Protocol"], one.get("SslPolicy"), self.weights(one["DefaultActions"][0]))
            for one in self.all("AWS::ElasticLoadBalancingV2::Listener")
        }

    def rules(self):
        return {
            one["ListenerArn"]: (one["Priority"], one["Conditions"][0]["PathPatternConfig"]["Values"], self.weights(one["Actions"][0]))
            for one in self.all("AWS::ElasticLoadBalancingV2::ListenerRule")
        }

    def groups(self):
        return {
            one["Name"]: (
                one["Port"],
                one["Protocol"],
                one["TargetType"],
                int(one["TargetGroupAttributes"][0]["Value"]),
                one["HealthCheckPath"],
                one["Matcher"]["HttpCode"],
                one["HealthCheckIntervalSeconds"],
                one["HealthCheckTimeoutSeconds"],
                one["HealthyThresholdCount"],
                one["UnhealthyThresholdCount"],
            )
            for one in self.all("AWS::ElasticLoadBalancingV2::TargetGroup")
        }

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
            plan.get("CanaryConfiguration"),
            plan.get("LinearConfiguration"),
            first(plan.get("LifecycleHooks")),
            balancer.get("AdvancedConfiguration"),
            plan.get("DeploymentCircuitBreaker"),
            plan.get("Alarms"),
        )
        return {
            "name": one["ServiceName"],
            "controller": one["DeploymentController"]["Type"],
            "grace": one["HealthCheckGracePeriodSeconds"],
            "strategy": plan.get("Strategy"),
            "bake": plan.get("BakeTimeInMinutes"),
            "canary": (canary["CanaryPercent"], canary["CanaryBakeTimeInMinutes"]) if canary else None,
            "linear": (linear["StepPercent"], linear["StepBakeTimeInMinutes"]) if linear else None,
            "hook": (
                hook["TargetType"],
                hook["LifecycleStages"],
                hook["TimeoutConfiguration"]["TimeoutInMinutes"],
                hook["TimeoutConfiguration"]["Action"],
            )
            if hook
            else None,
            "breaker": (breaker["Enable"], breaker["Rollback"]) if breaker else None,
            "alarms": sorted(alarms["AlarmNames"]) if alarms else None,
            "container": (balancer["ContainerName"], balancer["ContainerPort"]),
            "group": balancer["TargetGroupArn"],
            "advanced": [advanced[key] for key in ("AlternateTargetGroupArn", "ProductionListenerRule", "TestListenerRule", "RoleArn")]
            if advanced
            else None,
            "doors": one["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"],
        }

    def task(self):
        one = self.all("AWS::ECS::TaskDefinition")[0]
        container = one["ContainerDefinitions"][0]
        return {
            "family": one["Family"],
            "size": (one["Cpu"], one["Memory"]),
            "platform": (one["RuntimePlatform"]["OperatingSystemFamily"], one["RuntimePlatform"]["CpuArchitecture"]),
            "roles": (one["TaskRoleArn"], one["ExecutionRoleArn"]),
            "container": (container["Name"], container["Image"], container["PortMappings"][0]["ContainerPort"]),
            "environment": sorted(item["Name"] for item in container["Environment"]),
            "secrets": sorted(item["Name"] for item in container["Secrets"]),
            "log": container["LogConfiguration"]["Options"],
        }

    def codedeploy(self):
        for one in self.all("AWS::CodeDeploy::DeploymentGroup"):
            pair, timing = one["LoadBalancerInfo"]["TargetGroupPairInfoList"][0], one["BlueGreenDeploymentConfiguration"]
            ready, blue = timing["DeploymentReadyOption"], timing["TerminateBlueInstancesOnDeploymentSuccess"]
            names = {"<aws_lb_target_group.this['blue']>": "api-blue", "<aws_lb_target_group.this['green']>": "api-green"}
            return {
                "name": one["DeploymentGroupName"],
                "config": one["DeploymentConfigName"],
                "role": one["ServiceRoleArn"],
                "listeners": (pair["ProdTrafficRoute"]["ListenerArns"], pair["TestTrafficRoute"]["ListenerArns"]),
                "groups": sorted(names[group["Name"]] for group in pair["TargetGroups"]),
                "ready": (ready["ActionOnTimeout"], ready["WaitTimeInMinutes"]),
                "blue": (blue["Action"], blue["TerminationWaitTimeInMinutes"]),
                "rollback": sorted(one["AutoRollbackConfiguration"]["Events"]),
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
        return {
            one["AlarmName"]: (
                one["ComparisonOperator"],
                float(one["Threshold"]),
                one["EvaluationPeriods"],
                one["DatapointsToAlarm"],
                one["TreatMissingData"],
                one["AlarmActions"],
                one["OKActions"],
                {query["Id"]: self.metric(query) for query in one.get("Metrics", [])},
            )
            for one in self.all("AWS::CloudWatch::Alarm")
        }

    def composite(self):
        return self.all("AWS::CloudWatch::CompositeAlarm")[0]["AlarmRule"]

    def dashboard(self):
        return json.loads(self.all("AWS::CloudWatch::Dashboard")[0]["DashboardBody"])

    def events(self):
        filters = {
            one["FilterName"]: (
                one["FilterPattern"],
                one["MetricTransformations"][0]["MetricNamespace"],
                one["MetricTransformations"][0]["MetricName"],
            )
            for one in self.all("AWS::Logs::MetricFilter")
        }
        return {one["Name"]: one["EventPattern"] for one in self.all("AWS::Events::Rule")}, filters

    def logs(self):
        return {one["LogGroupName"]: one["RetentionInDays"] for one in self.all("AWS::Logs::LogGroup")}

    def scaling(self):
        target = self.all("AWS::ApplicationAutoScaling::ScalableTarget")[0]
        aims = {}
        for one in self.all("AWS::ApplicationAutoScaling::ScalingPolicy"):
            aim = one["TargetTrackingScalingPolicyConfiguration"]
            aims[aim["PredefinedMetricSpecification"]["PredefinedMetricType"]] = (
                aim["TargetValue"],
                aim["ScaleInCooldown"],
                aim["ScaleOutCooldown"],
            )
        return target["ResourceId"], target["MinCapacity"], target["MaxCapacity"], aims

    def registry(self):
        one = self.all("AWS::ECR::Repository")[0]
        tags = [item["ImageTagMutabilityExclusionFilterValue"] for item in one["ImageTagMutabilityExclusionFilters"]]
        return (
            one["RepositoryName"],
            one["ImageTagMutability"],
            tags,
            one["ImageScanningConfiguration"]["ScanOnPush"],
            json.loads(one["LifecyclePolicy"]["LifecyclePolicyText"]),
        )

    def database(self):
        keys = (
            "DBInstanceIdentifier",
            "Engine",
            "EngineVersion",
            "DBInstanceClass",
            "StorageType",
            "StorageEncrypted",
            "ManageMasterUserPassword",
            "PubliclyAccessible",
            "MultiAZ",
            "BackupRetentionPeriod",
            "DeletionProtection",
            "DBName",
            "MasterUsername",
        )
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
                "errors": sorted(
                    (item["ErrorCode"], item["ResponseCode"], item["ResponsePagePath"]) for item in one["CustomErrorResponses"]
                ),
                "behaviour": (behaviour["ViewerProtocolPolicy"], behaviour["Compress"], behaviour["CachePolicyId"]),
                "hsts": headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"],
                "csp": headers["ContentSecurityPolicy"]["ContentSecurityPolicy"],
                "frames": headers["FrameOptions"]["FrameOption"],
                "nosniff": headers["ContentTypeOptions"]["Override"],
                "function": self.all("AWS::CloudFront::Function")[0]["FunctionCode"].strip(),
            }
        return None

    def options(self):
        checks = [one["HealthCheckConfig"] for one in self.all("AWS::Route53::HealthCheck")]
        return {
            "health check": [(one["Type"], one["FullyQualifiedDomainName"], one["Port"], one["ResourcePath"]) for one in checks],
            "canary": [
                (
                    one["Name"],
                    one["RuntimeVersion"],
                    one["Code"]["Handler"],
                    one["Schedule"]["Expression"],
                    one["RunConfig"]["EnvironmentVariables"],
                )
                for one in self.all("AWS::Synthetics::Canary")
            ],
            "budget": [
                (
                    float(one["Budget"]["BudgetLimit"]["Amount"]),
                    one["Budget"]["CostFilters"]["TagKeyValue"],
                    sorted(
                        (item["Notification"]["NotificationType"], item["Notification"]["Threshold"])
                        for item in one["NotificationsWithSubscribers"]
                    ),
                )
                for one in self.all("AWS::Budgets::Budget")
            ],
            "rotation": [one["RotationRules"]["AutomaticallyAfterDays"] for one in self.all("AWS::SecretsManager::RotationSchedule")],
            "mail": [(one["Protocol"], one["Endpoint"]) for one in self.all("AWS::SNS::Subscription")],
        }
