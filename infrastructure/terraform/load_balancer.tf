resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "application"
  subnets                    = local.public_subnets
  security_groups            = [aws_security_group.load_balancer.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  tags                       = local.tags
}

# The two change places with every deployment: neither is green for ever.
resource "aws_lb_target_group" "this" {
  for_each             = toset(["blue", "green"])
  name                 = "${var.name}-${each.key}"
  vpc_id               = local.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = var.container_port
  deregistration_delay = 30
  tags                 = local.tags

  health_check {
    path                = var.health_check_path
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

locals {
  blue  = aws_lb_target_group.this["blue"]
  green = aws_lb_target_group.this["green"]
  # CodeDeploy moves the weights of the listeners' default actions, ECS those of rules.
  listeners   = local.rolling ? { production = 443 } : { production = 443, test = var.test_port }
  certificate = var.certificate_arn != null ? var.certificate_arn : one(aws_acm_certificate_validation.this[*].certificate_arn)
}

resource "aws_lb_listener" "redirect" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"
  tags              = local.tags

  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "terraform_data" "mover" {
  input = local.codedeploy
}

resource "aws_lb_listener" "this" {
  for_each          = local.listeners
  load_balancer_arn = aws_lb.this.arn
  port              = each.value
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = local.certificate
  tags              = local.tags

  default_action {
    type = local.codedeploy ? "forward" : "fixed-response"

    dynamic "forward" {
      for_each = local.codedeploy ? [1] : []
      content {
        target_group {
          arn    = local.blue.arn
          weight = 100
        }
        target_group {
          arn    = local.green.arn
          weight = 0
        }
      }
    }

    dynamic "fixed_response" {
      for_each = local.codedeploy ? [] : [1]
      content {
        content_type = "text/plain"
        status_code  = "404"
      }
    }
  }

  lifecycle {
    # Deployments move the weights; a plan that put them back would put users back to an old version.
    ignore_changes = [default_action]
    # Another mover needs another default action, which would be ignored.
    replace_triggered_by = [terraform_data.mover]
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each     = local.codedeploy ? {} : local.listeners
  listener_arn = aws_lb_listener.this[each.key].arn
  priority     = 100
  tags         = local.tags

  condition {
    path_pattern {
      values = ["/*"]
    }
  }

  action {
    type = "forward"
    forward {
      target_group {
        arn    = local.blue.arn
        weight = 100
      }
      target_group {
        arn    = local.green.arn
        weight = 0
      }
    }
  }

  lifecycle {
    # Deployments move the weights; a plan that put them back would put users back to an old version.
    ignore_changes = [action]
  }
}
