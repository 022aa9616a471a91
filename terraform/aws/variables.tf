variable "project" {
  description = "`project` of phoenix.yaml: rights are limited to what bears its tag."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,25}$", var.project)) && !endswith(var.project, "-")
    error_message = "At most 26 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "name" {
  description = "What everything is called, or begins with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "Region, such as eu-west-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region such as eu-west-1."
  }
}

variable "zones" {
  description = "Two of its availability zones, or more."
  type        = list(string)
}

variable "cidr" {
  description = "Private addresses of the network."
  type        = string
  default     = "10.20.0.0/16"
}

variable "nat_per_zone" {
  description = "Whether each zone has a way out of its own."
  type        = bool
  default     = false
}

variable "port" {
  description = "`port` of the service in phoenix.yaml."
  type        = number
  default     = 8080
}

variable "priority" {
  description = "Priority of the service's rule."
  type        = number
  default     = 100
}

variable "clients" {
  description = "Addresses that may send requests to the balancer."
  type        = set(string)
  default     = ["0.0.0.0/0"]
}

variable "builder_clients" {
  description = "Addresses from which builders are reached by SSH: yours, and Jenkins'."
  type        = set(string)
  default     = []
}

variable "certificate" {
  description = "ARN of the certificate to serve HTTPS with; HTTP alone without one."
  type        = string
  default     = null
}

variable "secrets" {
  description = "ARNs of the secrets that the service's machines may read."
  type        = set(string)
  default     = []
}

variable "machine_roles" {
  description = "ARNs of the roles of services' machines beside the one that is made here: phoenix may give them to machines."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.machine_roles : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "ARNs of roles, without * or ?."
  }
}

variable "sessions" {
  description = "Whether the service's machines can be looked into by Session Manager, where their image has its agent."
  type        = bool
  default     = false
}

variable "operators" {
  description = "ARNs of the users and roles that may work as phoenix, beside the repository machine."
  type        = set(string)
  default     = []
}

variable "tags" {
  description = "Tags on everything that is made."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(key, "phoenix:")])
    error_message = "Tags that begin with phoenix: are on what phoenix makes, and may remove."
  }
}
