variable "name" {
  description = "The load balancer's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$", var.name))
    error_message = "At most 32 lower-case letters, digits and hyphens."
  }
}

variable "subnets" {
  description = "Subnets in two zones or more: public ones, unless it is internal."
  type        = list(string)

  validation {
    condition     = length(var.subnets) >= 2
    error_message = "A load balancer needs subnets in two zones."
  }
}

variable "firewall" {
  description = "Its security group."
  type        = string
}

variable "certificate" {
  description = "ARN of the certificate to serve HTTPS with; HTTP alone without one."
  type        = string
  default     = null

  validation {
    condition     = var.certificate == null || can(regex("^arn:[a-z-]+:acm:", var.certificate))
    error_message = "The ARN of a certificate of AWS Certificate Manager."
  }
}

variable "internal" {
  description = "Whether it has private addresses alone."
  type        = bool
  default     = false
}

variable "protected" {
  description = "Whether AWS refuses to delete it."
  type        = bool
  default     = false
}

variable "idle" {
  description = "Seconds after which a connection on which nothing goes on is closed."
  type        = number
  default     = 60

  validation {
    condition     = var.idle >= 1 && var.idle <= 4000
    error_message = "From 1 to 4000 seconds."
  }
}

variable "tags" {
  description = "Tags on everything that is made."
  type        = map(string)
  default     = {}
}
