"""Commands load only what they use: nothing that takes long for the help, and for a check only what reads its files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# What people would wait for: AWS's client, the engine of tables and their expressions, arrays, models, web servers.
SLOW = "boto3 s3transfer duckdb ibis sqlglot numpy pyarrow pandas charset_normalizer sqlalchemy starlette tensorflow"
CODE = """
import sys
import trainyard
assert not [each for each in sys.modules if each.startswith("trainyard.")]
from trainyard.cli.main import main
code = main(sys.argv[2:])
print(code, *sorted(set(sys.argv[1].split()) & set(sys.modules)), file=sys.stderr)
"""


def loaded(*command: str) -> tuple[int, set[str]]:
    """The exit code of a command, and what it has loaded of what is slow."""
    done = subprocess.run([sys.executable, "-c", CODE, SLOW, *command], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.splitlines()[-1].split()
    return int(code), set(modules)


def test_help_loads_nothing_that_is_slow() -> None:
    assert loaded("--help") == (0, set())


def test_help_loads_no_command_and_a_command_no_other() -> None:
    code = "import sys; from trainyard.cli.main import main; main({}); print(*sys.modules, file=sys.stderr)"
    shown: dict[str, set[str]] = {}
    for words in ("--help", "stop --help"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(words.split())], capture_output=True, text=True, check=True
        )
        shown[words] = set(done.stderr.split())
    assert not {"botocore", "trainyard.cli.run", "trainyard.cli.stop", "trainyard.client"} & shown["--help"]
    assert "trainyard.cli.stop" in shown["stop --help"]
    assert not {"trainyard.cli.run", "trainyard.cli.demo"} & shown["stop --help"]


def test_a_check_loads_ibis_only_to_judge_tables_and_never_a_client_of_aws(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,rating\n7,4.5\n", encoding="utf-8")
    assert loaded("check", "two_tower", "--data", str(tmp_path)) == (3, {"duckdb", "numpy"})
    lines = [f"{user},{(7 * user + place) % 40},4\n" for user in range(30) for place in range(9)]
    (tmp_path / "ratings.csv").write_text("".join(["userId,movieId,rating\n", *lines]), encoding="utf-8")
    code, modules = loaded("check", "two_tower", "--data", str(tmp_path))
    assert code == 0
    assert "ibis" in modules
    assert not modules & {"boto3", "s3transfer", "charset_normalizer", "pandas", "sqlalchemy", "starlette"}
