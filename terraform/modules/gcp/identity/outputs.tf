output "machine" {
  description = "E-mail of the service account of services' machines: `machine.identity` in phoenix.yaml."
  value       = google_service_account.machine.email
}

output "machine_name" {
  description = "The same, as bindings name it."
  value       = google_service_account.machine.name
}
