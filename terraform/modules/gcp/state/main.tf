# The bucket of the state: phoenix's locks, journals and records, and Terraform's own state beside them. Former versions of an
# object are kept for a while; Cloud Storage itself locks it, by writes that are refused where the object is there.

resource "google_storage_bucket" "state" {
  project                     = var.project
  name                        = var.name
  location                    = var.location
  force_destroy               = false # with a state in it the bucket cannot be removed
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = var.labels

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      with_state                 = "ARCHIVED"
      days_since_noncurrent_time = var.keep_days
    }
    action {
      type = "Delete"
    }
  }

  dynamic "encryption" {
    for_each = var.key == null ? [] : [var.key]
    content {
      default_kms_key_name = encryption.value
    }
  }
}
