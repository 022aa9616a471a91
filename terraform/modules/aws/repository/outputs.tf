output "url" {
  description = "Where machines read it: `repositories.NAME.url` in phoenix.yaml."
  value       = "http://${aws_route53_record.repository.name}"
}

output "bucket" {
  description = "The bucket of packages."
  value       = aws_s3_bucket.packages.id
}

output "machine" {
  description = "The machine that phoenix publishes on; `aws ssm start-session --target` leads there."
  value       = aws_instance.repository.id
}

output "role" {
  description = "ARN of its role: module `rights` lets it work as phoenix."
  value       = aws_iam_role.repository.arn
}
