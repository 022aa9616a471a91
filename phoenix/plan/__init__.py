"""Decisions: pure functions from (spec, observed) to a plan. No clock, network, subprocess or environment."""
