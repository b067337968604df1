"""Settings that hold for every test, and what tests of several folders need."""

import os
import signal
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

NOBODY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in {"NAME": "nobody", "EMAIL": "nobody@example.org"}.items()
}

for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    # As after `nohup make test &` in a script. What tests start and interrupt would ignore it too, but a handler is not
    # inherited.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A git repository of a user."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run a git command and return what it prints."""
        settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=os.environ | NOBODY | settings,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str | None]) -> str:
        """Write files, or delete those that are None, and return the hash of the commit."""
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.git("add", "--all", *files)
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True, scope="session")
def state_folder(tmp_path_factory) -> None:
    """Keep the secret that caches are sealed with out of the user's home."""
    os.environ["BENCH_STATE_DIR"] = str(tmp_path_factory.mktemp("state"))
    os.environ |= {"BENCH_WAIT": "0", "BENCH_ON_BUSY": "count"}  # tests run side by side: the machine is never quiet


@pytest.fixture
def make_repository() -> Callable[[Path], Repository]:
    """Return a function that makes a folder a repository without commits."""

    def make(folder: Path) -> Repository:
        folder.mkdir(exist_ok=True)
        repository = Repository(folder=folder)
        repository.git("init", "--quiet", "--initial-branch", "main")
        return repository

    return make


@pytest.fixture
def make_wheel() -> Callable[..., Path]:
    """Return a function that makes a wheel of one module, without any tool."""

    def make(folder: Path, *, name: str, version: str, files: Mapping[str, str]) -> Path:
        information = f"{name}-{version}.dist-info"
        contents = dict(files) | {
            f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        contents[f"{information}/RECORD"] = "".join(f"{path},,\n" for path in [*contents, f"{information}/RECORD"])
        wheel = folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in contents.items():
                archive.writestr(path, text)
        return wheel

    return make
