variable "name" {
  description = "What the roles' names begin with."
  type        = string
}

variable "partition" {
  description = "AWS's own part of ARNs: aws, aws-cn, aws-us-gov."
  type        = string
  default     = "aws"
}

variable "secrets" {
  description = "ARNs of the secrets that services' machines may read; their last six characters may be `-*`."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secrets : can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^*]+", arn))])
    error_message = "ARNs of secrets, such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-*."
  }
}

variable "sessions" {
  description = "Whether services' machines can be looked into by Session Manager, where their image has its agent."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags on everything that is made."
  type        = map(string)
  default     = {}
}
