variable "project" {
  description = "Id of the Google Cloud project: `clouds.gcp.project` of phoenix.yaml."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "The id of a project: 6 to 30 lower-case letters, digits and hyphens."
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
  description = "Region, such as us-central1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)+[0-9]+$", var.region))
    error_message = "A region such as us-central1."
  }
}

variable "cidr" {
  description = "Private addresses of the machines."
  type        = string
  default     = "10.20.0.0/20"
}

variable "service" {
  description = "Name of the service in phoenix.yaml: the URL map has it behind `name`."
  type        = string
  default     = "web-tier"

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$", var.service))
    error_message = "At most 22 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "port" {
  description = "`port` of the service in phoenix.yaml."
  type        = number
  default     = 8080
}

variable "health" {
  description = "`health` of the service."
  type        = string
  default     = "/healthz"
}

variable "domains" {
  description = "Names to serve HTTPS for; HTTP alone without one."
  type        = list(string)
  default     = []
}

variable "secrets" {
  description = "Names of the secrets that the service's machines may read."
  type        = set(string)
  default     = []
}

variable "sessions" {
  description = "Whether the service's machines can be looked into by SSH through Identity-Aware Proxy."
  type        = bool
  default     = false
}

variable "operators" {
  description = "Members of IAM that may work as phoenix: people, groups, Jenkins' service account."
  type        = set(string)
  default     = []
}

variable "labels" {
  description = "Labels on everything that can bear them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.labels) : !startswith(key, "phoenix")])
    error_message = "Labels that begin with phoenix are on what phoenix makes, and may remove."
  }
}
