"""How AMIs come to be, and are proven."""
