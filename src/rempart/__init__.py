"""Rempart: a tiers payant platform in which a stolen password opens nothing."""

__version__ = "0.1.0"
