# The ground that phoenix stands on in one region of a Google Cloud project: all but the machines of services, and what the
# balancer gives them. `phoenix stack apply` builds it; the outputs are what phoenix.yaml wants.

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = var.labels
}

locals {
  tags = { for each in ["machine", "builder", "repository"] : each => "${var.name}-${each}" }
}

resource "google_project_service" "api" {
  for_each = toset(["compute", "dns", "iam", "iamcredentials", "iap", "secretmanager", "storage"])

  project            = var.project
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # others may use it
}

module "network" {
  source = "../modules/gcp/network"

  project = var.project
  name    = var.name
  region  = var.region
  cidr    = var.cidr

  depends_on = [google_project_service.api]
}

module "firewall" {
  source = "../modules/gcp/firewall"

  project    = var.project
  name       = var.name
  network    = module.network.network_id
  ports      = [var.port]
  machines   = local.tags["machine"]
  builder    = local.tags["builder"]
  repository = local.tags["repository"]
  sessions   = var.sessions
}

# A second service: one more of these, with another name, and its port in module.firewall.
module "balancer" {
  source = "../modules/gcp/balancer"

  project = var.project
  name    = "${var.name}-${var.service}"
  port    = var.port
  health  = var.health
  domains = var.domains

  depends_on = [google_project_service.api]
}

module "identity" {
  source = "../modules/gcp/identity"

  project = var.project
  name    = var.name
  secrets = var.secrets

  depends_on = [google_project_service.api]
}

module "state" {
  source = "../modules/gcp/state"

  project  = var.project
  name     = "${var.project}-${var.name}-state"
  location = var.region
  labels   = var.labels

  depends_on = [google_project_service.api]
}

module "rights" {
  source = "../modules/gcp/rights"

  project   = var.project
  name      = var.name
  accounts  = { machine = module.identity.machine_name }
  state     = module.state.bucket
  operators = var.operators
  machines  = { repository = module.repository.account }
}

module "repository" {
  source = "../modules/gcp/repository"

  project    = var.project
  name       = var.name
  bucket     = "${var.project}-${var.name}-packages"
  region     = var.region
  zone       = "${var.region}-b"
  network    = module.network.network_id
  subnetwork = module.network.subnetwork_id
  tag        = local.tags["repository"]
  domain     = "${var.name}.internal"
  labels     = var.labels

  depends_on = [google_project_service.api]
}
