"""The clouds: one folder each, all with the same rooms, behind the protocols of `api`."""
