# CodeDeploy moves the users. Neither role can change its gate, so that the approval is a boundary. With a database and a frontend.

provider "aws" {
  region = "eu-central-1"
}

module "api" {
  source = "../.."

  name              = "api"
  strategy          = "codedeploy"
  github_repository = "OWNER/REPOSITORY"
  domain_name       = "api.example.com"
  zone_id           = "Z0123456789ABCDEFGHIJ"
  test_cidrs        = ["0.0.0.0/0"]
  approval          = true
  codedeploy        = { config = "CodeDeployDefault.ECSCanary10Percent5Minutes", ready_wait = 120, termination_wait = 15 }

  secret_keys  = ["OAUTH_CLIENT_SECRET"]
  database     = { class = "db.t4g.small", max_connections = 150, multi_az = true }
  waf          = {}
  site         = {}
  alarm_emails = ["team@example.com"]
}

output "api" {
  value = { inputs = module.api.inputs, roles = module.api.role_arns, environments = module.api.environments, site = module.api.site }
}
