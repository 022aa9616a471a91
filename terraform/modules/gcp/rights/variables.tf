variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "name" {
  description = "What account and roles are called, or begin with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,21}$", var.name))
    error_message = "3 to 22 lower-case letters, digits and hyphens: a service account's name has 30."
  }
}

variable "accounts" {
  description = "Service accounts that machines are started with, as bindings name them, each under a name of your choice."
  type        = map(string)
}

variable "state" {
  description = "The bucket of the state."
  type        = string
}

variable "operators" {
  description = "Members that may work as phoenix, such as user:ann@acme.example or serviceAccount:jenkins@acme-ci.iam.gserviceaccount.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Members of IAM, neither allUsers nor allAuthenticatedUsers."
  }
}

variable "machines" {
  description = "Machines that may work as phoenix, by their accounts as members, each under a name of your choice."
  type        = map(string)
  default     = {}
}
