"""Rempart: a tiers payant platform in which a stolen password opens nothing."""
