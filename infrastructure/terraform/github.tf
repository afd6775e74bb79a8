# GitHub's OIDC provider, and the roles that jobs assume. The policies are those of docs/iam.md: policies/ is generated from it.

locals {
  deploy_environment = coalesce(var.environments.deploy, var.approval ? "production-green" : "production")
  oidc_provider      = "arn:aws:iam::${local.account}:oidc-provider/token.actions.githubusercontent.com"

  policy_values = {
    Region        = local.region
    Account       = local.account
    Cluster       = var.name
    Service       = var.name
    Repository    = var.name
    TaskRole      = "${var.name}-task"
    ExecutionRole = "${var.name}-execution"
    Family        = var.name
    Application   = var.name
    Group         = var.name
    LogGroup      = "/ecs/${var.name}"
    Secret        = "${var.name}/app"
    Workspace     = coalesce(var.prometheus_workspace, "none")
  }
  # Statements of what this service does not use; and, where somebody approves, those that open the gate.
  left_out = concat(
    local.codedeploy ? ["ServiceDeployments", "OpenGatesOfEcs", "SayWhoseHooks", "AnswerEcs"] : ["CodeDeploy", "DeploymentsOfCodeDeploy", "OpenGatesOfCodeDeploy", "AnswerCodeDeploy"],
    var.prometheus_workspace == null ? ["AnalysisWithManagedPrometheus"] : [],
  )
  gates    = var.approval ? ["OpenGatesOfCodeDeploy", "OpenGatesOfEcs"] : []
  policies = { for role in ["deploy", "approve"] : role => jsondecode(templatefile("${path.module}/policies/${role}.json", local.policy_values)) }

  roles = merge(
    { deploy = { environment = local.deploy_environment, left_out = concat(local.left_out, local.gates) } },
    var.approval ? { approve = { environment = var.environments.approve, left_out = local.left_out } } : {},
  )
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.create_oidc_provider ? 1 : 0
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
  tags           = local.tags
}

resource "aws_iam_role" "github" {
  for_each             = local.roles
  name                 = "${var.name}-${each.key}"
  max_session_duration = var.role_hours * 3600
  tags                 = local.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.oidc_provider }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:${var.github_repository}:environment:${each.value.environment}"
        }
      }
    }]
  })

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "github" {
  for_each = local.roles
  name     = each.key
  role     = aws_iam_role.github[each.key].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.policies[each.key].Statement : statement if !contains(each.value.left_out, statement.Sid)]
  })
}
