variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "name" {
  description = "What the account's name begins with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,21}$", var.name))
    error_message = "3 to 22 lower-case letters, digits and hyphens: a service account's name has 30."
  }
}

variable "secrets" {
  description = "Names of the secrets that services' machines may read."
  type        = set(string)
  default     = []
}
