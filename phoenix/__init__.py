"""phoenix: servers that are burnt down and reborn from a freshly baked image."""

__version__ = "0.1.0"
