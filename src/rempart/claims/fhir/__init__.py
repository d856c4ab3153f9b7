"""Tiers payant in FHIR R4: a Claim read, answers written, and the profiles that say so.

What happens here: JSON to the bodies of `claims.messages` and back, amounts as decimals of two places. Pure. Who may come in: the cashier
and the API's door. What never happens here: a decision, a float, a person's identifier; an element that nobody reads is refused by name.
"""
