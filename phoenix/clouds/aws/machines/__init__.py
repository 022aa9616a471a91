"""Auto Scaling groups and their machines: what they are made of, read from, and ended by."""
