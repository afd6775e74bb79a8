# A canary whose gates belong to the service: every deployment waits at them, whoever starts it. A person opens the first one.

#
# The very first deployment of a service would wait there too, with nobody to answer: make everything first (terraform apply), then the
# gates (terraform apply -var made=true), which start no deployment.

variable "made" {
  description = "Whether the service is there already."
  type        = bool
  default     = false
}

provider "aws" {
  region = "eu-central-1"
}

module "api" {
  source = "../.."

  name              = "api"
  strategy          = "canary"
  github_repository = "OWNER/REPOSITORY"
  domain_name       = "api.example.com"
  zone_id           = "Z0123456789ABCDEFGHIJ"
  test_cidrs        = ["0.0.0.0/0"]

  canary        = { percent = 10, bake = 30 }
  bake_minutes  = 15
  pause_at      = var.made ? ["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"] : []
  pause_minutes = 120
  approval      = true

  alarm_profile     = "strict"
  alarm_emails      = ["team@example.com"]
  synthetics_canary = true
  budget_usd        = 200
}

output "api" {
  value = { inputs = module.api.inputs, roles = module.api.role_arns, environments = module.api.environments }
}
