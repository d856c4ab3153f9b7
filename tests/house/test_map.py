"""docs/map.md is the tree; every package has a card on its door; no file has a name that refuses nothing."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
PACKAGES = sorted(path.parent for path in (ROOT / "src/rempart").glob("*/__init__.py"))


def test_the_map_is_the_tree() -> None:
    mapped = set(re.findall(r"^\| `src/rempart/(\w+)`", (ROOT / "docs/map.md").read_text(), re.MULTILINE))
    assert mapped == {package.name for package in PACKAGES}


def test_every_package_has_a_card_on_its_door() -> None:
    for package in PACKAGES:
        card = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
        assert card, package.name
        assert card != "To be described.", package.name


def test_no_module_has_a_name_that_refuses_nothing() -> None:
    refused = {"utils", "util", "helpers", "helper", "service", "services", "manager", "common", "misc"}
    assert [path for path in (ROOT / "src").rglob("*.py") if path.stem in refused] == []


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").rglob("*.md"),
    ]:
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_no_document_names_a_test_that_is_not_there() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text()):
            assert (ROOT / file).exists(), f"{page.name}: {file}"
            assert f"def {name}(" in (ROOT / file).read_text(), f"{page.name}: {file}::{name}"


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        if page.is_dir():
            waiting += page.glob("*.md")
        elif page.suffix == ".md":
            waiting += [page.parent / target for target in LINK.findall(page.read_text())]
    assert {page for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in reached} == set()
