"""What the README shows of the demo is what the demo prints, to the last number."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
POLLS = 4
"""By so many requests two demos may differ: a slow machine looks at its syncs at other moments."""
COUNTED = re.compile(r"^(\d+) requests in 1 run, 0 of them retries; (\d+) in this run")
TIME = re.compile(r"this run took \d+\.\d s")


def excerpt():
    shown = README.split("## See it work", 1)[1].split("```text\n", 1)[1].split("```", 1)[0]
    return [line for line in shown.splitlines() if line.strip() not in {"", "…"}]


def comparable(line):
    return TIME.sub("", COUNTED.sub("", line))


def test_the_excerpt_in_the_readme_is_what_the_demo_prints():
    ended = subprocess.run(
        [sys.executable, "-m", "runner", "demo"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.returncode == 3, ended.stderr
    printed = ended.stdout.splitlines()
    left = iter([comparable(line) for line in printed])
    missing = [line for line in excerpt() if comparable(line) not in left]
    assert missing == []
    (here,) = (found for line in printed if (found := COUNTED.match(line)))
    (there,) = (found for line in excerpt() if (found := COUNTED.match(line)))
    assert here[1] == here[2]
    assert there[1] == there[2]
    assert abs(int(here[1]) - int(there[1])) <= POLLS
