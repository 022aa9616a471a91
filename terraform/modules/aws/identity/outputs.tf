output "machine" {
  description = "Instance profile of services' machines: `machine.identity` in phoenix.yaml."
  value       = aws_iam_instance_profile.profile["machine"].name
}

output "builder" {
  description = "Instance profile of builders: `builder.profile`."
  value       = aws_iam_instance_profile.profile["builder"].name
}

output "roles" {
  description = "ARNs of their roles, by machine and builder: who starts machines has to be allowed to pass them on."
  value       = { for each, role in aws_iam_role.role : each => role.arn }
}
