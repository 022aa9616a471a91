output "url" {
  description = "Where machines read it: `repositories.NAME.url` in phoenix.yaml."
  value       = "http://${trimsuffix(google_dns_record_set.repository.name, ".")}"
}

output "bucket" {
  description = "The bucket of packages."
  value       = google_storage_bucket.packages.name
}

output "machine" {
  description = "The machine that phoenix publishes on; `gcloud compute ssh --tunnel-through-iap` leads there."
  value       = google_compute_instance.repository.name
}

output "account" {
  description = "Its service account, as a member of IAM."
  value       = google_service_account.repository.member
}
