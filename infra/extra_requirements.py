"""What recipes from outside need beside the locks of the images: a lock of their own; runs during synthesis.

`python -m infra.extra_requirements` prints what the images have, as constraints for making such a lock.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trainyard.errors import ConfigError

# In a package with recipes: with hashes and complete, as `uv pip compile --generate-hashes` writes it.
FILE = "requirements.txt"
PINNED = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")
HOW = "`uv pip compile --generate-hashes` writes them"
PROJECT = "trainyard"
# The images have TensorFlow under another name.
SUFFIX_OF_PROCESSORS = "-cpu"
HEADER = "# What recipes from outside need in the images beside the images' own locks.\n"
Locks = Mapping[str, Mapping[str, str]]


def text(distributions: Collection[str], *, folders: Collection[Path], locks: Collection[Path]) -> str:
    """The file that both images install after their `locks`: every line of the packages' own, once.

    Raises ConfigError for what a distribution needs and neither the images nor a file of its own have, and for another
    version of what is there already.
    """
    wanted: dict[str, str] = {}
    versions = {name: {"the images": version} for name, version in _pins(locks).items()}
    for folder in folders:
        for name, line in _lines(folder / FILE).items():
            wanted[name] = line
            versions.setdefault(name, {})[str(folder / FILE)] = _version(line)
    if problems := [*_unequal(versions), *_missing(distributions, versions)]:
        raise ConfigError(problems)
    return HEADER + "".join(f"{wanted[name]}\n" for name in sorted(wanted))


def _pins(locks: Collection[Path]) -> dict[str, str]:
    """Versions by name; of several locks, which agree, any."""
    return {name: _version(line) for lock in locks for name, line in _lines(lock).items()}


def _lines(lock: Path) -> dict[str, str]:
    """The requirements of a lock, each with its hashes in one line, by name."""
    if not lock.is_file():
        return {}
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    found = [
        " ".join(each.split()) for each in joined.splitlines() if each.strip() and not each.lstrip().startswith("#")
    ]
    for each in found:
        if not PINNED.match(each) or "--hash=" not in each:
            raise ConfigError([f"Expected lines NAME==VERSION --hash=... in {lock}, found {each!r:.60}; {HOW}."])
    return {canonicalize_name(each.partition("==")[0]): each for each in found}


def _version(line: str) -> str:
    found = PINNED.match(line)
    return found[2] if found else ""


def _unequal(versions: Locks) -> Iterator[str]:
    for name, found in versions.items():
        if len(set(found.values())) > 1:
            told = ", ".join(f"{version} in {place}" for place, version in found.items())
            yield f"Expected one version of {name}, found {told}: lock it with the other's as a constraint."


def _missing(distributions: Collection[str], versions: Locks) -> Iterator[str]:
    for each in distributions:
        for requirement in map(Requirement, importlib.metadata.requires(each) or ()):
            name = canonicalize_name(requirement.name)
            if name == PROJECT or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
                continue
            found = versions.get(name) or versions.get(f"{name}{SUFFIX_OF_PROCESSORS}") or {}
            version = next(iter(found.values()), None)
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                yield (
                    f"Expected the images to have {requirement} for {each}, found {version or 'none'}: put a lock with "
                    f"hashes into its package as {FILE}, or do without it."
                )


if __name__ == "__main__":
    from infra.sources import IMAGE_LOCKS

    sys.stdout.writelines(f"{name}=={version}\n" for name, version in sorted(_pins(IMAGE_LOCKS).items()))
