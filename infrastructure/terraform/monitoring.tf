# What people and deployments look at: a dashboard, alarms, and every change of state in a log.

locals {
  profile = {
    standard = { error_percent = 5, latency_seconds = 10, latency_statistic = "p95", good_percent = null }
    strict   = { error_percent = 1, latency_seconds = 0.5, latency_statistic = "p99", good_percent = 99 }
  }[var.alarm_profile]

  load_balancer = { LoadBalancer = aws_lb.this.arn_suffix }
  # Which group serves changes with every deployment, so both are always named.
  groups = {
    blue  = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = local.blue.arn_suffix }
    green = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = local.green.arn_suffix }
  }
  requests = "FILL(requests_blue,0)+FILL(requests_green,0)+FILL(errors_load_balancer,0)"
  errors   = "FILL(errors_blue,0)+FILL(errors_green,0)+FILL(errors_load_balancer,0)"
  # What an alarm of errors reads: of both groups, and what the load balancer answered itself because no task did.
  error_metrics = merge(
    { for group, dimensions in local.groups : "requests_${group}" => { metric = "RequestCount", dimensions = dimensions } },
    { for group, dimensions in local.groups : "errors_${group}" => { metric = "HTTPCode_Target_5XX_Count", dimensions = dimensions } },
    { errors_load_balancer = { metric = "HTTPCode_ELB_5XX_Count", dimensions = local.load_balancer } },
  )
  deployment_alarms = [for alarm in [
    aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.latency, aws_cloudwatch_metric_alarm.unhealthy
  ] : alarm.alarm_name]
}

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
  tags = local.tags
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = var.alarm_emails
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  alarm_description   = "More than ${local.profile.error_percent} % of requests failed (5xx), in each of five minutes with enough requests."
  comparison_operator = "GreaterThanThreshold"
  threshold           = local.profile.error_percent
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "error_rate"
    label       = "5xx, percent"
    return_data = true
    expression  = "IF(${local.requests}>=${var.alarm_min_requests},100*(${local.errors})/(${local.requests}),0)"
  }

  dynamic "metric_query" {
    for_each = local.error_metrics
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        period      = 60
        stat        = "Sum"
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "${var.name}-latency"
  alarm_description   = "${local.profile.latency_statistic} above ${local.profile.latency_seconds} s, in each of five minutes."
  comparison_operator = "GreaterThanThreshold"
  threshold           = local.profile.latency_seconds
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "latency"
    label       = "the slower group, seconds"
    return_data = true
    expression  = "MAX([FILL(latency_blue,0),FILL(latency_green,0)])"
  }

  dynamic "metric_query" {
    for_each = local.groups
    content {
      id = "latency_${metric_query.key}"
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = "TargetResponseTime"
        dimensions  = metric_query.value
        period      = 60
        stat        = local.profile.latency_statistic
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  alarm_name          = "${var.name}-unhealthy"
  alarm_description   = "Tasks failed the load balancer's health checks for two minutes."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "unhealthy"
    label       = "unhealthy tasks"
    return_data = true
    expression  = "FILL(unhealthy_blue,0)+FILL(unhealthy_green,0)"
  }

  dynamic "metric_query" {
    for_each = local.groups
    content {
      id = "unhealthy_${metric_query.key}"
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = "UnHealthyHostCount"
        dimensions  = metric_query.value
        period      = 60
        stat        = "Maximum"
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "availability" {
  count               = local.profile.good_percent == null ? 0 : 1
  alarm_name          = "${var.name}-availability"
  alarm_description   = "Less than ${local.profile.good_percent} % good answers in an hour. Not for deployments: it stays for an hour."
  comparison_operator = "LessThanThreshold"
  threshold           = local.profile.good_percent
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "good"
    label       = "good answers, percent"
    return_data = true
    expression  = "IF(${local.requests}>=${var.alarm_min_requests},100-100*(${local.errors})/(${local.requests}),100)"
  }

  dynamic "metric_query" {
    for_each = local.error_metrics
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        period      = 3600
        stat        = "Sum"
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "connections" {
  count               = local.databases
  alarm_name          = "${var.name}-connections"
  alarm_description   = "More than 80 % of the database's connections are in use."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 80
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "used"
    label       = "connections, percent"
    return_data = true
    expression  = "100*connections/${var.database.max_connections}"
  }

  metric_query {
    id = "connections"
    metric {
      namespace   = "AWS/RDS"
      metric_name = "DatabaseConnections"
      dimensions  = { DBInstanceIdentifier = aws_db_instance.this[0].identifier }
      period      = 60
      stat        = "Maximum"
    }
  }
}

# For the action's input `alarms`: one name for everything that should end a deployment.
resource "aws_cloudwatch_composite_alarm" "deployment" {
  alarm_name        = "${var.name}-deployment"
  alarm_description = "Anything that should end a deployment. The alarms themselves tell people."
  alarm_rule = join(" OR ", [for alarm in concat(
    local.deployment_alarms, [for connections in aws_cloudwatch_metric_alarm.connections : connections.alarm_name]
  ) : "ALARM(\"${alarm}\")"])
  tags = local.tags
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = templatefile("${path.module}/dashboard.json", {
    Region         = local.region
    Name           = var.name
    LoadBalancer   = aws_lb.this.arn_suffix
    Blue           = local.blue.arn_suffix
    Green          = local.green.arn_suffix
    ErrorPercent   = local.profile.error_percent
    LatencySeconds = local.profile.latency_seconds
    Events         = aws_cloudwatch_log_group.events.name
  })
}

# Every change of state: deployments, alarms.

resource "aws_cloudwatch_log_group" "events" {
  name              = "/aws/events/${var.name}"
  retention_in_days = var.log_days
  tags              = local.tags
}

resource "aws_cloudwatch_log_resource_policy" "events" {
  policy_name = "${var.name}-events"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Events"
      Effect    = "Allow"
      Principal = { Service = ["events.amazonaws.com", "delivery.logs.amazonaws.com"] }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "arn:aws:logs:${local.region}:${local.account}:log-group:/aws/events/${var.name}:*"
    }]
  })
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = merge(
    {
      deployments = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Deployment State Change", "ECS Service Action"]
        resources   = [{ prefix = "arn:aws:ecs:${local.region}:${local.account}:service/${var.name}/${var.name}" }]
      }
      alarms = {
        source      = ["aws.cloudwatch"]
        detail-type = ["CloudWatch Alarm State Change"]
        resources   = [{ prefix = "arn:aws:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-" }]
      }
    },
    local.codedeploy ? {
      codedeploy = {
        source      = ["aws.codedeploy"]
        detail-type = ["CodeDeploy Deployment State-change Notification"]
        detail      = { application = [var.name] }
      }
    } : {},
  )
  name          = "${var.name}-${each.key}"
  description   = "Changes of state of ${var.name} for the log"
  event_pattern = jsonencode(each.value)
  tags          = local.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = aws_cloudwatch_event_rule.this
  rule     = each.value.name
  arn      = aws_cloudwatch_log_group.events.arn
}

# Deployments as marks in the dashboard's graphs.
resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = {
    started = "{ $.detail.eventName = \"SERVICE_DEPLOYMENT_IN_PROGRESS\" || $.detail.state = \"START\" }"
    failed  = "{ $.detail.eventName = \"SERVICE_DEPLOYMENT_FAILED\" || $.detail.state = \"FAILURE\" }"
  }
  name           = "${var.name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.events.name
  pattern        = each.value

  metric_transformation {
    namespace = "Deployments"
    name      = "${var.name}-${each.key}"
    value     = "1"
  }
}

# Options.

resource "aws_s3_bucket" "canary" {
  count         = var.synthetics_canary ? 1 : 0
  bucket        = "${var.name}-canary-${local.account}"
  force_destroy = true
  tags          = local.tags
}

resource "aws_s3_bucket_public_access_block" "canary" {
  count                   = var.synthetics_canary ? 1 : 0
  bucket                  = aws_s3_bucket.canary[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "canary" {
  count  = var.synthetics_canary ? 1 : 0
  bucket = aws_s3_bucket.canary[0].id
  rule {
    id     = "old-results"
    status = "Enabled"
    filter {}
    expiration {
      days = var.log_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_iam_role" "canary" {
  count              = var.synthetics_canary ? 1 : 0
  name               = "${var.name}-canary"
  assume_role_policy = local.trust["lambda"]
  tags               = local.tags
}

resource "aws_iam_role_policy" "canary" {
  count = var.synthetics_canary ? 1 : 0
  name  = "canary"
  role  = aws_iam_role.canary[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Results", Effect = "Allow", Action = ["s3:PutObject", "s3:GetBucketLocation"], Resource = [aws_s3_bucket.canary[0].arn, "${aws_s3_bucket.canary[0].arn}/*"] },
      { Sid = "Buckets", Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:${local.region}:${local.account}:log-group:/aws/lambda/cwsyn-${var.name}-*"
      },
      {
        Sid       = "Metrics"
        Effect    = "Allow"
        Action    = "cloudwatch:PutMetricData"
        Resource  = "*"
        Condition = { StringEquals = { "cloudwatch:namespace" = "CloudWatchSynthetics" } }
      },
    ]
  })
}

resource "aws_synthetics_canary" "this" {
  count                = var.synthetics_canary ? 1 : 0
  name                 = var.name
  artifact_s3_location = "s3://${aws_s3_bucket.canary[0].bucket}/"
  execution_role_arn   = aws_iam_role.canary[0].arn
  runtime_version      = "syn-nodejs-puppeteer-13.1"
  handler              = "health.handler"
  zip_file             = "${path.module}/canary.zip"
  start_canary         = true
  delete_lambda        = true
  tags                 = local.tags

  schedule {
    expression = "rate(5 minutes)"
  }

  run_config {
    timeout_in_seconds    = 30
    environment_variables = { URL = "https://${var.domain_name}${var.health_check_path}" }
  }

  depends_on = [aws_iam_role_policy.canary]
}

resource "aws_cloudwatch_metric_alarm" "canary" {
  count               = var.synthetics_canary ? 1 : 0
  alarm_name          = "${var.name}-canary"
  alarm_description   = "The Synthetics canary could not reach production twice in a row."
  comparison_operator = "LessThanThreshold"
  threshold           = 100
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  namespace           = "CloudWatchSynthetics"
  metric_name         = "SuccessPercent"
  dimensions          = { CanaryName = aws_synthetics_canary.this[0].name }
  period              = 300
  statistic           = "Average"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}

# Its metrics, and with them alarms, are in us-east-1.
resource "aws_route53_health_check" "this" {
  count             = var.route53_health_check ? 1 : 0
  type              = "HTTPS"
  fqdn              = var.domain_name
  port              = 443
  resource_path     = var.health_check_path
  request_interval  = 30
  failure_threshold = 3
  tags              = merge(local.tags, { Name = var.name })
}

resource "aws_budgets_budget" "this" {
  count        = var.budget_usd == null ? 0 : 1
  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Service$%s", var.name)]
  }

  notification {
    comparison_operator        = "GREATER_THAN"
    threshold                  = 80
    threshold_type             = "PERCENTAGE"
    notification_type          = "ACTUAL"
    subscriber_email_addresses = var.alarm_emails
  }

  notification {
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    notification_type          = "FORECASTED"
    subscriber_email_addresses = var.alarm_emails
  }
}
