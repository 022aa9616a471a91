# The rule of one service. Terraform makes it, answering 503; from the first roll on what it does is phoenix's.

resource "aws_lb_listener_rule" "service" {
  listener_arn = var.listener
  priority     = var.priority
  tags         = var.tags

  condition {
    path_pattern {
      values = var.paths
    }
  }

  dynamic "condition" {
    for_each = length(var.hosts) > 0 ? [var.hosts] : []
    content {
      host_header {
        values = condition.value
      }
    }
  }

  action {
    type = "fixed-response"
    fixed_response {
      status_code  = "503"
      content_type = "text/plain"
      message_body = "nobody serves"
    }
  }

  lifecycle {
    # The groups' shares, which are phoenix's.
    ignore_changes = [action]
  }
}
