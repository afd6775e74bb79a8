"""The names of the same things in Terraform and in CloudFormation."""

import json

# CloudFormation's logical ids, and what they are in Terraform: an address, or the name that a reference gives.
SAME = {
    "BlueTargetGroup": 'aws_lb_target_group.this["blue"]',
    "GreenTargetGroup": 'aws_lb_target_group.this["green"]',
    "LoadBalancer": "aws_lb.this",
    "ProductionListener": 'aws_lb_listener.this["production"]',
    "TestListener": 'aws_lb_listener.this["test"]',
    "RedirectListener": "aws_lb_listener.redirect",
    "ProductionRule": 'aws_lb_listener_rule.this["production"]',
    "TestRule": 'aws_lb_listener_rule.this["test"]',
    "LoadBalancerSecurityGroup": "aws_security_group.load_balancer",
    "TasksSecurityGroup": "aws_security_group.tasks",
    "DatabaseSecurityGroup": "aws_security_group.database[0]",
    "InfrastructureRole": "aws_iam_role.infrastructure[0]",
    "CodeDeployRole": "aws_iam_role.codedeploy[0]",
    "TaskRole": "aws_iam_role.task",
    "ExecutionRole": "aws_iam_role.execution",
    "CanaryRole": "aws_iam_role.canary[0]",
    "AlarmTopic": "aws_sns_topic.alarms",
    "Secret": "aws_secretsmanager_secret.this",
    "WebAcl": "aws_wafv2_web_acl.this[0]",
    "Repository": "aws_ecr_repository.this",
    "CanaryBucket": "aws_s3_bucket.canary[0]",
    "SiteBucket": "aws_s3_bucket.site[0]",
}
NAMED = {
    "ErrorsAlarm": "api-errors",
    "LatencyAlarm": "api-latency",
    "UnhealthyAlarm": "api-unhealthy",
    "ConnectionsAlarm": "api-connections",
    "EventLog": "/aws/events/api",
    "LogGroup": "/ecs/api",
    "Database": "api",
    "Database.MasterUserSecret.SecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds-x",
    "Canary": "api",
    "Cluster": "api",
    "CodeDeployService": "api",
    "CodeDeployApplication": "api",
    "EcsService": "api",
    "OidcProvider": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
    "DeploymentAlarm": "api-deployment",
}
# Types of which both have as many.
COUNTED = {
    "aws_acm_certificate": "AWS::CertificateManager::Certificate",
    "aws_appautoscaling_policy": "AWS::ApplicationAutoScaling::ScalingPolicy",
    "aws_appautoscaling_target": "AWS::ApplicationAutoScaling::ScalableTarget",
    "aws_budgets_budget": "AWS::Budgets::Budget",
    "aws_cloudfront_distribution": "AWS::CloudFront::Distribution",
    "aws_cloudfront_function": "AWS::CloudFront::Function",
    "aws_cloudfront_key_value_store": "AWS::CloudFront::KeyValueStore",
    "aws_cloudfront_origin_access_control": "AWS::CloudFront::OriginAccessControl",
    "aws_cloudfront_response_headers_policy": "AWS::CloudFront::ResponseHeadersPolicy",
    "aws_cloudwatch_composite_alarm": "AWS::CloudWatch::CompositeAlarm",
    "aws_cloudwatch_dashboard": "AWS::CloudWatch::Dashboard",
    "aws_cloudwatch_event_rule": "AWS::Events::Rule",
    "aws_cloudwatch_log_group": "AWS::Logs::LogGroup",
    "aws_cloudwatch_log_metric_filter": "AWS::Logs::MetricFilter",
    "aws_cloudwatch_log_resource_policy": "AWS::Logs::ResourcePolicy",
    "aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm",
    "aws_codedeploy_app": "AWS::CodeDeploy::Application",
    "aws_codedeploy_deployment_group": "AWS::CodeDeploy::DeploymentGroup",
    "aws_db_instance": "AWS::RDS::DBInstance",
    "aws_db_parameter_group": "AWS::RDS::DBParameterGroup",
    "aws_db_subnet_group": "AWS::RDS::DBSubnetGroup",
    "aws_ecr_repository": "AWS::ECR::Repository",
    "aws_ecs_cluster": "AWS::ECS::Cluster",
    "aws_ecs_service": "AWS::ECS::Service",
    "aws_ecs_task_definition": "AWS::ECS::TaskDefinition",
    "aws_eip": "AWS::EC2::EIP",
    "aws_iam_openid_connect_provider": "AWS::IAM::OIDCProvider",
    "aws_iam_role": "AWS::IAM::Role",
    "aws_internet_gateway": "AWS::EC2::InternetGateway",
    "aws_lambda_permission": "AWS::Lambda::Permission",
    "aws_lb": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "aws_lb_listener": "AWS::ElasticLoadBalancingV2::Listener",
    "aws_lb_listener_rule": "AWS::ElasticLoadBalancingV2::ListenerRule",
    "aws_lb_target_group": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "aws_nat_gateway": "AWS::EC2::NatGateway",
    "aws_route": "AWS::EC2::Route",
    "aws_route53_health_check": "AWS::Route53::HealthCheck",
    "aws_route_table": "AWS::EC2::RouteTable",
    "aws_route_table_association": "AWS::EC2::SubnetRouteTableAssociation",
    "aws_s3_bucket": "AWS::S3::Bucket",
    "aws_s3_bucket_policy": "AWS::S3::BucketPolicy",
    "aws_secretsmanager_secret": "AWS::SecretsManager::Secret",
    "aws_secretsmanager_secret_rotation": "AWS::SecretsManager::RotationSchedule",
    "aws_security_group": "AWS::EC2::SecurityGroup",
    "aws_sns_topic": "AWS::SNS::Topic",
    "aws_sns_topic_policy": "AWS::SNS::TopicPolicy",
    "aws_sns_topic_subscription": "AWS::SNS::Subscription",
    "aws_subnet": "AWS::EC2::Subnet",
    "aws_synthetics_canary": "AWS::Synthetics::Canary",
    "aws_vpc": "AWS::EC2::VPC",
    "aws_wafv2_web_acl": "AWS::WAFv2::WebACL",
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
