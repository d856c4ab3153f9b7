"""A validator of FHIR R4 resources by HL7's official definitions (tests/data/fhir-r4), and by profiles written in the same language.

It walks a resource element by element: names, cardinalities, types, formats, required bindings, fixed and pattern values, choice types,
references, extensions, constraints. It fails closed: a constraint it has no function for is a fault of the resource that meets it.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

Json = Any
Resource = dict[str, Any]
OFFICIAL = Path(__file__).parents[1] / "data" / "fhir-r4" / "definitions.json.gz"
_ID = r"[A-Za-z0-9\-\.]{1,64}"
_CANONICAL = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True)
class Definition:
    """One structure: its elements by path, and the children of each."""

    name: str
    kind: str
    abstract: bool
    elements: dict[str, Json]
    children: dict[str, list[Json]]


def _definition(name: str, content: Json) -> Definition:
    elements = {each["path"]: each for each in content["elements"] if ":" not in each["id"]}
    children: dict[str, list[Json]] = {}
    for path, each in elements.items():
        if "." in path:
            children.setdefault(path.rpartition(".")[0], []).append(each)
    return Definition(name, content["kind"], content["abstract"], elements, children)


@dataclass
class Library:
    """Official structures and value sets, and those a server publishes itself."""

    structures: dict[str, Definition]
    value_sets: dict[str, dict[str, list[str] | None]]
    profiles: dict[str, Resource] = field(default_factory=dict)
    """Profiles and extensions by url, as StructureDefinition resources with a differential."""

    def with_published(self, resources: list[Resource]) -> "Library":
        """This library and what somebody publishes: StructureDefinition, ValueSet, CodeSystem."""
        systems = {
            each["url"]: _codes(each["concept"]) for each in resources if each["resourceType"] == "CodeSystem"
        }
        sets = {
            each["url"]: _expand(each, systems) for each in resources if each["resourceType"] == "ValueSet"
        }
        profiles = {each["url"]: each for each in resources if each["resourceType"] == "StructureDefinition"}
        return Library(self.structures, self.value_sets | sets, self.profiles | profiles)


def _codes(concepts: list[Json]) -> list[str]:
    return [code for each in concepts for code in (each["code"], *_codes(each.get("concept", [])))]


def _expand(value_set: Json, systems: Mapping[str, list[str]]) -> dict[str, list[str] | None]:
    expanded: dict[str, list[str] | None] = {}
    for include in value_set["compose"]["include"]:
        listed = [each["code"] for each in include.get("concept", ())]
        expanded[include["system"]] = listed or systems.get(include["system"])
    return expanded


@cache
def official() -> Library:
    """HL7's definitions of R4 (4.0.1)."""
    content = json.loads(gzip.decompress(OFFICIAL.read_bytes()))
    structures = {name: _definition(name, each) for name, each in content["structures"].items()}
    extensions = {url: _as_profile(url, each) for url, each in content["extensions"].items()}
    return Library(structures, content["valueSets"], extensions)


def _as_profile(url: str, content: Json) -> Resource:
    return {
        "resourceType": "StructureDefinition", "url": url, "type": content["type"], "kind": "complex-type",
        "context": [{"type": "element", "expression": "Element"}],
        "differential": {"element": content["elements"]},
    }  # fmt: skip


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read(body: bytes) -> Resource:
    """The resource of a JSON text: decimals as written, no name twice in an object."""
    resource: Resource = json.loads(body, parse_float=Decimal, object_pairs_hook=_unrepeated)
    return resource


def _unrepeated(pairs: list[tuple[str, Json]]) -> Resource:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name twice in one object")
    return made


def faults(body: bytes | Resource, library: Library | None = None, profile: str = "") -> list[str]:
    """Everything that makes it no valid R4 resource, each "path: what"; with `profile`, also no valid resource of that profile."""
    resource = read(body) if isinstance(body, bytes) else body
    walk = _Walk(library or official(), resource)
    walk.resource(resource, str(resource.get("resourceType", "")), "")
    for url in [profile] if profile else []:
        walk.profile(resource, url)
    return walk.found


class _Walk:
    def __init__(self, library: Library, root: Resource) -> None:
        self.library, self.root = library, root
        self.holder = root
        """Whose `contained` a reference such as #p is looked up in: an entry of a bundle has its own."""
        self.found: list[str] = []

    def say(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")

    # ── structures ──

    def resource(self, value: Json, where: str, inside: str) -> None:
        name = value.get("resourceType") if isinstance(value, dict) else None
        definition = self.library.structures.get(str(name))
        if definition is None or definition.kind != "resource" or definition.abstract:
            self.say(where, f"no resource: {name}")
            return
        holder, self.holder = self.holder, self.holder if inside.endswith(".contained") else value
        self.object(value, definition, definition.name, where, inside, of_resource=True)
        self.holder = holder

    def object(
        self,
        value: Json,
        definition: Definition,
        path: str,
        where: str,
        inside: str,
        *,
        of_resource: bool = False,
    ) -> None:
        if not isinstance(value, dict):
            self.say(where, "an object is expected")
            return
        if not of_resource and not value.keys() - {"id"}:
            self.say(where, "ele-1: empty")
        known = {"resourceType"} if of_resource else set()
        for element in definition.children.get(path, ()):
            known |= self.element(value, element, definition, where, inside)
        for name in value.keys() - known:
            self.say(f"{where}.{name}", "unknown element")
        self.constraints(definition.elements[path], value, where)

    def element(
        self, parent: Resource, element: Json, definition: Definition, where: str, inside: str
    ) -> set[str]:
        """Check one element of its parent; the JSON names that stand for it."""
        names = _names(element)
        present = [name for name in names if name in parent or f"_{name}" in parent]
        label = element["path"].rpartition(".")[2]
        if len(present) > 1:
            self.say(f"{where}.{label}", f"one type only: {', '.join(present)}")
        if not present and element["min"] > 0:
            self.say(f"{where}.{label}", "missing")
        for name in present:
            self.values(parent, name, element, names[name], definition, where, inside)
        return {each for name in names for each in (name, f"_{name}")}

    def values(
        self,
        parent: Resource,
        name: str,
        element: Json,
        kind: Json,
        definition: Definition,
        where: str,
        inside: str,
    ) -> None:
        at = f"{where}.{name}"
        many = element["base"]["max"] != "1"
        primitive = self.is_primitive(kind)
        if f"_{name}" in parent and not primitive:
            self.say(f"{where}._{name}", "unknown element")
        value, beside = parent.get(name), parent.get(f"_{name}")
        if name in parent and (value is None or value in ("", [], {})):
            self.say(at, "empty")
            return
        if any(each is not None and isinstance(each, list) != many for each in (value, beside)):
            self.say(at, "a list is expected" if many else "one value is expected, not a list")
            return
        items = value if many else [value]
        besides = beside if many else [beside]
        items, besides = items or [], besides or []
        count = max(len(items), len(besides))
        if element["max"] != "*" and count > int(element["max"]):
            self.say(at, f"at most {element['max']}")
        if count < element["min"]:
            self.say(at, f"at least {element['min']}")
        for index in range(count):
            spot = f"{at}[{index}]" if many else at
            item = items[index] if index < len(items) else None
            extra = besides[index] if index < len(besides) else None
            if item is None and extra is None:
                self.say(spot, "empty")
            if item is not None:
                self.value(item, element, kind, definition, spot, inside)
            if extra is not None:
                self.object(
                    extra, self.library.structures["Element"], "Element", f"{spot} (_)", element["path"]
                )

    def is_primitive(self, kind: Json) -> bool:
        code = kind["code"] if kind else ""
        return code in self.library.structures and self.library.structures[code].kind == "primitive-type"

    def value(
        self, item: Json, element: Json, kind: Json, definition: Definition, where: str, inside: str
    ) -> None:
        path = element["path"]
        if "contentReference" in element:
            self.object(item, definition, element["contentReference"].partition("#")[2], where, inside)
        elif path in definition.children:
            self.object(item, definition, path, where, inside)
        elif kind["code"] == "Resource":
            self.resource(item, where, path)
        elif self.is_primitive(kind):
            self.primitive(item, kind["code"], path, where)
        elif kind["code"] in self.library.structures:
            typed = self.library.structures[kind["code"]]
            self.object(item, typed, typed.name, where, path)
        else:
            self.say(where, f"type {kind['code']} is not in the definitions")
        if kind and kind["code"] == "Reference":
            self.reference(item, kind.get("targetProfile", ()), where)
        if kind and kind["code"] == "Extension":
            self.extension(item, inside if path == "Extension.extension" else _owner(path, inside), where)
        self.bound(item, element.get("binding"), where)
        self.constraints(element, item, where)

    # ── values ──

    def primitive(self, item: Json, code: str, path: str, where: str) -> None:
        expected = _PYTHON.get(code, str)
        if not isinstance(item, expected) or (expected is not bool and isinstance(item, bool)):
            self.say(where, f"a {code} is expected")
            return
        if code in _BY_VALUE and isinstance(item, int):
            low, high = _BY_VALUE[code]
            if not low <= item <= high:
                self.say(where, f"out of bounds for {code}")
            return
        if not isinstance(item, str):
            return
        # R4 says string for a resource's id, and means id (its own page: resource.html#id).
        code = (
            "id"
            if path.endswith(".id") and self.library.structures.get(path[:-3], _NOBODY).kind == "resource"
            else code
        )
        pattern = _ID if code == "id" else self.regex(code)
        if pattern and re.fullmatch(pattern, item) is None:
            self.say(where, f"not the form of a {code}")

    def regex(self, code: str) -> str:
        kinds = self.library.structures[code].elements[f"{code}.value"].get("type", ())
        return next((each["regex"] for each in kinds if "regex" in each), "")

    def bound(self, item: Json, value_set: str | None, where: str) -> None:
        if value_set is None:
            return
        allowed = self.library.value_sets.get(value_set)
        if allowed is None:
            self.say(where, f"value set {value_set} is not known")
        elif not any(_in_set(system, code, allowed) for system, code in _codings(item)):
            self.say(where, f"not in {value_set}")

    def reference(self, item: Json, targets: list[str], where: str) -> None:
        if not isinstance(item, dict):
            return
        wanted = {each.removeprefix(_CANONICAL) for each in targets} or {"Resource"}
        written = str(item.get("reference", ""))
        if written.startswith("#"):
            kinds = {
                each["id"]: each["resourceType"] for each in self.holder.get("contained", ()) if "id" in each
            }
            if written[1:] not in kinds:
                self.say(where, f"ref-1: no contained {written}")
                return
            kind = kinds[written[1:]]
        else:
            found = re.search(r"(?:^|/)([A-Z][A-Za-z]+)/[^/]+$", written)
            kind = item.get("type") or (found[1] if found else "")
        if kind and "Resource" not in wanted and kind not in wanted:
            self.say(where, f"a reference to {', '.join(sorted(wanted))} is expected")

    # ── extensions and profiles ──

    def extension(self, item: Json, context: str, where: str) -> None:
        if not isinstance(item, dict):
            return
        url = str(item.get("url", ""))
        if ":" not in url:  # a part of a complex extension: that one's definition judges it
            return
        profile = self.library.profiles.get(url)
        if profile is None:
            self.say(where, f"extension {url} is defined nowhere")
            return
        contexts = {each["expression"] for each in profile["context"]}
        if not contexts & {context, "Element"}:
            self.say(where, f"extension {url} has no place in {context}")
        self.differential(item, profile, where)

    def profile(self, resource: Resource, url: str) -> None:
        profile = self.library.profiles.get(url)
        if profile is None or profile["type"] != resource.get("resourceType"):
            self.say(str(resource.get("resourceType")), f"no profile {url} for it")
            return
        self.differential(resource, profile, str(profile["type"]))

    def differential(self, value: Json, profile: Resource, where: str) -> None:
        by_id = {each["id"]: each for each in profile["differential"]["element"]}
        for each in by_id.values():
            if "." in each["path"]:
                for parent, spot in _parents(value, each, by_id, where):
                    self.narrowed(parent, each, spot, by_id)

    def narrowed(self, parent: Json, rule: Json, where: str, rules: Mapping[str, Json]) -> None:
        """One rule of a profile, on one parent."""
        items = list(_select(parent, rule, rules))
        at = f"{where}.{rule['id'].rpartition('.')[2]}"
        if len(items) < rule.get("min", 0):
            self.say(at, "the profile asks for it")
        if rule.get("max", "*") != "*" and len(items) > int(rule["max"]):
            self.say(
                at, "the profile does not allow it" if rule["max"] == "0" else "the profile allows fewer"
            )
        for name, item in items:
            self.narrowed_value(name, item, rule, at)

    def narrowed_value(self, name: str, item: Json, rule: Json, where: str) -> None:
        label = rule["path"].rpartition(".")[2]
        if label.endswith("[x]") and "type" in rule:
            allowed = {label[:-3] + each["code"][0].upper() + each["code"][1:] for each in rule["type"]}
            if name not in allowed:
                self.say(where, f"the profile wants {', '.join(sorted(allowed))}")
        for key, wanted in rule.items():
            if key.startswith("fixed") and item != wanted:
                self.say(where, f"the profile fixes {wanted}")
            if key.startswith("pattern") and not _matches(item, wanted):
                self.say(where, f"the profile wants {wanted}")
        binding = rule.get("binding")
        if isinstance(binding, dict) and binding["strength"] == "required":
            self.bound(item, binding["valueSet"], where)
        elif isinstance(binding, str):
            self.bound(item, binding, where)

    # ── constraints ──

    def constraints(self, element: Json, item: Json, where: str) -> None:
        for key in element.get("constraint", {}):
            rule = INVARIANTS.get(key)
            if rule is None:
                self.say(where, f"{key}: nobody checks it here")
            elif not _holds(rule, item, self.holder):
                self.say(where, f"{key}: does not hold")


_PYTHON: dict[str, type | tuple[type, ...]] = {
    "boolean": bool, "integer": int, "positiveInt": int, "unsignedInt": int, "decimal": (int, Decimal),
}  # fmt: skip
_BY_VALUE = {"integer": (-(2**31), 2**31 - 1), "positiveInt": (1, 2**31 - 1), "unsignedInt": (0, 2**31 - 1)}
_NOBODY = Definition("", "", True, {}, {})


def _names(element: Json) -> dict[str, Json]:
    """JSON name → type, of an element; a choice has one a type."""
    label, kinds = element["path"].rpartition(".")[2], element.get("type", [{"code": ""}])
    if label.endswith("[x]"):
        return {label[:-3] + each["code"][0].upper() + each["code"][1:]: each for each in kinds}
    return {label: kinds[0]}


def _owner(path: str, inside: str) -> str:
    """The element an extension stands on: a type's own extension stands on what has that type."""
    owner = path.rpartition(".")[0]
    return inside if owner in {"Element", "BackboneElement", "Extension"} or owner[:1].islower() else owner


def _codings(item: Json) -> Iterator[tuple[str | None, str]]:
    if isinstance(item, str):
        yield None, item
    elif isinstance(item, dict) and "coding" in item:
        for each in item["coding"]:
            yield from _codings(each)
    elif isinstance(item, dict) and "code" in item:
        yield item.get("system"), item["code"]


def _in_set(system: str | None, code: str, allowed: Mapping[str, list[str] | None]) -> bool:
    if system is None:
        return any(codes is None or code in codes for codes in allowed.values())
    return system in allowed and (allowed[system] is None or code in (allowed[system] or ()))


def _matches(item: Json, wanted: Json) -> bool:
    """Does `item` hold all of a pattern?"""
    if isinstance(wanted, dict):
        return isinstance(item, dict) and all(_matches(item.get(key), each) for key, each in wanted.items())
    if isinstance(wanted, list):
        return isinstance(item, list) and all(any(_matches(one, each) for one in item) for each in wanted)
    return bool(item == wanted)


def _select(parent: Json, rule: Json, rules: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """The values of one rule's element under a parent, with their JSON names; of a slice, those that are of it."""
    if not isinstance(parent, dict):
        return
    label = rule["path"].rpartition(".")[2]
    for name, value in parent.items():
        if name != label and not (label.endswith("[x]") and re.fullmatch(label[:-3] + "[A-Z].*", name)):
            continue
        for item in value if isinstance(value, list) else [value]:
            if "sliceName" not in rule or _of_slice(item, rule, rules):
                yield name, item


def _of_slice(item: Json, rule: Json, rules: Mapping[str, Json]) -> bool:
    """A slice of extensions is told by its url, any other by its own pattern (or that of a child)."""
    profiles = [url for kind in rule.get("type", ()) for url in kind.get("profile", ())]
    if profiles:
        return isinstance(item, dict) and item.get("url") in profiles
    for each in rules.values():
        inner = each["id"].removeprefix(f"{rule['id']}.")
        if inner != each["id"] and "." not in inner and isinstance(item, dict):
            for key, wanted in each.items():
                if key.startswith(("fixed", "pattern")) and not _matches(item.get(inner), wanted):
                    return False
    return all(_matches(item, wanted) for key, wanted in rule.items() if key.startswith("pattern"))


def _parents(value: Json, rule: Json, rules: Mapping[str, Json], where: str) -> Iterator[tuple[Json, str]]:
    """Every value the rule's parent stands for, with its path."""
    found = [(value, where)]
    parts = rule["id"].split(".")
    for depth in range(2, len(parts)):
        step = ".".join(parts[:depth])
        own = rules.get(step, {"id": step, "path": re.sub(r":[^.]+", "", step)})
        found = [
            (item, f"{spot}.{name}") for parent, spot in found for name, item in _select(parent, own, rules)
        ]
    yield from found


# ── the constraints that resources of ours can meet ──────────────────────────────────────────────────────────────────

Check = Callable[[Json, Resource], bool]


def _holds(rule: "Check", item: Json, root: Resource) -> bool:
    """A constraint over elements that are missing or of another type does not hold."""
    try:
        return rule(item, root)
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


INVARIANTS: dict[str, Check] = {}


def invariant(*keys: str) -> Callable[[Check], Check]:
    """The function of these constraints: the item, the resource it is in → does it hold?"""

    def keep(check: Check) -> Check:
        INVARIANTS.update(dict.fromkeys(keys, check))
        return check

    return keep


def has(item: Json, *names: str) -> bool:
    """Has it one of these? "value" means any value[x]."""
    return isinstance(item, dict) and any(
        key == name or (name.endswith("*") and key.startswith(name[:-1])) for key in item for name in names
    )


def descend(item: Json) -> Iterator[Resource]:
    """Every object of a resource, itself first."""
    if isinstance(item, dict):
        yield item
        for each in item.values():
            yield from descend(each)
    elif isinstance(item, list):
        for each in item:
            yield from descend(each)


def distinct(values: list[Json]) -> bool:
    return len(values) == len(set(values))


@invariant("ele-1")
def _has_content(item: Json, _: Resource) -> bool:
    # `object` says it of every object, whatever element it is.
    return True


@invariant("ext-1")
def _value_or_extensions(item: Json, _: Resource) -> bool:
    return has(item, "extension") != has(item, "value*")


@invariant("ref-1")
def _resolved(_: Json, __: Resource) -> bool:
    # `reference` says it, with the name.
    return True


@invariant("dom-2", "dom-4", "dom-5")
def _contained_is_plain(item: Json, _: Resource) -> bool:
    inside = item.get("contained", ())
    said = [has(each.get("meta"), "versionId", "lastUpdated", "security") for each in inside]
    return not any(said) and not any(has(each, "contained") for each in inside)


@invariant("dom-3")
def _contained_is_referred_to(item: Json, _: Resource) -> bool:
    said = {each.get("reference") for each in descend(item)}
    return all(f"#{each.get('id')}" in said for each in item.get("contained", ()))


@invariant("per-1")
def _in_order(item: Json, _: Resource) -> bool:
    return not has(item, "start") or not has(item, "end") or item["start"] <= item["end"]


@invariant("qty-3")
def _coded_unit(item: Json, _: Resource) -> bool:
    return not has(item, "code") or has(item, "system")


@invariant("sev-1")
def _name_or_query(item: Json, _: Resource) -> bool:
    return not has(item, "name") or not has(item, "query")


@invariant("sqty-1")
def _no_comparator(item: Json, _: Resource) -> bool:
    return not has(item, "comparator")


@invariant("ces-1")
def _category_or_product(item: Json, _: Resource) -> bool:
    return has(item, "category") != has(item, "productOrService")


@invariant("pat-1")
def _contact_somehow(item: Json, _: Resource) -> bool:
    return has(item, "name", "telecom", "address", "organization")


@invariant("cpt-2")
def _contact_system(item: Json, _: Resource) -> bool:
    return not has(item, "value") or has(item, "system")


@invariant("bdl-1")
def _total_of_a_search(item: Json, _: Resource) -> bool:
    return not has(item, "total") or item["type"] in {"searchset", "history"}


@invariant("bdl-2")
def _searched(item: Json, _: Resource) -> bool:
    return item["type"] == "searchset" or not any(has(each, "search") for each in item.get("entry", ()))


@invariant("bdl-3")
def _requested(item: Json, _: Resource) -> bool:
    wanted = item["type"] in {"batch", "transaction", "history"}
    return all(has(each, "request") == wanted for each in item.get("entry", ()))


@invariant("bdl-4")
def _responded(item: Json, _: Resource) -> bool:
    wanted = item["type"] in {"batch-response", "transaction-response", "history"}
    return all(has(each, "response") == wanted for each in item.get("entry", ()))


@invariant("bdl-5")
def _entry_of_something(item: Json, _: Resource) -> bool:
    return has(item, "resource", "request", "response")


@invariant("bdl-7")
def _each_once(item: Json, _: Resource) -> bool:
    return distinct(
        [
            (each["fullUrl"], each.get("resource", {}).get("meta", {}).get("versionId"))
            for each in item.get("entry", ())
            if "fullUrl" in each
        ]
    )


@invariant("bdl-8")
def _no_history(item: Json, _: Resource) -> bool:
    return "/_history/" not in item.get("fullUrl", "")


@invariant("bdl-9", "bdl-10", "bdl-11", "bdl-12")
def _no_document_nor_message(item: Json, _: Resource) -> bool:
    return item["type"] not in {"document", "message"}


@invariant("cpb-1")
def _serves_something(item: Json, _: Resource) -> bool:
    return has(item, "rest", "messaging", "document")


@invariant("cpb-2")
def _says_what_it_is(item: Json, _: Resource) -> bool:
    return has(item, "description", "software", "implementation")


@invariant("cpb-3", "cpb-15", "cpb-16")
def _only_instances(item: Json, root: Resource) -> bool:
    return bool(root["kind"] == "instance")


@invariant("cpb-14")
def _instance_is_somewhere(item: Json, _: Resource) -> bool:
    return item["kind"] != "instance" or has(item, "implementation")


@invariant("cpb-7")
def _no_documents(item: Json, _: Resource) -> bool:
    return not has(item, "document")


@invariant("cpb-9")
def _each_type_once(item: Json, _: Resource) -> bool:
    return distinct([each["type"] for each in item.get("resource", ())])


@invariant("cpb-12")
def _each_parameter_once(item: Json, _: Resource) -> bool:
    return distinct([each["name"] for each in item.get("searchParam", ())])


@invariant("csd-1")
def _each_code_once(item: Json, _: Resource) -> bool:
    return distinct(_codes(item.get("concept", [])))


@invariant("vsd-1")
def _set_or_system(item: Json, _: Resource) -> bool:
    return has(item, "valueSet", "system")


@invariant("vsd-2")
def _system_of_codes(item: Json, _: Resource) -> bool:
    return not has(item, "concept", "filter") or has(item, "system")


@invariant("vsd-3")
def _codes_or_filter(item: Json, _: Resource) -> bool:
    return not (has(item, "concept") and has(item, "filter"))


@invariant("sdf-1", "sdf-11", "sdf-15", "sdf-16", "sdf-22", "sdf-3", "sdf-8", "sdf-8b")
def _no_snapshot(_: Json, root: Resource) -> bool:
    # Each speaks of snapshots; a differential alone is what is published here.
    return not has(root, "snapshot")


@invariant("sdf-4")
def _derived(item: Json, _: Resource) -> bool:
    return item["abstract"] is True or has(item, "baseDefinition")


@invariant("sdf-5")
def _extension_has_a_place(item: Json, _: Resource) -> bool:
    return item["type"] != "Extension" or item.get("derivation") == "specialization" or has(item, "context")


@invariant("sdf-6")
def _says_something(item: Json, _: Resource) -> bool:
    return has(item, "snapshot", "differential")


@invariant("sdf-8a")
def _paths_of_its_type(item: Json, root: Resource) -> bool:
    first, *rest = (each["path"] for each in item["element"])
    return first.startswith(root["type"]) and all(
        each.startswith(first.partition(".")[0] + ".") for each in rest
    )


@invariant("sdf-9", "sdf-15a", "sdf-20", "sdf-23")
def _plain_root(item: Json, _: Resource) -> bool:
    roots = [each for each in descend(item) if "path" in each and "." not in each["path"] and "id" in each]
    return not any(
        has(each, "label", "code", "requirements", "type", "slicing", "sliceName") for each in roots
    )


@invariant("sdf-14", "sdf-17")
def _elements_have_ids(item: Json, root: Resource) -> bool:
    ids = [each.get("id") for each in root["differential"]["element"]]
    return None not in ids and distinct(ids)


@invariant("sdf-18")
def _invariant_of_extensions(item: Json, _: Resource) -> bool:
    return not has(item, "contextInvariant") or item["type"] == "Extension"


@invariant("sdf-19")
def _not_hl7s(item: Json, _: Resource) -> bool:
    return not item["url"].startswith(_CANONICAL)


@invariant("sdf-21")
def _no_default(item: Json, _: Resource) -> bool:
    return not any(has(each, "defaultValue*") for each in item["differential"]["element"])


@invariant("eld-1")
def _told_apart(item: Json, _: Resource) -> bool:
    return has(item, "discriminator", "description")


@invariant("eld-2")
def _least_and_most(item: Json, _: Resource) -> bool:
    return not has(item, "min") or item.get("max", "*") == "*" or item["min"] <= int(item["max"])


@invariant("eld-3")
def _a_number_or_star(item: Json, _: Resource) -> bool:
    return item == "*" or str(item).isdecimal()


@invariant("eld-4", "eld-17")
def _targets_of_references(item: Json, _: Resource) -> bool:
    return not has(item, "aggregation", "targetProfile") or item["code"] in {"Reference", "canonical"}


@invariant("eld-5", "eld-15", "eld-22")
def _nothing_inherited(item: Json, _: Resource) -> bool:
    return not has(item, "contentReference", "defaultValue*", "sliceIsConstraining")


@invariant("eld-6", "eld-7")
def _one_type_when_fixed(item: Json, _: Resource) -> bool:
    return not has(item, "fixed*", "pattern*") or len(item.get("type", ())) <= 1


@invariant("eld-8")
def _fixed_or_pattern(item: Json, _: Resource) -> bool:
    return not (has(item, "fixed*") and has(item, "pattern*"))


@invariant("eld-11")
def _bound_types(item: Json, _: Resource) -> bool:
    codes = {each["code"] for each in item.get("type", ())}
    bindable = {"code", "Coding", "CodeableConcept", "Quantity", "string", "uri"}
    return not has(item, "binding") or not codes or bool(codes & bindable)


@invariant("eld-12")
def _value_set_address(item: Json, _: Resource) -> bool:
    return str(item.get("valueSet", "urn:")).startswith(("http:", "https", "urn:"))


@invariant("sdf-10")
def _binding_to_something(item: Json, _: Resource) -> bool:
    return not has(item, "binding") or has(item["binding"], "valueSet", "description")


@invariant("eld-13")
def _each_element_type_once(item: Json, _: Resource) -> bool:
    return distinct([each["code"] for each in item.get("type", ())])


@invariant("eld-14")
def _each_constraint_once(item: Json, _: Resource) -> bool:
    return distinct([each["key"] for each in item.get("constraint", ())])


@invariant("eld-16")
def _slice_name(item: Json, _: Resource) -> bool:
    return re.fullmatch(r"[a-zA-Z0-9/\-_\[\]@]+", item.get("sliceName", "a")) is not None


@invariant("eld-18")
def _modifiers_say_why(item: Json, _: Resource) -> bool:
    return not item.get("isModifier") or has(item, "isModifierReason")


@invariant("eld-19")
def _element_path(item: Json, _: Resource) -> bool:
    return all(re.fullmatch(r"[^\s.,:;'\"/|?!@#$%&*()\[\]{}]{1,64}(\[x\])?", each) for each in item["path"].split("."))  # fmt: skip
