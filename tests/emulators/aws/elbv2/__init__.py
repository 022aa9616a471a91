"""Elastic Load Balancing v2, mended: targets that have a health, and rules with their limits."""
