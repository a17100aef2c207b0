"""Walks a newcomer's path in a fresh clone: exactly the commands of the README, in its order; runs on a laptop.

    python -m benchmarks.newcomer                      # clones HEAD into a temporary folder
    python -m benchmarks.newcomer --clone FOLDER       # in a clone that is there, such as one with changes

Setting up (packages from an index, which a network and its caches decide) is counted apart. The page of `trainyard
open` is loaded by a Chromium without a screen, and a table of customers stands for the person's own. Ends with 1 when a
command fails or all take longer than the bar; `rerun` may end with 5, for the gate may refuse what it trained.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The headings whose commands a newcomer types, in the README's order.
HEADINGS = ("Two commands", "See it", "Change it", "A table of your own")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The tests are no part of the path: they take as long as they take.
LEFT_OUT = ("make test",)
REFUSED = 5
BAR_SECONDS = 360.0
ROWS, SEED = 3000, 7
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command that was typed, how long it took, and its exit code."""

    command: str
    seconds: float
    code: int

    @property
    def failed(self) -> bool:
        """Whether it ended as it should not: a model that the gate refuses is no failure of a rerun."""
        return self.code != 0 and not (self.code == REFUSED and self.command.startswith("trainyard rerun"))


def commands(readme: str) -> Iterator[str]:
    """The commands under the headings, one after the other. Raises ValueError for a heading without one."""
    sections = dict(each.partition("\n")[::2] for each in readme.split("\n## "))
    for heading in HEADINGS:
        lines = [
            line.partition("#")[0].strip()
            for block in BLOCK.findall(sections.get(heading, ""))
            for line in block.splitlines()
        ]
        if not any(lines):
            raise ValueError(f"expected commands under the heading {heading!r} of README.md, found none")
        yield from (line for line in lines if line and line not in LEFT_OUT)


def write_customers(path: Path) -> None:
    """A table as a person might bring it: who has few orders and many complaints leaves."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(SEED)
    orders, complaints = random.poisson(6, ROWS), random.poisson(1, ROWS)
    plan = random.choice(["basic", "plus", "family"], ROWS)
    leaning = 0.9 * complaints - 0.4 * orders + np.where(plan == "family", -0.8, 0.3)
    churned = random.random(ROWS) < 1.0 / (1.0 + np.exp(-leaning))
    table = pd.DataFrame(
        {
            "customer_id": [f"C-{number:05d}" for number in range(ROWS)],
            "plan": plan,
            "orders": orders,
            "complaints": complaints,
            "monthly_fee": random.normal(25, 6, ROWS).round(2),
            "churned": np.where(churned, "yes", "no"),
        }
    )
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False)


def look_at(address: str, picture: Path) -> None:
    """Load a page as a browser does, and keep a picture of it; says what its heading is. Ends with 1 for none."""
    from playwright.sync_api import sync_playwright

    program = next((found for each in BROWSERS if (found := shutil.which(each))), None)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        page = browser.new_page()
        page.goto(address)
        print(f"The browser shows: {page.locator('h1').first.inner_text()}", flush=True)
        page.screenshot(path=picture, full_page=True)
        browser.close()


def walk(clone: Path, typed: Sequence[str]) -> list[Step]:
    """Type the commands in the clone, until one fails."""
    environment = _environment(clone)
    steps: list[Step] = []
    for command in typed:
        print(f"\n$ {command}", flush=True)
        began = time.monotonic()
        done = subprocess.run(["bash", "-c", command], cwd=clone, env=environment, check=False)
        steps.append(Step(command=command, seconds=time.monotonic() - began, code=done.returncode))
        if steps[-1].failed:
            break
    return steps


def _environment(clone: Path) -> Mapping[str, str]:
    """That of a person who has put the clone's programs on the PATH, as the README says, and has a browser."""
    look = f"{sys.executable} {Path(__file__).resolve()} --look-at %s --picture {clone / 'opened.png'}"
    path = f"{clone / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PATH": path, "BROWSER": look}


def _told(steps: Sequence[Step], *, set_up: float) -> int:
    """Print what each command took; returns the exit code."""
    total = sum(each.seconds for each in steps)
    print(f"\n{'set up (apart)':<90} {set_up:7.1f} s")
    for each in steps:
        print(f"{each.command:<90} {each.seconds:7.1f} s{f'  exit code {each.code}' if each.code else ''}")
    print(f"{'in all':<90} {total:7.1f} s, bar {BAR_SECONDS:.0f} s; load {os.getloadavg()[0]:.1f}")
    return int(steps[-1].failed or total > BAR_SECONDS)


def main() -> int:
    """Run the path; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clone", type=Path, help="a clone that is there; one of HEAD is made when not given")
    parser.add_argument("--look-at", metavar="ADDRESS", help=argparse.SUPPRESS)
    parser.add_argument("--picture", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.look_at:
        look_at(given.look_at, given.picture)
        return 0
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        clone = (given.clone or Path(folder) / "trainyard").resolve()
        if given.clone is None:
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        began = time.monotonic()
        subprocess.run(["make", "--silent", "setup"], cwd=clone, check=True)
        set_up = time.monotonic() - began
        write_customers(clone / "my-customers" / "customers.csv")
        try:
            steps = walk(clone, list(commands((clone / "README.md").read_text(encoding="utf-8"))))
        finally:
            subprocess.run([clone / ".venv" / "bin" / "trainyard", "down"], cwd=clone, check=False)
        return _told(steps, set_up=set_up)


if __name__ == "__main__":
    sys.exit(main())
