variable "name" {
  description = "What policies and role are called, or begin with."
  type        = string
}

variable "project" {
  description = "`project` of phoenix.yaml: the policies allow changes of what bears its tag."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,25}$", var.project))
    error_message = "As in phoenix.yaml: at most 26 lower-case letters, digits and hyphens."
  }
}

variable "state" {
  description = "ARN of the bucket of the state."
  type        = string
}

variable "operators" {
  description = "ARNs of the users and roles that may work as phoenix: people's, and Jenkins'."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.operators : can(regex("^arn:[a-z-]+:(iam|sts)::[0-9]{12}:(user|role|assumed-role)/.+", arn))])
    error_message = "ARNs of users or roles; neither * nor a whole account."
  }
}

variable "machines" {
  description = "ARNs of the roles of machines that may work as phoenix, each under a name of your choice; one at least, or an operator."
  type        = map(string)
  default     = {}
}

variable "passed" {
  description = "ARNs of the roles that machines may be given: builders (`bake`), and those of services (`roll`)."
  type        = map(set(string))

  validation {
    condition     = alltrue([for work in ["bake", "roll"] : length(lookup(var.passed, work, [])) > 0])
    error_message = "One role to bake with, and one to roll with, at least."
  }
  validation {
    condition     = alltrue([for arn in flatten([for roles in values(var.passed) : tolist(roles)]) : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "ARNs of roles, without * or ?."
  }
}

variable "tags" {
  description = "Tags on everything that is made."
  type        = map(string)
  default     = {}
}
