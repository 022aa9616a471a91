"""The programs phoenix runs: per program a pure `..._command`, a pure `parse_...`, then `run`."""
