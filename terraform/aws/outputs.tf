# Each is what phoenix.yaml wants at one place: `${stack.network-aws.listener}`.

output "region" {
  description = "clouds.aws.region"
  value       = var.region
}

output "subnets" {
  description = "clouds.aws.subnets"
  value       = module.network.private
}

output "role" {
  description = "clouds.aws.assume_role"
  value       = module.rights.role
}

output "builder_subnet" {
  description = "clouds.aws.builder.subnet, with reach: public"
  value       = module.network.public[0]
}

output "builder_profile" {
  description = "clouds.aws.builder.profile, with reach: ssm, for base images that have its agent"
  value       = module.identity.builder
}

output "builder_firewall" {
  description = "clouds.aws.builder.firewall"
  value       = module.firewall.builder
}

output "listener" {
  description = "load_balancer.listener of an environment"
  value       = module.balancer.listener
}

output "rule" {
  description = "load_balancer.rule"
  value       = module.route.rule
}

output "address" {
  description = "load_balancer.address"
  value       = module.balancer.address
}

output "machine_profile" {
  description = "machine.identity"
  value       = module.identity.machine
}

output "machine_firewall" {
  description = "machine.firewall"
  value       = module.firewall.machines
}

output "state" {
  description = "state of phoenix.yaml"
  value       = "s3://${module.state.bucket}/phoenix"
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

output "policies" {
  description = "ARNs of the policies to bake, to roll, to tend, and to use the state"
  value       = module.rights.policies
}
