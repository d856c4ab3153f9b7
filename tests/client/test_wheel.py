"""The wheel `rempart-client`: built, unpacked where nothing else of Rempart is, imported and used there."""

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest

import rempart.client

HOUSE = Path(__file__).parents[2]
PROGRAM = """
import sys
sys.path[:0] = [{wheel!r}, {libraries!r}]
import rempart.client, rempart.client.__main__
from rempart.client.signing import signed_headers
assert rempart.client.__file__.startswith({wheel!r}), rempart.client.__file__
ours = [name for name in sys.modules if name.startswith("rempart") and not name.startswith("rempart.client")]
assert ours == ["rempart"], ours
device, editor = rempart.client.DeviceKey.generate(), rempart.client.EditorKey.generate()
print(len(signed_headers("POST", "https://a/b", b"{{}}", created=1, device=device, editor=editor)["Signature"].split(", ")))
try:
    import rempart.vault
except ImportError:
    print("alone")
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=HOUSE / "packaging/client", check=True, capture_output=True)
    [wheel] = folder.glob("rempart_client-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_the_client_and_nothing_else(unpacked: Path) -> None:
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    inside = {name for name in files if not name.startswith("rempart_client-")}
    modules = {f"rempart/client/{path.name}" for path in (HOUSE / "src/rempart/client").glob("*.py")}
    assert inside == modules | {"rempart/client/py.typed"}
    [metadata] = [name for name in files if name.endswith("METADATA")]
    assert f"Version: {rempart.client.__version__}\n" in (unpacked / metadata).read_text()


def test_the_client_imports_what_its_wheel_asks_for_and_nothing_else() -> None:
    asked = tomllib.loads((HOUSE / "packaging/client/pyproject.toml").read_text())["project"]["dependencies"]
    allowed = {each.partition(">")[0] for each in asked} | sys.stdlib_module_names | {"rempart"}
    for path in (HOUSE / "src/rempart/client").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.partition(".")[0] in allowed, f"{path.name}: {name}"
                assert not name.startswith("rempart") or name.startswith("rempart.client"), (
                    f"{path.name}: {name}"
                )


def test_the_wheel_works_where_nothing_else_of_rempart_is(unpacked: Path) -> None:
    libraries = str(Path(httpx.__file__).parents[1])
    program = PROGRAM.format(wheel=str(unpacked), libraries=libraries)
    # -S: no .pth file is read, so that this repository is not found.
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert (ran.stdout.split(), ran.stderr) == (["2", "alone"], "")
