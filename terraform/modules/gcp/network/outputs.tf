output "network" {
  description = "The network's name: `network` of a cloud in phoenix.yaml."
  value       = google_compute_network.network.name
}

output "network_id" {
  description = "The network as other resources refer to it."
  value       = google_compute_network.network.id
}

output "subnetwork" {
  description = "The subnetwork's name: `subnetwork`."
  value       = google_compute_subnetwork.machines.name
}

output "subnetwork_id" {
  description = "The subnetwork as other resources refer to it."
  value       = google_compute_subnetwork.machines.id
}
