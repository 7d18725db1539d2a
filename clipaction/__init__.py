"""clipaction: is CLIP looking at the action? Maskings, isolation and class-specific noise on action videos (arXiv:2507.18675)."""

__version__ = "0.1.0"
