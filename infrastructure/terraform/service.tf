resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_days
  tags              = local.tags
}

resource "aws_ecs_cluster" "this" {
  name = var.name
  tags = local.tags

  # Counts running tasks for the dashboard.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

locals {
  database_environment = var.database == null ? {} : {
    DATABASE_HOST = aws_db_instance.this[0].address
    DATABASE_PORT = tostring(aws_db_instance.this[0].port)
    DATABASE_NAME = aws_db_instance.this[0].db_name
    DATABASE_USER = aws_db_instance.this[0].username
  }
  database_secrets = var.database == null ? {} : { DATABASE_PASSWORD = "${aws_db_instance.this[0].master_user_secret[0].secret_arn}:password::" }
  app_secrets      = { for key in var.secret_keys : key => "${aws_secretsmanager_secret.this.arn}:${key}::" }
  all_environment  = merge({ PORT = tostring(var.container_port) }, local.database_environment, var.environment)
}

# The first revision only. Deployments register the others; each starts from the one that is live, with another image.
resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  tags                     = local.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  container_definitions = jsonencode([{
    name         = var.container_name
    image        = var.first_image
    essential    = true
    portMappings = [{ containerPort = var.container_port, protocol = "tcp" }]
    environment  = [for name, value in local.all_environment : { name = name, value = value }]
    secrets      = [for name, from in merge(local.app_secrets, local.database_secrets) : { name = name, valueFrom = from }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = local.region
        awslogs-stream-prefix = var.name
      }
    }
  }])
}

# A service of ECS's own strategies, or a rolling one.
resource "aws_ecs_service" "this" {
  count                             = local.codedeploy ? 0 : 1
  name                              = var.name
  cluster                           = aws_ecs_cluster.this.arn
  task_definition                   = aws_ecs_task_definition.this.arn
  desired_count                     = var.tasks.min
  launch_type                       = "FARGATE"
  platform_version                  = "LATEST"
  propagate_tags                    = "SERVICE"
  health_check_grace_period_seconds = 30
  tags                              = local.tags

  deployment_controller {
    type = "ECS"
  }

  deployment_configuration {
    strategy             = local.ecs_strategy
    bake_time_in_minutes = local.rolling ? null : tostring(var.bake_minutes)

    dynamic "canary_configuration" {
      for_each = var.strategy == "canary" ? [var.canary] : []
      content {
        canary_percent              = canary_configuration.value.percent
        canary_bake_time_in_minutes = tostring(canary_configuration.value.bake)
      }
    }

    dynamic "linear_configuration" {
      for_each = var.strategy == "linear" ? [var.linear] : []
      content {
        step_percent              = linear_configuration.value.percent
        step_bake_time_in_minutes = tostring(linear_configuration.value.bake)
      }
    }

    dynamic "lifecycle_hook" {
      for_each = length(var.pause_at) > 0 ? [var.pause_at] : []
      content {
        target_type      = "PAUSE"
        lifecycle_stages = lifecycle_hook.value
        timeout_configuration {
          timeout_in_minutes = tostring(var.pause_minutes)
          action             = "ROLLBACK"
        }
      }
    }
  }

  dynamic "deployment_circuit_breaker" {
    for_each = local.rolling ? [1] : []
    content {
      enable   = true
      rollback = true
    }
  }

  # AWS watches these also when the job is dead.
  alarms {
    alarm_names = local.deployment_alarms
    enable      = true
    rollback    = true
  }

  network_configuration {
    subnets         = local.private_subnets
    security_groups = [aws_security_group.tasks.id]
  }

  load_balancer {
    target_group_arn = local.blue.arn
    container_name   = var.container_name
    container_port   = var.container_port

    dynamic "advanced_configuration" {
      for_each = local.rolling ? [] : [1]
      content {
        alternate_target_group_arn = local.green.arn
        production_listener_rule   = aws_lb_listener_rule.this["production"].arn
        test_listener_rule         = aws_lb_listener_rule.this["test"].arn
        role_arn                   = aws_iam_role.infrastructure[0].arn
      }
    }
  }

  lifecycle {
    # Deployments bring revisions, autoscaling brings tasks: a plan that put either back would be a deployment of its own.
    ignore_changes = [task_definition, desired_count]
  }

  depends_on = [aws_iam_role_policy_attachment.infrastructure, aws_lb_listener_rule.this, aws_iam_role_policy.execution]
}

# A service whose task sets and load balancers belong to CodeDeploy.
resource "aws_ecs_service" "codedeploy" {
  count                             = local.codedeploy ? 1 : 0
  name                              = var.name
  cluster                           = aws_ecs_cluster.this.arn
  task_definition                   = aws_ecs_task_definition.this.arn
  desired_count                     = var.tasks.min
  launch_type                       = "FARGATE"
  platform_version                  = "LATEST"
  propagate_tags                    = "SERVICE"
  health_check_grace_period_seconds = 30
  tags                              = local.tags

  deployment_controller {
    type = "CODE_DEPLOY"
  }

  network_configuration {
    subnets         = local.private_subnets
    security_groups = [aws_security_group.tasks.id]
  }

  load_balancer {
    target_group_arn = local.blue.arn
    container_name   = var.container_name
    container_port   = var.container_port
  }

  lifecycle {
    # As above; and the target groups change places with every deployment.
    ignore_changes = [task_definition, desired_count, load_balancer, platform_version]
  }

  depends_on = [aws_lb_listener.this, aws_iam_role_policy.execution]
}

locals {
  service_name = local.codedeploy ? aws_ecs_service.codedeploy[0].name : aws_ecs_service.this[0].name
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${local.service_name}"
  min_capacity       = var.tasks.min
  max_capacity       = var.tasks.max
  tags               = local.tags

  lifecycle {
    # The action lets scale-in rest during a deployment, and says so in a tag.
    ignore_changes = [suspended_state, tags, tags_all]
  }
}

resource "aws_appautoscaling_policy" "this" {
  for_each           = { cpu = ["ECSServiceAverageCPUUtilization", var.tasks.cpu], memory = ["ECSServiceAverageMemoryUtilization", var.tasks.memory] }
  name               = "${var.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value[1]
    scale_in_cooldown  = 300
    scale_out_cooldown = 60
    predefined_metric_specification {
      predefined_metric_type = each.value[0]
    }
  }
}
