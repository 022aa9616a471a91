# Who works with phoenix: the custom roles that `phoenix doctor --policy` prints, and a service account that has them.
# The files in `roles/` are what it prints; a test of phoenix's own holds them against it.

locals {
  work   = { for each in ["bake", "roll", "tend"] : each => jsondecode(file("${path.module}/roles/${each}.json")) }
  act_as = jsondecode(file("${path.module}/roles/act-as.json"))
  id     = replace(var.name, "-", "_")
}

resource "google_service_account" "phoenix" {
  project      = var.project
  account_id   = "${var.name}-phoenix"
  display_name = "phoenix: bakes, rolls, tends"
}

resource "google_project_iam_custom_role" "work" {
  for_each = local.work

  project     = var.project
  role_id     = "${local.id}_${each.key}"
  title       = each.value.title
  description = each.value.description
  stage       = each.value.stage
  permissions = each.value.includedPermissions
}

resource "google_project_iam_member" "work" {
  for_each = google_project_iam_custom_role.work

  project = var.project
  role    = each.value.name
  member  = google_service_account.phoenix.member
}

resource "google_project_iam_custom_role" "act_as" {
  project     = var.project
  role_id     = "${local.id}_act_as"
  title       = local.act_as.title
  description = local.act_as.description
  stage       = local.act_as.stage
  permissions = local.act_as.includedPermissions
}

# Machines are started with these accounts, and with no others.
resource "google_service_account_iam_member" "act_as" {
  for_each = var.accounts

  service_account_id = each.value
  role               = google_project_iam_custom_role.act_as.name
  member             = google_service_account.phoenix.member
}

# The state: locks, journals, records, and Terraform's own.
resource "google_storage_bucket_iam_member" "state" {
  bucket = var.state
  role   = "roles/storage.objectUser"
  member = google_service_account.phoenix.member
}

# Who may work as phoenix; no key of the account is ever made.
resource "google_service_account_iam_member" "operators" {
  for_each = merge({ for member in var.operators : member => member }, var.machines)

  service_account_id = google_service_account.phoenix.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
