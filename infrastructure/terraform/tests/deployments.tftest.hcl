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

# What a deployment needs of a service, whatever strategy it has; then what each strategy has of its own.

run "ports" {
  assert {
    condition     = aws_lb_listener.this["production"].port == 443 && aws_lb_listener.this["production"].protocol == "HTTPS"
    error_message = "production is at 443"
  }
  assert {
    condition     = aws_lb_listener.this["test"].port == 8443 && aws_lb_listener.this["test"].protocol == "HTTPS"
    error_message = "green is tested at 8443"
  }
  assert {
    condition     = aws_lb_listener.redirect.port == 80 && aws_lb_listener.redirect.default_action[0].redirect[0].status_code == "HTTP_301"
    error_message = "80 leads to HTTPS"
  }
  assert {
    condition     = alltrue([for group in aws_lb_target_group.this : group.port == 8080 && group.target_type == "ip" && group.health_check[0].path == "/health" && group.health_check[0].matcher == "200"])
    error_message = "both groups ask the container's port for /health"
  }
  assert {
    condition     = one(aws_ecs_service.this[0].load_balancer).container_port == 8080 && one(aws_ecs_service.this[0].load_balancer).container_name == "app"
    error_message = "the load balancer leads to the container's port"
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].portMappings[0].containerPort == 8080 && contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment, { name = "PORT", value = "8080" })
    error_message = "the container listens on the port that the load balancer asks"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.tasks.from_port == 8080 && aws_vpc_security_group_ingress_rule.tasks.to_port == 8080 && aws_vpc_security_group_ingress_rule.tasks.referenced_security_group_id == aws_security_group.load_balancer.id && aws_vpc_security_group_ingress_rule.tasks.cidr_ipv4 == null
    error_message = "only the load balancer reaches the tasks"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.https.from_port == 443 && aws_vpc_security_group_ingress_rule.https.cidr_ipv4 == "0.0.0.0/0"
    error_message = "users reach 443"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.test["192.0.2.0/24"].from_port == 8443 && length(aws_vpc_security_group_ingress_rule.test) == 1
    error_message = "only test_cidrs reach the test listener"
  }
}

run "blue_green" {
  assert {
    condition     = one(aws_ecs_service.this[0].deployment_configuration).strategy == "BLUE_GREEN" && one(aws_ecs_service.this[0].deployment_configuration).bake_time_in_minutes == "10"
    error_message = "ECS's blue-green keeps blue for bake_minutes"
  }
  assert {
    condition     = length(aws_lb_target_group.this) == 2 && aws_lb_target_group.this["blue"].name == "api-blue" && aws_lb_target_group.this["green"].name == "api-green"
    error_message = "there are two target groups"
  }
  assert {
    condition = (one(one(aws_ecs_service.this[0].load_balancer).advanced_configuration).alternate_target_group_arn == aws_lb_target_group.this["green"].arn
      && one(aws_ecs_service.this[0].load_balancer).target_group_arn == aws_lb_target_group.this["blue"].arn
    && aws_lb_target_group.this["blue"].arn != aws_lb_target_group.this["green"].arn)
    error_message = "the service has one group, and the other as its alternate"
  }
  assert {
    condition     = one(one(aws_ecs_service.this[0].load_balancer).advanced_configuration).production_listener_rule == aws_lb_listener_rule.this["production"].arn
    error_message = "ECS moves the production rule"
  }
  assert {
    condition     = one(one(aws_ecs_service.this[0].load_balancer).advanced_configuration).test_listener_rule == aws_lb_listener_rule.this["test"].arn
    error_message = "ECS moves the test rule, which is not the production rule"
  }
  assert {
    condition     = aws_lb_listener_rule.this["production"].listener_arn == aws_lb_listener.this["production"].arn && aws_lb_listener_rule.this["test"].listener_arn == aws_lb_listener.this["test"].arn
    error_message = "each rule is on its own listener"
  }
  assert {
    condition = alltrue([for rule in aws_lb_listener_rule.this :
    { for group in one(one(rule.action).forward).target_group : group.arn => group.weight } == { (aws_lb_target_group.this["blue"].arn) = 100, (aws_lb_target_group.this["green"].arn) = 0 }])
    error_message = "one group has all the weight, the other is on the rule with none"
  }
  assert {
    condition     = one(one(aws_ecs_service.this[0].load_balancer).advanced_configuration).role_arn == aws_iam_role.infrastructure[0].arn && jsondecode(aws_iam_role.infrastructure[0].assume_role_policy).Statement[0].Principal.Service == "ecs.amazonaws.com"
    error_message = "ECS has a role to move the weights with"
  }
  assert {
    condition     = aws_iam_role_policy_attachment.infrastructure[0].policy_arn == "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
    error_message = "that role has AWS's policy for load balancers"
  }
  assert {
    condition     = toset(one(aws_ecs_service.this[0].alarms).alarm_names) == toset(["api-errors", "api-latency", "api-unhealthy"]) && one(aws_ecs_service.this[0].alarms).rollback
    error_message = "ECS watches the alarms itself"
  }
  assert {
    condition     = length(one(aws_ecs_service.this[0].deployment_configuration).lifecycle_hook) == 0
    error_message = "hooks are the action's, unless pause_at says otherwise"
  }
  assert {
    condition     = length(aws_codedeploy_app.this) == 0 && length(aws_ecs_service.codedeploy) == 0
    error_message = "nothing of CodeDeploy is made"
  }
}

run "canary_with_pause" {
  variables {
    strategy      = "canary"
    canary        = { percent = 5, bake = 30 }
    pause_at      = ["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]
    pause_minutes = 120
  }
  assert {
    condition     = one(aws_ecs_service.this[0].deployment_configuration).strategy == "CANARY" && one(one(aws_ecs_service.this[0].deployment_configuration).canary_configuration).canary_percent == 5 && one(one(aws_ecs_service.this[0].deployment_configuration).canary_configuration).canary_bake_time_in_minutes == "30"
    error_message = "the canary is as asked for"
  }
  assert {
    condition     = one(one(aws_ecs_service.this[0].deployment_configuration).lifecycle_hook).target_type == "PAUSE" && one(one(aws_ecs_service.this[0].deployment_configuration).lifecycle_hook).lifecycle_stages == tolist(["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"])
    error_message = "deployments pause at the stages"
  }
  assert {
    condition     = one(one(one(aws_ecs_service.this[0].deployment_configuration).lifecycle_hook).timeout_configuration).action == "ROLLBACK" && one(one(one(aws_ecs_service.this[0].deployment_configuration).lifecycle_hook).timeout_configuration).timeout_in_minutes == "120"
    error_message = "a pause that nobody answers is rolled back"
  }
  assert {
    condition     = output.inputs["manage-hooks"] == "false"
    error_message = "the action must not add hooks of its own"
  }
}

run "linear" {
  variables {
    strategy = "linear"
    linear   = { percent = 20, bake = 3 }
  }
  assert {
    condition     = one(aws_ecs_service.this[0].deployment_configuration).strategy == "LINEAR" && one(one(aws_ecs_service.this[0].deployment_configuration).linear_configuration).step_percent == 20
    error_message = "the steps are as asked for"
  }
}

run "rolling" {
  variables {
    strategy = "rolling"
  }
  assert {
    condition     = one(aws_ecs_service.this[0].deployment_configuration).strategy == "ROLLING" && one(aws_ecs_service.this[0].deployment_circuit_breaker).enable && one(aws_ecs_service.this[0].deployment_circuit_breaker).rollback
    error_message = "a rolling service has a circuit breaker that rolls back"
  }
  assert {
    condition     = length(one(aws_ecs_service.this[0].load_balancer).advanced_configuration) == 0 && length(aws_lb_listener.this) == 1 && length(aws_vpc_security_group_ingress_rule.test) == 0 && !contains(keys(output.inputs), "test-url")
    error_message = "rolling has no green, and no way to it"
  }
}

run "codedeploy" {
  variables {
    strategy = "codedeploy"
  }
  assert {
    condition     = aws_ecs_service.codedeploy[0].deployment_controller[0].type == "CODE_DEPLOY" && length(aws_ecs_service.this) == 0
    error_message = "the service is CodeDeploy's"
  }
  assert {
    condition     = toset([for group in one(one(aws_codedeploy_deployment_group.this[0].load_balancer_info).target_group_pair_info).target_group : group.name]) == toset(["api-blue", "api-green"])
    error_message = "the group has both target groups"
  }
  assert {
    condition = (one(one(one(aws_codedeploy_deployment_group.this[0].load_balancer_info).target_group_pair_info).prod_traffic_route).listener_arns == toset([aws_lb_listener.this["production"].arn])
    && one(one(one(aws_codedeploy_deployment_group.this[0].load_balancer_info).target_group_pair_info).test_traffic_route).listener_arns == toset([aws_lb_listener.this["test"].arn]))
    error_message = "production and test have their listeners"
  }
  assert {
    condition     = one(one(aws_codedeploy_deployment_group.this[0].blue_green_deployment_config).deployment_ready_option).action_on_timeout == "STOP_DEPLOYMENT" && one(one(aws_codedeploy_deployment_group.this[0].blue_green_deployment_config).deployment_ready_option).wait_time_in_minutes == 60
    error_message = "green waits at the gate while it is tested"
  }
  assert {
    condition     = one(one(aws_codedeploy_deployment_group.this[0].blue_green_deployment_config).terminate_blue_instances_on_deployment_success).termination_wait_time_in_minutes == 10
    error_message = "blue is kept after the shift"
  }
  assert {
    condition     = one(aws_codedeploy_deployment_group.this[0].auto_rollback_configuration).events == toset(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"])
    error_message = "every failure is rolled back"
  }
  assert {
    condition     = one(aws_codedeploy_deployment_group.this[0].alarm_configuration).alarms == toset(["api-errors", "api-latency", "api-unhealthy"]) && one(aws_codedeploy_deployment_group.this[0].alarm_configuration).enabled
    error_message = "CodeDeploy watches the alarms itself"
  }
  assert {
    condition = alltrue([for listener in aws_lb_listener.this :
    { for group in one(one(listener.default_action).forward).target_group : group.arn => group.weight } == { (aws_lb_target_group.this["blue"].arn) = 100, (aws_lb_target_group.this["green"].arn) = 0 }])
    error_message = "one group has all the weight of the listeners, the other none"
  }
  assert {
    condition     = length(aws_lb_listener_rule.this) == 0 && jsondecode(aws_iam_role.codedeploy[0].assume_role_policy).Statement[0].Principal.Service == "codedeploy.amazonaws.com"
    error_message = "CodeDeploy moves the listeners' default actions, with a role of its own"
  }
}
