"""What stands at a load balancer: the rule that serves, target groups, previews."""
