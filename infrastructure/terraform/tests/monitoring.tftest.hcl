mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name              = "api"
  github_repository = "owner/repository"
  domain_name       = "api.example.com"
  zone_id           = "Z1"
  test_cidrs        = ["192.0.2.0/24"]
}

# Alarms name both target groups, because which of them serves changes with every deployment.

run "standard" {
  assert {
    condition = alltrue([for alarm in [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.latency, aws_cloudwatch_metric_alarm.unhealthy] :
      toset(compact(flatten([for query in alarm.metric_query : [for metric in query.metric : lookup(metric.dimensions, "TargetGroup", "")]]))) == toset([
    aws_lb_target_group.this["blue"].arn_suffix, aws_lb_target_group.this["green"].arn_suffix])])
    error_message = "an alarm looks at one target group only"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.errors.threshold == 5 && aws_cloudwatch_metric_alarm.errors.evaluation_periods == 5 && aws_cloudwatch_metric_alarm.latency.threshold == 10 && aws_cloudwatch_metric_alarm.unhealthy.threshold == 0 && aws_cloudwatch_metric_alarm.unhealthy.evaluation_periods == 2
    error_message = "5 % and 10 s for five minutes, unhealthy tasks for two"
  }
  assert {
    condition     = toset([for query in aws_cloudwatch_metric_alarm.latency.metric_query : one(query.metric).stat if length(query.metric) > 0]) == toset(["p95"])
    error_message = "the 95th percentile"
  }
  assert {
    condition     = alltrue([for alarm in [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.latency, aws_cloudwatch_metric_alarm.unhealthy] : alarm.treat_missing_data == "notBreaching"])
    error_message = "silence is no alarm"
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.availability) == 0 && length(aws_cloudwatch_metric_alarm.connections) == 0
    error_message = "the other alarms belong to the strict profile and to a database"
  }
  assert {
    condition     = aws_cloudwatch_composite_alarm.deployment.alarm_rule == "ALARM(\"api-errors\") OR ALARM(\"api-latency\") OR ALARM(\"api-unhealthy\")" && output.inputs.alarms == "api-deployment"
    error_message = "one alarm for the action"
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 6
    error_message = "the dashboard is JSON"
  }
  assert {
    condition     = length(aws_synthetics_canary.this) + length(aws_route53_health_check.this) + length(aws_budgets_budget.this) + length(aws_wafv2_web_acl.this) + length(aws_db_instance.this) + length(aws_s3_bucket.site) == 0
    error_message = "options are off"
  }
}

run "strict" {
  variables {
    alarm_profile = "strict"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.errors.threshold == 1 && aws_cloudwatch_metric_alarm.latency.threshold == 0.5 && aws_cloudwatch_metric_alarm.availability[0].threshold == 99
    error_message = "1 %, 500 ms, 99 %"
  }
  assert {
    condition     = toset([for query in aws_cloudwatch_metric_alarm.latency.metric_query : one(query.metric).stat if length(query.metric) > 0]) == toset(["p99"])
    error_message = "the 99th percentile"
  }
  assert {
    condition     = !strcontains(aws_cloudwatch_composite_alarm.deployment.alarm_rule, "availability")
    error_message = "an alarm that stays for an hour would refuse every fix"
  }
}

run "everything" {
  variables {
    alarm_emails          = ["team@example.com"]
    synthetics_canary     = true
    route53_health_check  = true
    budget_usd            = 100
    waf                   = {}
    database              = {}
    site                  = {}
    rotation_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.connections[0].threshold == 80 && strcontains(aws_cloudwatch_composite_alarm.deployment.alarm_rule, "api-connections")
    error_message = "80 % of the connections"
  }
  assert {
    condition     = aws_secretsmanager_secret_rotation.this[0].rotation_rules[0].automatically_after_days == 90
    error_message = "every 90 days"
  }
  assert {
    condition     = aws_synthetics_canary.this[0].run_config[0].environment_variables.URL == "https://api.example.com/health" && aws_route53_health_check.this[0].fqdn == "api.example.com" && aws_route53_health_check.this[0].resource_path == "/health"
    error_message = "production is asked from outside"
  }
  assert {
    condition     = aws_budgets_budget.this[0].limit_amount == "100" && one(aws_budgets_budget.this[0].cost_filter).values == tolist(["user:Service$api"])
    error_message = "the budget is that of this service's tag"
  }
  assert {
    condition     = { for item in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets : item.name => item.valueFrom }.DATABASE_PASSWORD == "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds-x:password::"
    error_message = "the application finds the database's password"
  }
  assert {
    condition     = aws_db_instance.this[0].storage_encrypted && !aws_db_instance.this[0].publicly_accessible && aws_db_instance.this[0].backup_retention_period == 14
    error_message = "the database is encrypted, backed up, and not public"
  }
}

run "what_scales" {
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 2 && aws_appautoscaling_target.this.max_capacity == 10 && aws_appautoscaling_target.this.resource_id == "service/api/api"
    error_message = "between two and ten tasks"
  }
  assert {
    condition     = toset([for policy in aws_appautoscaling_policy.this : one(one(policy.target_tracking_scaling_policy_configuration).predefined_metric_specification).predefined_metric_type]) == toset(["ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"])
    error_message = "by CPU and by memory"
  }
}

run "images" {
  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE_WITH_EXCLUSION" && aws_ecr_repository.this.image_tag_mutability_exclusion_filter[0].filter == "latest" && aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push
    error_message = "tags are immutable except latest, and images are scanned"
  }
  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this.policy).rules[0].selection.countNumber == 30
    error_message = "30 images are kept"
  }
}

run "secrets" {
  variables {
    secret_keys = ["OAUTH_CLIENT_SECRET"]
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets == [{ name = "OAUTH_CLIENT_SECRET", valueFrom = "${aws_secretsmanager_secret.this.arn}:OAUTH_CLIENT_SECRET::" }]
    error_message = "a key of the secret is an environment variable"
  }
  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource]), aws_secretsmanager_secret.this.arn)
    error_message = "tasks may read the secret"
  }
}
