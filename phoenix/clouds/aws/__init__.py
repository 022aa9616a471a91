"""AWS: AMIs, Auto Scaling groups, and the rules of an Application Load Balancer's listener."""
