# A global Application Load Balancer of one service. Its URL map sends to a backend service without a backend until phoenix gives
# the first group its share; from then on what the URL map does is phoenix's. New backend services take over what
# this one says: check, timeouts, logging.

locals {
  secure = length(var.domains) > 0
}

resource "google_compute_global_address" "address" {
  project = var.project
  name    = var.name
}

resource "google_compute_health_check" "service" {
  project             = var.project
  name                = var.name
  check_interval_sec  = 5
  timeout_sec         = 5
  healthy_threshold   = 2
  unhealthy_threshold = 2

  http_health_check {
    port         = var.port
    request_path = var.health
  }
}

resource "google_compute_backend_service" "nobody" {
  project                         = var.project
  name                            = "${var.name}-nobody"
  description                     = "What serves until phoenix has a group: nobody"
  load_balancing_scheme           = "EXTERNAL_MANAGED"
  protocol                        = "HTTP"
  port_name                       = "http"
  timeout_sec                     = var.timeout
  connection_draining_timeout_sec = var.drain
  health_checks                   = [google_compute_health_check.service.id]

  log_config {
    enable      = true
    sample_rate = var.log_rate
  }

  lifecycle {
    # With `backend_service:` in phoenix.yaml the groups are put behind this one; their capacity is phoenix's, too.
    ignore_changes = [backend]
  }
}

resource "google_compute_url_map" "service" {
  project         = var.project
  name            = var.name
  default_service = google_compute_backend_service.nobody.id

  lifecycle {
    # The groups' shares, and a preview of each.
    ignore_changes = [default_service, default_route_action, default_url_redirect, host_rule, path_matcher]
  }
}

resource "google_compute_target_http_proxy" "service" {
  count = local.secure ? 0 : 1

  project = var.project
  name    = var.name
  url_map = google_compute_url_map.service.id
}

resource "google_compute_global_forwarding_rule" "http" {
  count = local.secure ? 0 : 1

  project               = var.project
  name                  = var.name
  target                = google_compute_target_http_proxy.service[0].id
  ip_address            = google_compute_global_address.address.id
  ip_protocol           = "TCP"
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

resource "google_compute_managed_ssl_certificate" "service" {
  count = local.secure ? 1 : 0

  project = var.project
  name    = var.name

  managed {
    domains = var.domains
  }
}

resource "google_compute_target_https_proxy" "service" {
  count = local.secure ? 1 : 0

  project          = var.project
  name             = var.name
  url_map          = google_compute_url_map.service.id
  ssl_certificates = [google_compute_managed_ssl_certificate.service[0].id]
}

resource "google_compute_global_forwarding_rule" "https" {
  count = local.secure ? 1 : 0

  project               = var.project
  name                  = "${var.name}-https"
  target                = google_compute_target_https_proxy.service[0].id
  ip_address            = google_compute_global_address.address.id
  ip_protocol           = "TCP"
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
