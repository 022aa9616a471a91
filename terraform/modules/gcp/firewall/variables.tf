variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "name" {
  description = "What the rules' names begin with."
  type        = string
}

variable "network" {
  description = "The network, as resources refer to it."
  type        = string
}

variable "ports" {
  description = "Ports at which machines serve."
  type        = set(number)

  validation {
    condition     = length(var.ports) > 0 && alltrue([for port in var.ports : port >= 1 && port <= 65535 && port != 22])
    error_message = "Name ports from 1 to 65535; 22 is no service's."
  }
}

variable "machines" {
  description = "Network tag of services' machines."
  type        = string
}

variable "builder" {
  description = "Network tag of the machines that images are built on."
  type        = string
}

variable "repository" {
  description = "Network tag of the repository machine."
  type        = string
}

variable "sessions" {
  description = "Whether services' machines can be looked into by SSH through Identity-Aware Proxy; builders always can."
  type        = bool
  default     = false
}

variable "proxies" {
  description = "Range of the proxies of regional load balancers, if there are any."
  type        = string
  default     = null
}
