output "phoenix" {
  description = "E-mail of the service account that phoenix works as: `impersonate` of a cloud in phoenix.yaml."
  value       = google_service_account.phoenix.email
}

output "member" {
  description = "The same, as a member of IAM."
  value       = google_service_account.phoenix.member
}
