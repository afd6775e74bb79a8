# What the application keeps secret: one JSON document, a key for each of secret_keys.

resource "aws_secretsmanager_secret" "this" {
  name = "${var.name}/app"
  tags = local.tags
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id     = aws_secretsmanager_secret.this.id
  secret_string = jsonencode({ for key in var.secret_keys : key => "change-me" })

  lifecycle {
    # The values are yours, and in nobody's state.
    ignore_changes = [secret_string]
  }
}

resource "aws_lambda_permission" "rotation" {
  count          = var.rotation_function_arn == null ? 0 : 1
  action         = "lambda:InvokeFunction"
  function_name  = var.rotation_function_arn
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
  source_arn     = aws_secretsmanager_secret.this.arn
}

resource "aws_secretsmanager_secret_rotation" "this" {
  count               = var.rotation_function_arn == null ? 0 : 1
  secret_id           = aws_secretsmanager_secret.this.id
  rotation_lambda_arn = var.rotation_function_arn

  rotation_rules {
    automatically_after_days = 90
  }

  depends_on = [aws_lambda_permission.rotation]
}
