"""Whose code a process of a commit imports: the commit's, by whatever way the working tree is installed."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from bench.files import SOURCE_TREE
from bench.worker import origin

SETUPTOOLS_FINDER = """
import sys
from importlib.machinery import PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
MAPPING = {mapping}
class _EditableFinder:
    @classmethod
    def find_spec(cls, fullname, _path=None, _target=None):
        if fullname in MAPPING:
            place = Path(MAPPING[fullname])
            return spec_from_file_location(fullname, place / "__init__.py")
        return None
def install():
    sys.meta_path.append(_EditableFinder)
"""
BUILD_FINDER = """
import sys
from importlib.util import spec_from_file_location
KNOWN = {mapping}
class RedirectingFinder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        return spec_from_file_location(fullname, KNOWN[fullname]) if fullname in KNOWN else None
def install():
    sys.meta_path.insert(0, RedirectingFinder)
"""


class Tree:
    """A repository, a commit of it, and what is installed for the interpreter."""

    def __init__(self, folder):
        """Write two versions of one package: `WHOSE` says which."""
        self.repository, self.commit, self.site = (folder / name for name in ("repository", "commit", "site"))
        self.site.mkdir()
        for place, whose in ((self.repository, "working tree"), (self.commit, "commit")):
            for package in ("python/acme", "python/acme/inner", "spread/space"):
                (place / package).mkdir(parents=True)
                if package != "spread/space":
                    (place / package / "__init__.py").write_text(f"WHOSE = {whose!r}\n")
            (place / "spread/space/part.py").write_text(f"WHOSE = {whose!r}\n")
        (self.repository / "python/acme/new.py").write_text("")

    def install(self, pth, *, hook=None):
        """Write a `.pth` file, and the module that it imports."""
        (self.site / "acme.pth").write_text(pth + "\n")
        if hook is not None:
            (self.site / "__editable___acme_finder.py").write_text(hook)

    def run(self, code, *, path=()):
        """Return what a process of the commit prints: the last line of its stderr if it fails."""
        said = {"repository": str(self.repository), "tree": str(self.commit), "allowed": [str(SOURCE_TREE / "bench")]}
        program = f"""
            import site, sys
            sys.path.insert(0, {str(SOURCE_TREE)!r})
            site.addsitedir({str(self.site)!r})
            from bench.worker import origin
            origin.keep_to_commit()
        """
        environment = os.environ | {
            origin.VARIABLE: json.dumps(said),
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONSAFEPATH": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program) + textwrap.dedent(code)],
            env=environment,
            cwd=self.repository,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


@pytest.fixture
def tree(tmp_path):
    """Return a repository with nothing of it installed."""
    return Tree(tmp_path)


def link(tree):
    """Install as flit does: a link."""
    (tree.site / "acme").symlink_to(tree.repository / "python" / "acme")


INSTALLS = {
    "a .pth file, as hatchling, poetry and setuptools' path form": lambda tree: tree.install(
        f"{tree.repository / 'python'}"
    ),
    "a finder behind the others, as setuptools": lambda tree: tree.install(
        "import __editable___acme_finder; __editable___acme_finder.install()",
        hook=SETUPTOOLS_FINDER.format(mapping={"acme": str(tree.repository / "python" / "acme")}),
    ),
    "a finder before the others, as scikit-build and meson": lambda tree: tree.install(
        "import __editable___acme_finder; __editable___acme_finder.install()",
        hook=BUILD_FINDER.format(
            mapping={
                f"acme{name}": str(tree.repository / "python" / "acme" / file)
                for name, file in {"": "__init__.py", ".inner": "inner/__init__.py"}.items()
            }
        ),
    ),
    "a link, as flit": link,
    "imported by the .pth file itself": lambda tree: tree.install(
        f"import sys; sys.path.insert(0, {str(tree.repository / 'python')!r}); import acme.inner"
    ),
}


@pytest.mark.parametrize("install", INSTALLS.values(), ids=INSTALLS)
def test_an_editable_install_leads_to_the_commit(tree, install):
    """Package and subpackage, whichever build backend installed it; nothing strange is found afterwards."""
    install(tree)

    said = tree.run("import acme, acme.inner; origin.check(); print(acme.WHOSE, acme.inner.WHOSE, sep=', ')")

    assert "commit, commit" == said


@pytest.mark.parametrize("entry", ["python", "./python/../python"])
def test_pythonpath_leads_to_the_commit(tree, entry):
    """Every spelling of a folder of the repository."""
    said = tree.run("import acme; origin.check(); print(acme.WHOSE)", path=[f"{tree.repository}/{entry}"])

    assert "commit" == said


def test_a_package_without_a_file_of_its_own_leads_to_the_commit(tree):
    """A namespace, which may be spread over folders."""
    said = tree.run("import space.part; origin.check(); print(space.part.WHOSE)", path=[tree.repository / "spread"])

    assert "commit" == said


def test_a_module_that_the_commit_lacks_is_not_taken_from_the_working_tree(tree):
    """Even if a hook knows it by name."""
    tree.install(
        "import __editable___acme_finder; __editable___acme_finder.install()",
        hook=BUILD_FINDER.format(mapping={"acme.new": str(tree.repository / "python/acme/new.py")}),
    )

    said = tree.run("import acme.new", path=[tree.repository / "python"])

    assert said.startswith("ModuleNotFoundError: no module named 'acme.new' in that commit: ")


def test_what_was_loaded_by_its_path_is_found_out(tree):
    """No finder is asked then."""
    code = f"""
        from importlib.machinery import SourceFileLoader
        from importlib.util import module_from_spec, spec_from_file_location
        spec = spec_from_file_location("sneaky", {str(tree.repository / "python/acme/new.py")!r})
        sys.modules["sneaky"] = module_from_spec(spec)
        origin.check()
    """

    said = tree.run(code)

    assert said.startswith("bench.worker.origin.OutsideCommit: module sneaky is not the commit's: it comes from ")


def test_a_module_that_code_has_made_lies_nowhere(tree):
    """Whatever it says of itself: PyTorch's `torch.classes` says "_classes.py"."""
    code = """
        from types import ModuleType
        sys.modules["made"] = ModuleType("made")
        sys.modules["made"].__file__ = "_made.py"
        origin.check()
        print("fine")
    """

    assert "fine" == tree.run(code)


@pytest.mark.parametrize("place", ["", "/dist/acme-1.0-py3-none-any.whl"], ids=["pip install .", "a wheel built here"])
def test_a_copy_that_was_installed_from_the_repository_is_found_out(tree, place):
    """One copy cannot be two commits, wherever it lies."""
    information = tree.site / "acme-1.0.dist-info"
    (tree.site / "acme").mkdir()
    (tree.site / "acme" / "__init__.py").touch()
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (information / "RECORD").write_text("acme/__init__.py,,\n")
    (information / "direct_url.json").write_text(json.dumps({"url": f"file://{tree.repository}{place}"}))

    said = tree.run("import acme; origin.check()")

    assert said.endswith("it was installed as a copy: install with pip install --editable")


def test_libraries_within_the_repository_stay_as_they_are(tree):
    """An environment in the working tree is no part of a commit."""
    packages = tree.repository / ".venv" / "lib" / "python3" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "library.py").write_text("WHOSE = 'installed'\n")

    assert "installed" == tree.run("import library; origin.check(); print(library.WHOSE)", path=[packages])


def test_a_commit_that_is_kept_below_the_repository_is_no_stranger(tmp_path):
    """As with a cache in the workspace of a CI job."""
    tree = Tree(tmp_path)
    kept = tree.repository / ".bench-cache" / "refs"
    kept.mkdir(parents=True)
    tree.commit = tree.commit.rename(kept / "abc")

    said = tree.run("import acme; origin.check(); print(acme.WHOSE)", path=[tree.repository / "python"])

    assert "commit" == said


def test_what_a_build_would_have_made_is_named(tmp_path, make_repository):
    """An extension or a generated file that git does not track; not what is merely missing from an older commit."""
    repository = make_repository(tmp_path / "repository")
    repository.commit("One", {".gitignore": "*.so\n_version.py\n", "src/acme/__init__.py": "", "src/acme/later.py": ""})
    for name in ("_engine.cpython-311-x86_64-linux-gnu.so", "_version.py", "untracked.bin"):
        (repository.folder / "src/acme" / name).touch()
    (tmp_path / "tree/src/acme").mkdir(parents=True)
    commit = origin.Commit(repository=str(repository.folder), tree=str(tmp_path / "tree"), allowed=())
    missing = {
        "src/acme/_engine.cpython-311-x86_64-linux-gnu.so": ModuleNotFoundError("no", name="acme._engine"),
        "src/acme/_version.py": ImportError("cannot import name '_version' from 'acme' (x)", name="acme"),
        "src/acme/untracked.bin": FileNotFoundError(2, "no", str(tmp_path / "tree/src/acme/untracked.bin")),
        None: ModuleNotFoundError("no", name="acme.later"),
    }
    package = type(sys)("acme")
    package.__path__ = [str(tmp_path / "tree/src/acme")]
    sys.modules["acme"] = package
    try:
        found = [commit.not_tracked(error) for error in missing.values()]
    finally:
        del sys.modules["acme"]

    assert list(missing) == found


def test_a_process_that_is_of_no_commit_is_left_alone(monkeypatch):
    """Nothing is set for it."""
    monkeypatch.delenv(origin.VARIABLE, raising=False)
    before = list(sys.meta_path)

    origin.keep_to_commit()
    origin.check()

    assert (before, None) == (sys.meta_path, origin.lacking(ImportError("no", name="acme")))
