output "url_map" {
  description = "The URL map's name: `load_balancer.url_map` in phoenix.yaml, with `route: default`."
  value       = google_compute_url_map.service.name
}

output "backend_service" {
  description = "The backend service's name: `load_balancer.backend_service`, for blue-green and rolling."
  value       = google_compute_backend_service.nobody.name
}

output "address" {
  description = "Where clients reach it: `load_balancer.address`."
  value       = local.secure ? "https://${var.domains[0]}" : "http://${google_compute_global_address.address.address}"
}

output "ip" {
  description = "The address that names have to lead to."
  value       = google_compute_global_address.address.address
}
