variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "name" {
  description = "What everything of it is called, or begins with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,25}$", var.name))
    error_message = "3 to 26 lower-case letters, digits and hyphens: a service account's name has 30."
  }
}

variable "bucket" {
  description = "Name of the bucket of packages; no other bucket of the world may have it."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "zone" {
  description = "Zone of the machine and its disk."
  type        = string

  validation {
    condition     = can(regex("^${var.region}-[a-z0-9]+$", var.zone))
    error_message = "A zone of the region."
  }
}

variable "network" {
  description = "The network that knows its name, as resources refer to it."
  type        = string
}

variable "subnetwork" {
  description = "The subnetwork that the machine is in, as resources refer to it."
  type        = string
}

variable "tag" {
  description = "Its network tag."
  type        = string
}

variable "domain" {
  description = "Private domain; the repository is `apt` in it."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]+$", var.domain))
    error_message = "A domain such as hello.internal."
  }
}

variable "type" {
  description = "Machine type."
  type        = string
  default     = "e2-small"
}

variable "disk" {
  description = "GiB of the repository's disk."
  type        = number
  default     = 20

  validation {
    condition     = var.disk >= 10 && floor(var.disk) == var.disk
    error_message = "A whole number from 10."
  }
}

variable "readers" {
  description = "Members of IAM that may read the bucket of packages, beside the machine itself."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.readers : can(regex("^(user|group|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Members of IAM, neither allUsers nor allAuthenticatedUsers."
  }
}

variable "labels" {
  description = "Labels on everything that can bear them."
  type        = map(string)
  default     = {}
}
