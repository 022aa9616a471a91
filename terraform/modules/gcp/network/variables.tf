variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "name" {
  description = "What the network and what is in it are called."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,52}[a-z0-9])?$", var.name))
    error_message = "At most 54 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "The region of the subnetwork."
  type        = string
}

variable "cidr" {
  description = "Private addresses of the machines."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]), 32) <= 27
    error_message = "A range of /27 or larger, such as 10.20.0.0/20."
  }
}

variable "proxies" {
  description = "Range of the proxies of regional load balancers; without one there are global ones alone."
  type        = string
  default     = null

  validation {
    condition     = var.proxies == null || can(cidrhost(var.proxies, 0))
    error_message = "A range such as 10.21.0.0/23."
  }
}
