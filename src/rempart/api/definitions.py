"""Profiles, codes and examples, as anyone may read them: /fhir/StructureDefinition, /fhir/CodeSystem, /fhir/ValueSet, /fhir/examples."""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from rempart.api.responses import refused, told_fhir, told_json
from rempart.claims.fhir.definitions import published
from rempart.claims.fhir.examples import examples
from rempart.vaultdoor.messages import Refused


class _Kind(Convertor[str]):
    """One of the types that are published."""

    regex = "|".join(published())

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("definition", _Kind())


class Definitions:
    """What is published, for the configured origin."""

    def __init__(self, origin: str, *, production: bool = False) -> None:
        self._origin, self._production = origin, production

    async def all_of(self, request: Request) -> Response:
        """Every definition of one type."""
        kind = request.path_params["kind"]
        bundle = _bundle(f"{self._origin}/fhir/{kind}", published()[kind].items())
        return told_fhir(bundle, production=self._production)

    async def one(self, request: Request) -> Response:
        """One definition."""
        return self._told(published()[request.path_params["kind"]], request.path_params["name"])

    async def examples(self, _: Request) -> Response:
        """Where the examples are."""
        addresses = {name: f"{self._origin}/fhir/examples/{name}" for name in examples()}
        return told_json(addresses, production=self._production)

    async def example(self, request: Request) -> Response:
        """One example."""
        return self._told(examples(), request.path_params["name"])

    def _told(self, found: Mapping[str, Any], name: str) -> Response:
        if name not in found:
            return refused(Refused("not-found"), production=self._production)
        return told_fhir(found[name], production=self._production)


def _bundle(base: str, resources: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    entries = [
        {"fullUrl": f"{base}/{name}", "resource": each, "search": {"mode": "match"}}
        for name, each in resources
    ]
    return {
        "resourceType": "Bundle", "type": "searchset", "total": len(entries), "link": [{"relation": "self", "url": base}], "entry": entries,
    }  # fmt: skip
