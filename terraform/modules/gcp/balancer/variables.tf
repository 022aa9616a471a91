variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "name" {
  description = "What the URL map and all of the load balancer are called."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,52}[a-z0-9])?$", var.name))
    error_message = "At most 54 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "port" {
  description = "`port` of the service in phoenix.yaml."
  type        = number
}

variable "health" {
  description = "Path of its health check."
  type        = string

  validation {
    condition     = startswith(var.health, "/")
    error_message = "A path such as /healthz."
  }
}

variable "timeout" {
  description = "Seconds within which a machine has to answer."
  type        = number
  default     = 60
}

variable "drain" {
  description = "Seconds that open requests get where a group loses its traffic."
  type        = number
  default     = 30

  validation {
    condition     = var.drain >= 0 && var.drain <= 3600
    error_message = "From 0 to 3600 seconds."
  }
}

variable "domains" {
  description = "Names to serve HTTPS for, by a certificate of Google's; HTTP alone without one."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for domain in var.domains : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", domain))])
    error_message = "Names such as www.acme.example."
  }
}

variable "log_rate" {
  description = "Share of the requests that are logged, from 0 to 1."
  type        = number
  default     = 0.1

  validation {
    condition     = var.log_rate >= 0 && var.log_rate <= 1
    error_message = "From 0 to 1."
  }
}
