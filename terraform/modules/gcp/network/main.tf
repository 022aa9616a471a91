# A network with one subnetwork, which is in all zones of the region, as subnetworks of Google's are. Machines need no public
# address: they get out by Cloud NAT, and reach Google's own services without it.

resource "google_compute_network" "network" {
  project                 = var.project
  name                    = var.name
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "machines" {
  project                  = var.project
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.network.id
  ip_cidr_range            = var.cidr
  private_ip_google_access = true
}

# A regional load balancer's proxies live in a range of their own.
resource "google_compute_subnetwork" "proxies" {
  count = var.proxies == null ? 0 : 1

  project       = var.project
  name          = "${var.name}-proxies"
  region        = var.region
  network       = google_compute_network.network.id
  ip_cidr_range = var.proxies
  purpose       = "REGIONAL_MANAGED_PROXY"
  role          = "ACTIVE"
}

resource "google_compute_router" "out" {
  project = var.project
  name    = var.name
  region  = var.region
  network = google_compute_network.network.id
}

resource "google_compute_router_nat" "out" {
  project                            = var.project
  name                               = var.name
  region                             = var.region
  router                             = google_compute_router.out.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
