"""How much memory the dispatcher takes for each device: the slope between two sizes of one replay.

    python benchmarks/memory.py [SMALL LARGE]

Plays two late reports of Tohoku 2011 to both populations; memory that no file backs, of the dispatcher's process only,
less what it held before it began. The population's own columns (23 bytes a device) are mapped from files.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def _eew(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "eew", *words], capture_output=True, text=True, check=True)
    return done.stdout


def main(n_small: int = 1_000_000, n_large: int = 3_000_000) -> None:
    """Measure and print."""
    held = []
    with tempfile.TemporaryDirectory() as folder:
        reports = json.loads(_eew("scenarios", "show", "tohoku-2011", "--json"))["reports"]
        wanted = [report for report in reports if report["report_no"] in {12, 13}]
        (Path(folder) / "late.jsonl").write_text("".join(json.dumps(report) + "\n" for report in wanted))
        for n_devices in (n_small, n_large):
            population, summary = f"{folder}/{n_devices}", f"{folder}/{n_devices}.json"
            _eew(
                "devices", "make", "--region", "japan", "--devices", str(n_devices), "--seed", "1", "--out", population
            )
            words = ("--population", population, "--profile", "japan", "--speed", "max", "--summary", summary)
            _eew("replay", f"{folder}/late.jsonl", *words)
            dispatcher = json.loads(Path(summary).read_text())["dispatcher"]
            held.append(dispatcher["bytes_a_device"] * n_devices)
            print(f"{n_devices:,} devices: {dispatcher['held_mib']} MiB held")
    print(f"{(held[1] - held[0]) / (n_large - n_small):.1f} bytes a device")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
