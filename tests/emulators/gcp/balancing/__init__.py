"""Backend services, URL maps, and the health that a load balancer sees."""
