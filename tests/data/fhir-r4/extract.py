"""Make definitions.json.gz: the part of HL7's official R4 definitions that tests/api/fhir_definitions.py reads. See README.md.

    python extract.py FOLDER    a folder with profiles-resources.json, profiles-types.json, extension-definitions.json,
                                valuesets.json and v3-codesystems.json

Prose, mappings and examples are left out; element paths, cardinalities, types, bindings, fixed values and constraints are as published.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

RESOURCES = (
    "Resource", "DomainResource", "Claim", "ClaimResponse", "PaymentReconciliation", "Bundle", "OperationOutcome", "CapabilityStatement",
    "StructureDefinition", "CodeSystem", "ValueSet", "Patient", "Coverage", "CoverageEligibilityRequest", "CoverageEligibilityResponse",
    "AuditEvent",
)  # fmt: skip
EXTENSIONS = ("http://hl7.org/fhir/StructureDefinition/translation",)
KEPT = ("id", "path", "sliceName", "min", "max", "base", "contentReference", "isModifier")
REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


def main(folder: Path) -> None:
    """Write definitions.json.gz beside this file."""
    structures = _read(folder, "profiles-resources.json") | _read(folder, "profiles-types.json")
    extensions = _read(folder, "extension-definitions.json")
    wanted, kept = list(RESOURCES), {}
    while wanted:
        name = wanted.pop()
        if name in kept:
            continue
        kept[name] = _structure(structures[name])
        codes = {each["code"] for element in kept[name]["elements"] for each in element.get("type", ())}
        wanted += [code for code in codes if code in structures and structures[code]["kind"] != "resource"]
    published = {url: _structure(each) for each in extensions.values() if (url := each["url"]) in EXTENSIONS}
    bound = {
        element["binding"] for each in kept.values() for element in each["elements"] if "binding" in element
    }
    sets = ValueSets(folder)
    content = {
        "fhirVersion": structures["Claim"]["fhirVersion"],
        "structures": dict(sorted(kept.items())),
        "extensions": published,
        "valueSets": {url: sets.expand(url) for url in sorted(bound)},
    }
    packed = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    Path(__file__).with_name("definitions.json.gz").write_bytes(gzip.compress(packed, mtime=0))


def _read(folder: Path, name: str) -> dict[str, Any]:
    """The StructureDefinitions of a bundle, by name; derived ones (SimpleQuantity…) are not types of an element."""
    entries = json.loads((folder / name).read_text())["entry"]
    found = [
        entry["resource"] for entry in entries if entry["resource"]["resourceType"] == "StructureDefinition"
    ]
    return {each["name"]: each for each in found}


def _structure(definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": definition["kind"],
        "type": definition["type"],
        "url": definition["url"],
        "abstract": definition["abstract"],
        "elements": [_element(each) for each in definition["snapshot"]["element"]],
    }


def _element(element: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: value for key, value in element.items() if key in KEPT or key.startswith(("fixed", "pattern"))
    }
    if "type" in element:
        kept["type"] = [_type(each) for each in element["type"]]
    binding = element.get("binding", {})
    if binding.get("strength") == "required":
        kept["binding"] = binding["valueSet"].partition("|")[0]
    constraints = {
        each["key"]: each.get("expression", "")
        for each in element.get("constraint", ())
        if each["severity"] == "error"
    }
    if constraints:
        kept["constraint"] = constraints
    return kept


def _type(written: dict[str, Any]) -> dict[str, Any]:
    said = {each["url"]: each for each in written.get("extension", ())}
    kept = {key: value for key, value in written.items() if key in {"code", "targetProfile", "profile"}}
    kept["code"] = kept["code"].replace("http://hl7.org/fhirpath/System.String", "string")
    if FHIR_TYPE in said:
        kept["code"] = said[FHIR_TYPE]["valueUrl"]
    if REGEX in said:
        kept["regex"] = said[REGEX]["valueString"]
    return kept


class ValueSets:
    """The official value sets and code systems, by url."""

    def __init__(self, folder: Path) -> None:
        self._found: dict[str, dict[str, Any]] = {}
        for name in ("valuesets.json", "v3-codesystems.json"):
            for entry in json.loads((folder / name).read_text())["entry"]:
                self._found[entry["resource"]["url"]] = entry["resource"]

    def expand(self, url: str) -> dict[str, list[str] | None]:
        """System → its codes in the set; None: every code of that system, which FHIR does not enumerate."""
        composed: dict[str, list[str] | None] = {}
        for include in self._found[url]["compose"]["include"]:
            for other in include.get("valueSet", ()):
                composed |= self.expand(other.partition("|")[0])
            if "system" in include:
                composed[include["system"]] = self._codes(include)
        return composed

    def _codes(self, include: dict[str, Any]) -> list[str] | None:
        if "filter" in include:
            raise SystemExit(f"a filter on {include['system']}: not foreseen")
        if "concept" in include:
            return [each["code"] for each in include["concept"]]
        system = self._found.get(include["system"])
        if system is None or system.get("content") != "complete":
            return None
        return _descend(system["concept"])


def _descend(concepts: list[dict[str, Any]]) -> list[str]:
    return [code for each in concepts for code in (each["code"], *_descend(each.get("concept", [])))]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
