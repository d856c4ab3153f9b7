"""The API's door: FHIR R4 for rights, and the few public documents beside it.

What happens here: a signed rights check is relayed whole to the vault and its answer is told in FHIR; insurers' files are put down, unread,
for the sealer; keys, checkpoint and capability statement are published. Who may come in: anyone; the vault judges every check, the sealer
every file. What never happens here: a decision, a key, a person's identifier read, kept or logged.
"""

from rempart.api.application import app
from rempart.api.submit import RightsCheck

__all__ = ["RightsCheck", "app"]
