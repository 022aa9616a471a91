# The package repository: a machine with a disk of its own for aptly's files, which nginx shows inside the network; and a
# bucket for the packages before they are published, and for copies of the repository. Phoenix publishes on the machine.

resource "google_storage_bucket" "packages" {
  project                     = var.project
  name                        = var.bucket
  location                    = var.region
  force_destroy               = false
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = var.labels

  versioning {
    enabled = true
  }
}

resource "google_service_account" "repository" {
  project      = var.project
  account_id   = "${var.name}-apt"
  display_name = "The package repository"
}

resource "google_storage_bucket_iam_member" "repository" {
  bucket = google_storage_bucket.packages.name
  role   = "roles/storage.objectUser"
  member = google_service_account.repository.member
}

resource "google_storage_bucket_iam_member" "readers" {
  for_each = var.readers

  bucket = google_storage_bucket.packages.name
  role   = "roles/storage.objectViewer"
  member = each.key
}

resource "google_compute_disk" "repository" {
  project = var.project
  name    = "${var.name}-repository"
  zone    = var.zone
  type    = "pd-balanced"
  size    = var.disk
  labels  = var.labels

  lifecycle {
    prevent_destroy = false # set it once packages that matter lie there
  }
}

resource "google_compute_address" "repository" {
  project      = var.project
  name         = "${var.name}-repository"
  region       = var.region
  subnetwork   = var.subnetwork
  address_type = "INTERNAL"
}

resource "google_compute_instance" "repository" {
  project                 = var.project
  name                    = "${var.name}-repository"
  zone                    = var.zone
  machine_type            = var.type
  tags                    = [var.tag]
  labels                  = var.labels
  metadata_startup_script = templatefile("${path.module}/serve.sh.tftpl", { device = "/dev/disk/by-id/google-repository" })
  metadata                = { enable-oslogin = "TRUE" }

  boot_disk {
    initialize_params {
      image = "debian-cloud/debian-12"
    }
  }

  attached_disk {
    source      = google_compute_disk.repository.id
    device_name = "repository"
  }

  network_interface {
    subnetwork = var.subnetwork
    network_ip = google_compute_address.repository.address
  }

  service_account {
    email  = google_service_account.repository.email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    # Debian's next image, or another script, is no reason to make the machine anew: `terraform apply -replace` does.
    ignore_changes = [boot_disk[0].initialize_params, metadata_startup_script]
  }
}

resource "google_dns_managed_zone" "internal" {
  project    = var.project
  name       = "${var.name}-internal"
  dns_name   = "${var.domain}."
  visibility = "private"

  private_visibility_config {
    networks {
      network_url = var.network
    }
  }
}

resource "google_dns_record_set" "repository" {
  project      = var.project
  managed_zone = google_dns_managed_zone.internal.name
  name         = "apt.${var.domain}."
  type         = "A"
  ttl          = 60
  rrdatas      = [google_compute_address.repository.address]
}
