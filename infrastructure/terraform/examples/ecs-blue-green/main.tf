# ECS itself moves all users at once, after green was tested; ten minutes long the way back takes seconds.

provider "aws" {
  region = "eu-central-1"
}

module "api" {
  source = "../.."

  name              = "api"
  github_repository = "OWNER/REPOSITORY"
  domain_name       = "api.example.com"
  zone_id           = "Z0123456789ABCDEFGHIJ"
  # GitHub's own runners have no fixed addresses. With runners of yours, name theirs.
  test_cidrs   = ["0.0.0.0/0"]
  alarm_emails = ["team@example.com"]
}

output "api" {
  value = { inputs = module.api.inputs, roles = module.api.role_arns, environments = module.api.environments }
}
