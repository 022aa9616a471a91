# The ground that phoenix stands on in one region of an AWS account: all but the machines of services, and what the balancer
# gives them. `phoenix stack apply` builds it; the outputs are what phoenix.yaml wants.

provider "aws" {
  region = var.region

  # Not `phoenix:project`: that is on what phoenix makes, and may remove.
  default_tags {
    tags = merge(var.tags, { phoenix-ground = var.name })
  }
}

module "network" {
  source = "../modules/aws/network"

  name         = var.name
  region       = var.region
  zones        = var.zones
  cidr         = var.cidr
  nat_per_zone = var.nat_per_zone
}

module "firewall" {
  source = "../modules/aws/firewall"

  name    = var.name
  vpc     = module.network.vpc
  ports   = [var.port]
  listens = var.certificate == null ? [80] : [80, 443]
  clients = var.clients

  builder_clients = var.builder_clients
}

module "balancer" {
  source = "../modules/aws/balancer"

  name        = var.name
  subnets     = module.network.public
  firewall    = module.firewall.balancer
  certificate = var.certificate
}

# A second service: one more of these, with another priority and its own paths or hosts.
module "route" {
  source = "../modules/aws/route"

  listener = module.balancer.listener
  priority = var.priority
}

module "identity" {
  source = "../modules/aws/identity"

  name     = var.name
  secrets  = var.secrets
  sessions = var.sessions
}

module "state" {
  source = "../modules/aws/state"

  name = var.name
}

module "rights" {
  source = "../modules/aws/rights"

  name      = var.name
  project   = var.project
  state     = module.state.arn
  operators = var.operators
  machines  = { repository = module.repository.role }

  passed = {
    bake = [module.identity.roles["builder"]]
    roll = concat([module.identity.roles["machine"]], tolist(var.machine_roles))
  }
}

module "repository" {
  source = "../modules/aws/repository"

  name     = var.name
  region   = var.region
  vpc      = module.network.vpc
  subnet   = module.network.private[0]
  zone     = var.zones[0]
  firewall = module.firewall.repository
  domain   = "${var.name}.internal"
}
