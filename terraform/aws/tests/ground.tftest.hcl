# `terraform test` in this directory: what the ground is, and what it refuses to be. Nothing is made, nobody is asked.

mock_provider "aws" {}

variables {
  project = "hello"
  name    = "hello-prod"
  region  = "eu-west-1"
  zones   = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
}

run "the_ground" {
  command = plan

  assert {
    condition     = output.rule == "100" && output.repository == "http://apt.hello-prod.internal"
    error_message = "Rule and repository are known before anything is made."
  }
}

run "a_project_with_a_name_that_is_none" {
  command = plan

  variables {
    project = "Hello World"
  }
  expect_failures = [var.project]
}

run "a_region_that_is_none" {
  command = plan

  variables {
    region = "Ireland"
  }
  expect_failures = [var.region]
}

run "tags_that_are_phoenix_own" {
  command = plan

  variables {
    tags = { "phoenix:project" = "hello" }
  }
  expect_failures = [var.tags]
}
