"""SECURITY.md, "Dangerous functions": the source has none of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/rempart"
CALLS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "xmlrpc", "telnetlib", "jsonpickle", "dill"}


def faults(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            attribute = ast.unparse(node.func) if isinstance(node.func, ast.Attribute) else ""
            shell = any(k.arg == "shell" and not _is_false(k.value) for k in node.keywords)
            if (
                name in CALLS
                or attribute in {"os.system", "os.popen", "yaml.load", "yaml.unsafe_load"}
                or shell
            ):
                yield f"{path.name}:{node.lineno} {name or attribute}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            named = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            yield from (f"{path.name}: {m}" for m in named if m.partition(".")[0] in MODULES)


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def test_nothing_runs_what_it_was_given() -> None:
    # A bench hears its own children by pickle, through a pipe that nobody else writes.
    assert [fault for path in SOURCE.rglob("*.py") for fault in faults(path)] == ["load.py: pickle"]


def test_every_reader_of_xml_refuses_entities_and_the_network() -> None:
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        for call in re.findall(
            r"etree\.(?:XMLParser|iterparse)\((.*?)\n    \)|etree\.XMLParser\(([^\n]*)\)", text, re.DOTALL
        ):
            assert "resolve_entities=False" in "".join(call), path.name
            assert "no_network=True" in "".join(call), path.name


def test_templates_are_files_and_escape_everything() -> None:
    python = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    assert "from_string" not in python
    assert python.count("autoescape=True") == python.count("jinja2.Environment(") > 0
    for template in SOURCE.rglob("*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape false", template.read_text()), template.name


def test_the_script_turns_text_into_markup_at_one_door_and_runs_no_text() -> None:
    scripts = {path.name: path.read_text() for path in SOURCE.glob("*/static/*.js")}
    dangerous = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        r"|localStorage|document\.cookie|postMessage|window\.open"
    )
    found = {(name, hit) for name, text in scripts.items() for hit in dangerous.findall(text)}
    assert found == {("page.js", "innerHTML")}
    assert "policy.createHTML(html)" in scripts["page.js"]


def test_no_field_forbids_pasting_and_every_password_field_is_masked() -> None:
    for template in SOURCE.rglob("*.html"):
        text = template.read_text()
        assert "onpaste" not in text
        for field in re.findall(r"<input[^>]*autocomplete=\"(?:current|new)-password\"[^>]*>", text):
            assert 'type="password"' in field, template.name
            assert "maxlength" not in field, template.name
