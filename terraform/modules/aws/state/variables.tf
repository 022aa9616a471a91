variable "name" {
  description = "What the bucket's name begins with; S3 adds what makes it the only one."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,29}$", var.name))
    error_message = "At most 30 lower-case letters, digits and hyphens."
  }
}

variable "keep_days" {
  description = "Days for which former versions of an object are kept."
  type        = number
  default     = 90

  validation {
    condition     = var.keep_days >= 7
    error_message = "Keep them for 7 days or longer."
  }
}

variable "key" {
  description = "ARN of the KMS key that encrypts it; S3's own without one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
}
