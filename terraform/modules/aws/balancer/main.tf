# An Application Load Balancer whose listener answers 503 until a rule of its own (module `route`) has a group behind it.
# Target groups, each with its health check, are phoenix's: it makes one for every group, and gives them their shares.

locals {
  secure = var.certificate != null
}

resource "aws_lb" "balancer" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = var.internal
  subnets                    = var.subnets
  security_groups            = [var.firewall]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.protected
  idle_timeout               = var.idle
  tags                       = var.tags
}

resource "aws_lb_listener" "service" {
  load_balancer_arn = aws_lb.balancer.arn
  port              = local.secure ? 443 : 80
  protocol          = local.secure ? "HTTPS" : "HTTP"
  certificate_arn   = var.certificate
  ssl_policy        = local.secure ? "ELBSecurityPolicy-TLS13-1-2-2021-06" : null
  tags              = var.tags

  default_action {
    type = "fixed-response"
    fixed_response {
      status_code  = "503"
      content_type = "text/plain"
      message_body = "nobody serves"
    }
  }

  lifecycle {
    # With `rule: default` the groups' shares are written here, by phoenix.
    ignore_changes = [default_action]
  }
}

resource "aws_lb_listener" "redirect" {
  count = local.secure ? 1 : 0

  load_balancer_arn = aws_lb.balancer.arn
  port              = 80
  protocol          = "HTTP"
  tags              = var.tags

  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
