output "vpc" {
  description = "The VPC's id."
  value       = aws_vpc.network.id
}

output "public" {
  description = "The public subnets, in the order of the zones: the balancer's."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "private" {
  description = "The private subnets, in the order of the zones: where machines and builders start."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "cidr" {
  description = "The addresses of the network."
  value       = aws_vpc.network.cidr_block
}
