output "role" {
  description = "ARN of the role that phoenix works as: `assume_role` of a cloud in phoenix.yaml."
  value       = aws_iam_role.phoenix.arn
}

output "policies" {
  description = "ARNs of the policies, by what they are for: bake, roll, tend, state."
  value       = local.given
}
