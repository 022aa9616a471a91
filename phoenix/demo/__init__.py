"""The demo: phoenix's own commands as a person would type them, under load."""
