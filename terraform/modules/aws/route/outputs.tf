output "rule" {
  description = "The rule's priority: `load_balancer.rule` in phoenix.yaml."
  value       = tostring(aws_lb_listener_rule.service.priority)
}
