output "balancer" {
  description = "The load balancer's security group."
  value       = aws_security_group.group["balancer"].id
}

output "machines" {
  description = "Security group of services' machines."
  value       = aws_security_group.group["machines"].id
}

output "builder" {
  description = "Security group of the machines that images are built on."
  value       = aws_security_group.group["builder"].id
}

output "repository" {
  description = "The repository machine's security group."
  value       = aws_security_group.group["repository"].id
}
