"""Managed instance groups and their autoscalers."""
