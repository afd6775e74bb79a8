resource "aws_codedeploy_app" "this" {
  count            = local.codedeploy ? 1 : 0
  name             = var.name
  compute_platform = "ECS"
  tags             = local.tags
}

resource "aws_codedeploy_deployment_group" "this" {
  count                  = local.codedeploy ? 1 : 0
  app_name               = aws_codedeploy_app.this[0].name
  deployment_group_name  = var.name
  deployment_config_name = var.codedeploy.config
  service_role_arn       = aws_iam_role.codedeploy[0].arn
  tags                   = local.tags

  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "BLUE_GREEN"
  }

  ecs_service {
    cluster_name = aws_ecs_cluster.this.name
    service_name = aws_ecs_service.codedeploy[0].name
  }

  load_balancer_info {
    target_group_pair_info {
      prod_traffic_route {
        listener_arns = [aws_lb_listener.this["production"].arn]
      }
      test_traffic_route {
        listener_arns = [aws_lb_listener.this["test"].arn]
      }
      target_group {
        name = local.blue.name
      }
      target_group {
        name = local.green.name
      }
    }
  }

  blue_green_deployment_config {
    # The gate: green waits here while it is tested.
    deployment_ready_option {
      action_on_timeout    = "STOP_DEPLOYMENT"
      wait_time_in_minutes = var.codedeploy.ready_wait
    }
    terminate_blue_instances_on_deployment_success {
      action                           = "TERMINATE"
      termination_wait_time_in_minutes = var.codedeploy.termination_wait
    }
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
  }

  alarm_configuration {
    enabled = true
    alarms  = local.deployment_alarms
  }

  depends_on = [aws_iam_role_policy_attachment.codedeploy]
}
