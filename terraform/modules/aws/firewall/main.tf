# Who may speak to whom. SSH reaches builders alone: from the repository machine, and from addresses that are named.

locals {
  groups = {
    balancer   = "Takes requests from clients"
    machines   = "Machines of services: only the balancer asks them"
    builder    = "Machines that images are built on: who bakes reaches them"
    repository = "The package repository: machines and builders read it"
  }
  # Who lets whom in: 80 for clients too, since it redirects where there is a certificate.
  clients = { for pair in setproduct(var.listens, var.clients) : "${pair[0]}-${pair[1]}" => { port = pair[0], cidr = pair[1] } }
}

resource "aws_security_group" "group" {
  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = var.vpc
  tags        = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = local.clients

  security_group_id = aws_security_group.group["balancer"].id
  description       = "Clients"
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

# Requests and health checks both come from the balancer.
resource "aws_vpc_security_group_ingress_rule" "machines" {
  for_each = toset([for port in var.ports : tostring(port)])

  security_group_id            = aws_security_group.group["machines"].id
  referenced_security_group_id = aws_security_group.group["balancer"].id
  description                  = "Requests and health checks"
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.key)
  to_port                      = tonumber(each.key)
}

resource "aws_vpc_security_group_ingress_rule" "repository" {
  for_each = toset(["machines", "builder"])

  security_group_id            = aws_security_group.group["repository"].id
  referenced_security_group_id = aws_security_group.group[each.key].id
  description                  = "apt"
  ip_protocol                  = "tcp"
  from_port                    = 80
  to_port                      = 80
}

resource "aws_vpc_security_group_ingress_rule" "builder" {
  for_each = var.builder_clients

  security_group_id = aws_security_group.group["builder"].id
  description       = "Who bakes, by SSH"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_vpc_security_group_ingress_rule" "builder_from_repository" {
  security_group_id            = aws_security_group.group["builder"].id
  referenced_security_group_id = aws_security_group.group["repository"].id
  description                  = "The machine that phoenix publishes on may bake, too"
  ip_protocol                  = "tcp"
  from_port                    = 22
  to_port                      = 22
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  for_each = toset([for port in var.ports : tostring(port)])

  security_group_id            = aws_security_group.group["balancer"].id
  referenced_security_group_id = aws_security_group.group["machines"].id
  description                  = "Requests and health checks"
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.key)
  to_port                      = tonumber(each.key)
}

# Debian's mirror, AWS's own services, the package repository.
resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = toset(["machines", "builder", "repository"])

  security_group_id = aws_security_group.group[each.key].id
  description       = "Everywhere"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
