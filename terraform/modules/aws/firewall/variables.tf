variable "name" {
  description = "What the groups' names begin with."
  type        = string
}

variable "vpc" {
  description = "The VPC's id."
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

variable "listens" {
  description = "Ports at which the balancer takes requests."
  type        = set(number)
  default     = [80]

  validation {
    condition     = alltrue([for port in var.listens : contains([80, 443], port)])
    error_message = "The balancer listens at 80, 443, or both."
  }
}

variable "clients" {
  description = "Addresses that may send requests; 0.0.0.0/0 is everybody."
  type        = set(string)

  validation {
    condition     = length(var.clients) > 0 && alltrue([for cidr in var.clients : can(cidrhost(cidr, 0))])
    error_message = "Name ranges such as 192.0.2.0/24."
  }
}

variable "builder_clients" {
  description = "Addresses from which builders are reached by SSH: of those who bake, and of Jenkins."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.builder_clients : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]), 0) >= 16])
    error_message = "Name your own addresses, such as 198.51.100.7/32: nobody else is let in to builders."
  }
}

variable "tags" {
  description = "Tags on everything that is made."
  type        = map(string)
  default     = {}
}
