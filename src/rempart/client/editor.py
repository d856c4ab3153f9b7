"""What an editor does for itself: reads its page, replaces its key."""

import time
from collections.abc import Callable

import httpx

from rempart.client.keys import Signer
from rempart.client.model import EditorPage
from rempart.client.wire import Wire


class EditorDesk:
    """The editor's own door. Its key opens this page, and nothing else by itself."""

    def __init__(
        self,
        origin: str,
        editor: Signer,
        *,
        language: str = "fr",
        http: httpx.Client | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._origin, self._editor = origin, editor
        self._language, self._http, self._clock = language, http, clock

    def page(self) -> EditorPage:
        """How many establishments, what is left of the line, what was refused, whether a switch is thrown."""
        return self._ask("/acts/editor", self._editor, None)

    def rotate(self, new: Signer) -> EditorPage:
        """Replace the key by `new`: both sign. The former still counts for seven days, so that a fleet moves without an outage."""
        page = self._ask("/acts/editor/rotate", new, self._editor)
        self._editor = new
        return page

    def _ask(self, path: str, signer: Signer, beside: Signer | None) -> EditorPage:
        wire = Wire(self._origin, signer, beside, language=self._language, http=self._http, clock=self._clock)
        try:
            told = wire.act(path, {"device_key": dict(signer.public)})
        finally:
            if self._http is None:
                wire.close()
        return EditorPage(
            name=told["name"],
            status=told["status"],
            hold=told["hold"],
            keyid=told["keyid"],
            former_until=told["former_until"],
            establishments=told["establishments"],
            devices=told["devices"],
            spent=tuple(told["spent"]),
            limits=tuple(told["limits"]),
            refusals=told["refusals"],
            at=told["at"],
        )
