output "listener" {
  description = "ARN of the listener: `load_balancer.listener` in phoenix.yaml."
  value       = aws_lb_listener.service.arn
}

output "address" {
  description = "Where clients reach it: `load_balancer.address`. With a certificate that is a name of your own."
  value       = "${local.secure ? "https" : "http"}://${aws_lb.balancer.dns_name}"
}

output "arn" {
  description = "The load balancer's ARN."
  value       = aws_lb.balancer.arn
}
