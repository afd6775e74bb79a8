# What everyone sets.

variable "name" {
  description = "Names everything: the cluster, the service, the repository, the alarms."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name has 3 to 20 characters: small letters, digits and hyphens, as names of load balancers, buckets and canaries allow."
  }
}

variable "strategy" {
  description = "How traffic gets to a new version: blue-green, canary or linear by ECS itself, codedeploy, or rolling."
  type        = string
  default     = "blue-green"
  validation {
    condition     = contains(["blue-green", "canary", "linear", "codedeploy", "rolling"], var.strategy)
    error_message = "strategy is blue-green, canary, linear, codedeploy or rolling."
  }
}

variable "github_repository" {
  description = "OWNER/REPOSITORY whose workflows may deploy."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository is OWNER/REPOSITORY."
  }
}

variable "domain_name" {
  description = "The name that users see, such as api.example.com."
  type        = string
}

variable "zone_id" {
  description = "The Route 53 zone of domain_name. Certificate and record are made in it; leave it out where DNS is elsewhere, and give certificate_arn."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "A certificate of ACM that is there already, where zone_id is not given."
  type        = string
  default     = null
}

variable "test_cidrs" {
  description = "Who may reach green at the test listener before users do: your runners. GitHub's own have no fixed addresses; [\"0.0.0.0/0\"] lets everyone see it."
  type        = list(string)
}

# The container.

variable "first_image" {
  description = "What runs until the first deployment. It has to listen on the port in the variable PORT, and to answer 200 at health_check_path."
  type        = string
  default     = "us-docker.pkg.dev/google-samples/containers/gke/hello-app:1.0"
}

variable "container_name" {
  description = "The container's name, as the action's input container has it."
  type        = string
  default     = "app"
}

variable "container_port" {
  description = "The port on which the container listens; the container finds it in PORT."
  type        = number
  default     = 8080
}

variable "health_check_path" {
  description = "What the load balancer asks for; 200 is healthy."
  type        = string
  default     = "/health"
}

variable "cpu" {
  description = "CPU units of a task (1024 is one processor)."
  type        = number
  default     = 256
}

variable "memory" {
  description = "MiB of a task."
  type        = number
  default     = 512
}

variable "architecture" {
  description = "X86_64 or ARM64: what the images are built for."
  type        = string
  default     = "X86_64"
  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture is X86_64 or ARM64."
  }
}

variable "environment" {
  description = "Environment variables of the container."
  type        = map(string)
  default     = {}
}

variable "secret_keys" {
  description = "Keys of the secret NAME/app that become environment variables of the same name. Each begins as \"change-me\"."
  type        = set(string)
  default     = []
}

variable "rotation_function_arn" {
  description = "A Lambda function that rotates the secret NAME/app every 90 days. Without one nothing is rotated."
  type        = string
  default     = null
}

variable "tasks" {
  description = "How many tasks run: at least, at most, and the CPU and memory in percent that autoscaling aims at."
  type = object({
    min    = optional(number, 2)
    max    = optional(number, 10)
    cpu    = optional(number, 60)
    memory = optional(number, 75)
  })
  default = {}
  validation {
    condition     = var.tasks.min >= 1 && var.tasks.min <= var.tasks.max
    error_message = "tasks.min is at least 1, and at most tasks.max."
  }
}

# How a deployment goes.

variable "bake_minutes" {
  description = "How long blue is kept after the shift: so long the way back takes seconds."
  type        = number
  default     = 10
  validation {
    condition     = var.bake_minutes >= 0 && var.bake_minutes <= 1440
    error_message = "bake_minutes is between 0 and 1440."
  }
}

variable "canary" {
  description = "With strategy canary: the share of users who meet the new version first, and for how many minutes."
  type = object({
    percent = optional(number, 10)
    bake    = optional(number, 10)
  })
  default = {}
}

variable "linear" {
  description = "With strategy linear: the share that each step adds, and the minutes between two steps."
  type = object({
    percent = optional(number, 10)
    bake    = optional(number, 6)
  })
  default = {}
}

variable "pause_at" {
  description = "Stages at which every deployment waits, for services whose runs have manage-hooks: false. Empty: the action adds its own hooks and takes them away again."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for stage in var.pause_at : contains(["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"], stage)])
    error_message = "The action has gates at POST_TEST_TRAFFIC_SHIFT, PRE_PRODUCTION_TRAFFIC_SHIFT and POST_PRODUCTION_TRAFFIC_SHIFT."
  }
}

variable "pause_minutes" {
  description = "How long a deployment waits at such a stage before ECS rolls it back."
  type        = number
  default     = 60
  validation {
    condition     = var.pause_minutes >= 1 && var.pause_minutes <= 1440
    error_message = "pause_minutes is between 1 and 1440: ECS ends every stage after a day."
  }
}

variable "codedeploy" {
  description = "With strategy codedeploy: how traffic shifts, and for how many minutes the group waits for the answer at the gate, and keeps blue afterwards."
  type = object({
    config           = optional(string, "CodeDeployDefault.ECSCanary10Percent5Minutes")
    ready_wait       = optional(number, 60)
    termination_wait = optional(number, 10)
  })
  default = {}
  validation {
    condition     = var.codedeploy.ready_wait >= 1 && var.codedeploy.ready_wait <= 7200 && var.codedeploy.termination_wait <= 2800
    error_message = "codedeploy.ready_wait is between 1 and 7200 minutes, codedeploy.termination_wait at most 2800."
  }
}

# GitHub.

variable "create_oidc_provider" {
  description = "Whether GitHub's OIDC provider is made. An account has one: false where it is there already."
  type        = bool
  default     = true
}

variable "approval" {
  description = "Whether a second role opens the gate: the role that deploys then cannot."
  type        = bool
  default     = false
}

variable "environments" {
  description = "The GitHub environments whose jobs may assume the roles. Without deploy: production, or production-green where there is an approval."
  type = object({
    deploy  = optional(string)
    approve = optional(string, "production")
  })
  default = {}
}

variable "role_hours" {
  description = "How long a session of the roles may last: longer than the longest deployment."
  type        = number
  default     = 4
}

variable "prometheus_workspace" {
  description = "The id of a workspace of Amazon Managed Service for Prometheus that an analysis asks."
  type        = string
  default     = null
}

# Network.

variable "test_port" {
  description = "The port of the test listener, at which green is reached before users reach it."
  type        = number
  default     = 8443
}

variable "vpc_cidr" {
  description = "The addresses of the VPC that is made, where vpc is not given."
  type        = string
  default     = "10.20.0.0/16"
}

variable "vpc" {
  description = "A VPC that is there already, with two public subnets for the load balancer and two private ones with a way out for the tasks."
  type = object({
    id                 = string
    public_subnet_ids  = list(string)
    private_subnet_ids = list(string)
  })
  default = null
}

variable "waf" {
  description = "Whether AWS WAF is put before the load balancer: AWS's common rules, known bad inputs, and at most so many requests of an address in five minutes."
  type = object({
    requests = optional(number, 2000)
  })
  default = null
}

# Images, logs, data.

variable "keep_images" {
  description = "How many images the repository keeps."
  type        = number
  default     = 30
}

variable "mutable_tags" {
  description = "Tags that may move, with * for anything. All others are immutable."
  type        = list(string)
  default     = ["latest"]
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "deletion_protection" {
  description = "Whether load balancer and database refuse to be deleted."
  type        = bool
  default     = true
}

variable "database" {
  description = "A PostgreSQL database of RDS with backups: its class, GiB, connections, days of backups, and whether a second one stands by in another zone."
  type = object({
    class           = optional(string, "db.t4g.micro")
    storage         = optional(number, 20)
    max_connections = optional(number, 100)
    backup_days     = optional(number, 14)
    multi_az        = optional(bool, false)
  })
  default = null
}

variable "site" {
  description = "A static frontend: a bucket behind CloudFront. aliases need certificate_arn, which is of us-east-1."
  type = object({
    aliases                 = optional(list(string), [])
    certificate_arn         = optional(string)
    content_security_policy = optional(string, "default-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'self'")
  })
  default = null
}

# Monitoring.

variable "alarm_profile" {
  description = "standard: 5 % errors, p95 above 10 s. strict: 1 % errors, p99 above 500 ms, and an alarm below 99 % of good answers in an hour."
  type        = string
  default     = "standard"
  validation {
    condition     = contains(["standard", "strict"], var.alarm_profile)
    error_message = "alarm_profile is standard or strict."
  }
}

variable "alarm_min_requests" {
  description = "How many requests a minute has to have for its share of errors to mean anything."
  type        = number
  default     = 20
}

variable "alarm_emails" {
  description = "Who is told of alarms. Each address has to confirm once."
  type        = set(string)
  default     = []
}

variable "synthetics_canary" {
  description = "Whether a CloudWatch Synthetics canary asks production's health check every five minutes."
  type        = bool
  default     = false
}

variable "route53_health_check" {
  description = "Whether Route 53 asks production's health check from around the world."
  type        = bool
  default     = false
}

variable "budget_usd" {
  description = "What everything with this name's tag may cost a month, in US dollars; alarm_emails are told at 80 % and when the forecast is above. Without a number there is no budget."
  type        = number
  default     = null
}
