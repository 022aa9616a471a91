output "machines" {
  description = "Network tag of services' machines: `machine.firewall` in phoenix.yaml."
  value       = one(google_compute_firewall.balancer.target_tags)
}

output "builder" {
  description = "Network tag of builders: `builder.firewall`."
  value       = var.builder
}
