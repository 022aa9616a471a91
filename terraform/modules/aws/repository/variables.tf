variable "name" {
  description = "What everything of it is called, or begins with."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,26}$", var.name))
    error_message = "At most 27 lower-case letters, digits and hyphens."
  }
}

variable "partition" {
  description = "AWS's own part of ARNs: aws, aws-cn, aws-us-gov."
  type        = string
  default     = "aws"
}

variable "region" {
  description = "The region, whose bucket Session Manager's agent comes from."
  type        = string
}

variable "vpc" {
  description = "The VPC that knows its name."
  type        = string
}

variable "subnet" {
  description = "Private subnet that the machine is in."
  type        = string
}

variable "zone" {
  description = "The subnet's zone: the disk has to be there."
  type        = string
}

variable "firewall" {
  description = "Its security group."
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
  default     = "t3.small"
}

variable "disk" {
  description = "GiB of the repository's disk."
  type        = number
  default     = 20

  validation {
    condition     = var.disk >= 4 && floor(var.disk) == var.disk
    error_message = "A whole number from 4."
  }
}

variable "readers" {
  description = "ARNs of other roles that may read the bucket of packages."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.readers : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(user|role)/.+", arn))])
    error_message = "ARNs of users or roles; neither * nor a whole account."
  }
}

variable "tags" {
  description = "Tags on everything that is made."
  type        = map(string)
  default     = {}
}
