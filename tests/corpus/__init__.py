"""A corpus of small roles, one for each habit of public ones, and what each builder makes of it (see `habits`)."""
