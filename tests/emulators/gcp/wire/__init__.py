"""How the emulator is reached: a proxy with an authority of its own, tokens, and Google's other hosts."""
