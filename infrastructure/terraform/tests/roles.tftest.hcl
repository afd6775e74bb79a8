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

# Roles: what docs/iam.md says, and nobody else's jobs. That the policies are those of docs/iam.md is checked where they are generated.

run "one_role" {
  assert {
    condition     = keys(output.role_arns) == ["deploy"] && output.environments.deploy == "production"
    error_message = "without an approval there is one role, for the environment production"
  }
  assert {
    condition     = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Condition.StringEquals == { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com", "token.actions.githubusercontent.com:sub" = "repo:owner/repository:environment:production" }
    error_message = "only that environment of that repository may assume it"
  }
  assert {
    condition     = contains([for statement in jsondecode(aws_iam_role_policy.github["deploy"].policy).Statement : statement.Sid], "OpenGatesOfEcs")
    error_message = "alone, it opens the gates"
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.github["deploy"].policy).Statement : statement if statement.Sid == "RolesInTheTaskDefinition"] == [{
      Sid       = "RolesInTheTaskDefinition"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = ["arn:aws:iam::123456789012:role/api-task", "arn:aws:iam::123456789012:role/api-execution"]
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    }]
    error_message = "it passes the two roles of the task definition, and no others"
  }
  assert {
    condition     = aws_iam_role.task.name == "api-task" && aws_iam_role.execution.name == "api-execution"
    error_message = "these are the roles of the task definition"
  }
  assert {
    condition     = length(aws_iam_role_policy.github["deploy"].policy) < 10240
    error_message = "AWS allows 10,240 characters"
  }
}

run "two_roles" {
  variables {
    approval = true
  }
  assert {
    condition     = keys(output.role_arns) == ["approve", "deploy"] && output.environments == { approve = "production", deploy = "production-green" }
    error_message = "two roles for two environments"
  }
  assert {
    condition     = length([for statement in jsondecode(aws_iam_role_policy.github["deploy"].policy).Statement : statement if contains(flatten([statement.Action]), "ecs:ContinueServiceDeployment") || contains(flatten([statement.Action]), "codedeploy:ContinueDeployment")]) == 0
    error_message = "the role that deploys cannot open the gate"
  }
  assert {
    condition = length([for statement in jsondecode(aws_iam_role_policy.github["approve"].policy).Statement : statement
    if length(setintersection(flatten([statement.Action]), ["ecr:PutImage", "ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:UpdateService", "codedeploy:CreateDeployment", "iam:PassRole"])) > 0]) == 0
    error_message = "the role that approves can bring nothing new"
  }
}

run "two_roles_of_codedeploy" {
  variables {
    strategy = "codedeploy"
    approval = true
  }
  assert {
    condition     = length(setintersection([for statement in jsondecode(aws_iam_role_policy.github["deploy"].policy).Statement : statement.Sid], ["OpenGatesOfCodeDeploy", "OpenGatesOfEcs", "ServiceDeployments"])) == 0 && contains([for statement in jsondecode(aws_iam_role_policy.github["approve"].policy).Statement : statement.Sid], "AnswerCodeDeploy")
    error_message = "only the role that approves continues CodeDeploy's deployments"
  }
}

run "a_provider_that_is_there_already" {
  variables {
    create_oidc_provider = false
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Principal.Federated == "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    error_message = "the account's provider is trusted"
  }
}
