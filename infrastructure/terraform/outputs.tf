# The inputs of the action, by their names.

output "inputs" {
  description = "What the step `uses: org/ecs-bluegreen-action` is given, besides image and smoke tests."
  value = merge(
    {
      cluster        = aws_ecs_cluster.this.name
      service        = local.service_name
      container      = var.container_name
      repository     = aws_ecr_repository.this.name
      production-url = "https://${var.domain_name}"
      alarms         = aws_cloudwatch_composite_alarm.deployment.alarm_name
    },
    local.rolling ? {} : { test-url = "https://${var.domain_name}:${var.test_port}" },
    local.codedeploy ? { codedeploy-application = aws_codedeploy_app.this[0].name, codedeploy-deployment-group = aws_codedeploy_deployment_group.this[0].deployment_group_name } : {},
    length(var.pause_at) > 0 ? { manage-hooks = "false" } : {},
  )
}

output "role_arns" {
  description = "The roles of the jobs: deploy, and approve where there is an approval."
  value       = { for role, made in aws_iam_role.github : role => made.arn }
}

output "environments" {
  description = "The GitHub environments that may assume these roles."
  value       = { for role, made in local.roles : role => made.environment }
}

output "load_balancer_dns_name" {
  description = "Where domain_name has to point, when its DNS is elsewhere."
  value       = aws_lb.this.dns_name
}

output "repository_url" {
  description = "Where images are pushed to."
  value       = aws_ecr_repository.this.repository_url
}

output "task_role_name" {
  description = "The role of the application: attach what it may do."
  value       = aws_iam_role.task.name
}

output "secret_name" {
  description = "The application's secrets."
  value       = aws_secretsmanager_secret.this.name
}

output "site" {
  description = "The frontend's bucket, distribution and key-value store."
  value = var.site == null ? null : {
    bucket          = aws_s3_bucket.site[0].bucket
    distribution    = aws_cloudfront_distribution.site[0].id
    domain_name     = aws_cloudfront_distribution.site[0].domain_name
    key_value_store = aws_cloudfront_key_value_store.site[0].arn
  }
}
