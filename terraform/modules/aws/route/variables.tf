variable "listener" {
  description = "ARN of the listener."
  type        = string
}

variable "priority" {
  description = "Which rule is looked at first: the smaller. Phoenix puts its previews before it, so leave room below."
  type        = number

  validation {
    condition     = var.priority >= 10 && var.priority <= 50000 && floor(var.priority) == var.priority
    error_message = "A whole number from 10 to 50000: phoenix needs free priorities below it."
  }
}

variable "paths" {
  description = "Paths of requests that are the service's."
  type        = list(string)
  default     = ["/*"]

  validation {
    condition     = length(var.paths) > 0 && alltrue([for path in var.paths : startswith(path, "/")])
    error_message = "Patterns of paths, such as /api/*."
  }
}

variable "hosts" {
  description = "Host names of requests that are the service's; all without one."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "Tags of the rule."
  type        = map(string)
  default     = {}
}
