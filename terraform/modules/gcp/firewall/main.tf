# Who may speak to whom, by network tags. Nobody outside reaches a machine: SSH comes through Identity-Aware Proxy alone.

locals {
  # https://cloud.google.com/load-balancing/docs/health-checks#fw-rule: health checks, and requests of global balancers.
  probers = ["35.191.0.0/16", "130.211.0.0/22"]
  # https://cloud.google.com/iap/docs/using-tcp-forwarding#create-firewall-rule
  iap = ["35.235.240.0/20"]
}

resource "google_compute_firewall" "balancer" {
  project       = var.project
  name          = "${var.name}-balancer"
  description   = "Health checks and requests reach the machines of services"
  network       = var.network
  direction     = "INGRESS"
  source_ranges = var.proxies == null ? local.probers : concat(local.probers, [var.proxies])
  target_tags   = [var.machines]

  allow {
    protocol = "tcp"
    ports    = sort([for port in var.ports : tostring(port)])
  }
}

resource "google_compute_firewall" "ssh" {
  project       = var.project
  name          = "${var.name}-iap"
  description   = "SSH through Identity-Aware Proxy: to builders, to the repository machine, and where sessions are allowed"
  network       = var.network
  direction     = "INGRESS"
  source_ranges = local.iap
  target_tags   = var.sessions ? [var.builder, var.repository, var.machines] : [var.builder, var.repository]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

resource "google_compute_firewall" "repository" {
  project     = var.project
  name        = "${var.name}-repository"
  description = "Machines and builders read the package repository"
  network     = var.network
  direction   = "INGRESS"
  source_tags = [var.machines, var.builder]
  target_tags = [var.repository]

  allow {
    protocol = "tcp"
    ports    = ["80"]
  }
}
