"""What a run can be told: the schema, the shipped profiles (*.yaml), and how they are loaded."""

from .load import load_profile
from .schema import Profile

__all__ = ["Profile", "load_profile"]
