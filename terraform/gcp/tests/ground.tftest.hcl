# `terraform test` in this directory: what the ground is, and what it refuses to be. Nothing is made, nobody is asked.

mock_provider "google" {}

variables {
  project = "acme-prod"
  name    = "hello-prod"
  region  = "us-central1"
}

run "the_ground" {
  command = plan

  assert {
    condition     = output.url_map == "hello-prod-web-tier" && output.state == "gs://acme-prod-hello-prod-state/phoenix"
    error_message = "URL map and state are known before anything is made."
  }
}

run "a_name_that_is_none" {
  command = plan

  variables {
    name = "Hello"
  }
  expect_failures = [var.name]
}

run "a_region_that_is_none" {
  command = plan

  variables {
    region = "Iowa"
  }
  expect_failures = [var.region]
}

run "labels_that_are_phoenix_own" {
  command = plan

  variables {
    labels = { phoenix-project = "hello" }
  }
  expect_failures = [var.labels]
}
