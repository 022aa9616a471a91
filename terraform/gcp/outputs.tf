# Each is what phoenix.yaml wants at one place: `${stack.network-gcp.url_map}`.

output "project" {
  description = "clouds.gcp.project"
  value       = var.project
}

output "region" {
  description = "clouds.gcp.region"
  value       = var.region
}

output "network" {
  description = "clouds.gcp.network"
  value       = module.network.network
}

output "subnetwork" {
  description = "clouds.gcp.subnetwork"
  value       = module.network.subnetwork
}

output "phoenix" {
  description = "clouds.gcp.impersonate"
  value       = module.rights.phoenix
}

output "builder_firewall" {
  description = "clouds.gcp.builder.firewall, with iap: true"
  value       = module.firewall.builder
}

output "url_map" {
  description = "load_balancer.url_map of an environment, with route: default"
  value       = module.balancer.url_map
}

output "backend_service" {
  description = "load_balancer.backend_service, for blue-green and rolling"
  value       = module.balancer.backend_service
}

output "address" {
  description = "load_balancer.address"
  value       = module.balancer.address
}

output "ip" {
  description = "The address that the domains have to lead to"
  value       = module.balancer.ip
}

output "machine_identity" {
  description = "machine.identity"
  value       = module.identity.machine
}

output "machine_firewall" {
  description = "machine.firewall"
  value       = module.firewall.machines
}

output "state" {
  description = "state of phoenix.yaml"
  value       = "gs://${module.state.bucket}/phoenix"
}

output "state_bucket" {
  description = "The bucket for backend.tf"
  value       = module.state.bucket
}

output "repository" {
  description = "repositories.main.url"
  value       = module.repository.url
}

output "repository_machine" {
  description = "The machine that phoenix publishes on"
  value       = module.repository.machine
}

output "packages" {
  description = "The bucket for packages before they are published"
  value       = module.repository.bucket
}
