# What runs: the task's own role, the role that starts it, and the roles that move traffic.

locals {
  trust = { for service in ["ecs-tasks", "ecs", "codedeploy", "lambda"] : service => jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "${service}.amazonaws.com" } }]
  }) }
}

# What the application may do: nothing yet. Attach your policies to it.
resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = local.trust["ecs-tasks"]
  tags               = local.tags
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = local.trust["ecs-tasks"]
  tags               = local.tags
}

resource "aws_iam_role_policy" "execution" {
  name = "start-tasks"
  role = aws_iam_role.execution.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Login", Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      {
        Sid      = "Pull"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = aws_ecr_repository.this.arn
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:${local.region}:${local.account}:log-group:/ecs/${var.name}:*"
      },
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = concat([aws_secretsmanager_secret.this.arn], [for database in aws_db_instance.this : database.master_user_secret[0].secret_arn])
      },
    ]
  })
}

# With it ECS moves the weights of the listeners' rules.
resource "aws_iam_role" "infrastructure" {
  count              = local.codedeploy || local.rolling ? 0 : 1
  name               = "${var.name}-infrastructure"
  assume_role_policy = local.trust["ecs"]
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "infrastructure" {
  count      = local.codedeploy || local.rolling ? 0 : 1
  role       = aws_iam_role.infrastructure[0].name
  policy_arn = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"
}

resource "aws_iam_role" "codedeploy" {
  count              = local.codedeploy ? 1 : 0
  name               = "${var.name}-codedeploy"
  assume_role_policy = local.trust["codedeploy"]
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "codedeploy" {
  count      = local.codedeploy ? 1 : 0
  role       = aws_iam_role.codedeploy[0].name
  policy_arn = "arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS"
}
