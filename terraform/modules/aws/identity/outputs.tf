output "machine" {
  description = "Instance profile of services' machines: `machine.identity` in phoenix.yaml."
  value       = aws_iam_instance_profile.profile["machine"].name
}

output "builder" {
  description = "Instance profile of builders: `builder.profile`."
  value       = aws_iam_instance_profile.profile["builder"].name
}
