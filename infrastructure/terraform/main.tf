# What the files share.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  codedeploy = var.strategy == "codedeploy"
  rolling    = var.strategy == "rolling"
  # The words of ECS.
  ecs_strategy = { blue-green = "BLUE_GREEN", canary = "CANARY", linear = "LINEAR", rolling = "ROLLING", codedeploy = "" }[var.strategy]

  account = data.aws_caller_identity.current.account_id
  region  = data.aws_region.current.region
  tags    = { Service = var.name }
}

# A plan that cannot work is refused here, with all reasons.
resource "terraform_data" "checks" {
  lifecycle {
    precondition {
      condition     = (var.zone_id == null) != (var.certificate_arn == null)
      error_message = "Give zone_id, in which a certificate and the record of domain_name are made, or certificate_arn, not both."
    }
    precondition {
      condition     = length(var.pause_at) == 0 || !(local.codedeploy || local.rolling)
      error_message = "pause_at is for ECS's strategies blue-green, canary and linear. CodeDeploy waits by codedeploy.ready_wait."
    }
    precondition {
      condition     = var.site == null || length(try(var.site.aliases, [])) == 0 || try(var.site.certificate_arn, null) != null
      error_message = "site.aliases need site.certificate_arn, a certificate of us-east-1."
    }
    precondition {
      condition     = var.budget_usd == null || length(var.alarm_emails) > 0
      error_message = "budget_usd needs alarm_emails: nobody else would hear of it."
    }
  }
}
