"""The portal: what a professional sees in a browser.

What happens here: pages that hold nobody's data, one small script, and `/acts/…`, which relays each signed request whole to the vault
and renders its reply. Who may come in: anyone for the pages; every act is judged by the vault. What never happens here: a decision, a
key, a rule of the trade; a name, a NIR or a birth date in a page's address, in a log line or in anything kept.
"""

from rempart.portal.application import app
from rempart.portal.settings import PortalSettings

__all__ = ["PortalSettings", "app"]
