variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "name" {
  description = "The bucket's name; no other bucket of the world may have it."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name)) && !startswith(var.name, "goog")
    error_message = "3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "location" {
  description = "Region, or multi-region such as EU."
  type        = string
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
  description = "Cloud KMS key that encrypts it; Google's own without one."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}
