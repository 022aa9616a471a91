# Who machines are. Services' machines have a service account that can do what is written here, and no more; builders have
# one without any right, and need none.

resource "google_service_account" "machine" {
  project      = var.project
  account_id   = "${var.name}-machine"
  display_name = "Machines of services"
}

# Settings that are `gcp-sm://NAME`: read by the machine when it boots.
resource "google_secret_manager_secret_iam_member" "machine" {
  for_each = var.secrets

  project   = var.project
  secret_id = each.key
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.machine.member
}

# What the guest says of itself: logs and figures, written and never read.
resource "google_project_iam_member" "machine" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])

  project = var.project
  role    = each.key
  member  = google_service_account.machine.member
}
