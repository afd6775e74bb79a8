# Tasks are replaced one after the other: for what cannot run twice. In a VPC that is there already, with DNS elsewhere.

provider "aws" {
  region = "eu-central-1"
}

module "worker" {
  source = "../.."

  name              = "worker"
  strategy          = "rolling"
  github_repository = "OWNER/REPOSITORY"
  domain_name       = "worker.example.com"
  certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  # Rolling has no green: there is no test listener.
  test_cidrs = []
  tasks      = { min = 1, max = 4 }

  vpc = {
    id                 = "vpc-0123456789abcdef0"
    public_subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    private_subnet_ids = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
  }
}

output "worker" {
  value = { inputs = module.worker.inputs, roles = module.worker.role_arns, environments = module.worker.environments }
}
