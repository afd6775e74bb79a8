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

# What is refused before anything is made.

run "no_certificate" {
  command = plan
  variables {
    zone_id = null
  }
  expect_failures = [terraform_data.checks]
}

run "two_certificates" {
  command = plan
  variables {
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/x"
  }
  expect_failures = [terraform_data.checks]
}

run "pauses_of_codedeploy" {
  command = plan
  variables {
    strategy = "codedeploy"
    pause_at = ["POST_TEST_TRAFFIC_SHIFT"]
  }
  expect_failures = [terraform_data.checks]
}

run "a_budget_for_nobody" {
  command = plan
  variables {
    budget_usd = 5
  }
  expect_failures = [terraform_data.checks]
}

run "words" {
  command = plan
  variables {
    strategy      = "blue_green"
    alarm_profile = "loud"
    architecture  = "arm"
  }
  expect_failures = [var.strategy, var.alarm_profile, var.architecture]
}

run "a_pause_where_there_is_no_gate" {
  command = plan
  variables {
    pause_at      = ["PRODUCTION_TRAFFIC_SHIFT"]
    pause_minutes = 3000
    bake_minutes  = 2000
  }
  expect_failures = [var.pause_at, var.pause_minutes, var.bake_minutes]
}
