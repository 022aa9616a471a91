variable "name" {
  description = "What everything in it is called, or begins with."
  type        = string
}

variable "region" {
  description = "The region that the zones are of."
  type        = string
}

variable "zones" {
  description = "Availability zones, each of which gets a public and a private subnet."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 8 && length(distinct(var.zones)) == length(var.zones)
    error_message = "Name 2 to 8 zones, each once: a load balancer needs two."
  }
  validation {
    condition     = alltrue([for zone in var.zones : can(regex("^${var.region}[a-z]$", zone))])
    error_message = "Each zone is one of the region, such as eu-west-1a of eu-west-1."
  }
}

variable "cidr" {
  description = "Private addresses of the network, such as 10.20.0.0/16."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.cidr)[1]), 32) <= 22
    error_message = "Give a range of /16 to /22, such as 10.20.0.0/16."
  }
}

variable "nat_per_zone" {
  description = "Whether each zone has a way out of its own: dearer, and machines stay able to start when a zone is lost."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags on everything that is made."
  type        = map(string)
  default     = {}
}
