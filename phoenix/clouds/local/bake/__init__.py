"""How images come to be on this computer, and are proven."""
