"""What people and Jenkins type: one file per command."""
