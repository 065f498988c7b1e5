# SPDX-License-Identifier: MIT
"""Run one target: ``python tests/fuzz TARGET [corpus directory] [libFuzzer options]``, with atheris
installed.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Not this folder itself, which python puts first: the targets have names that other modules have too.
sys.path[:1] = [str(HERE.parents[1] / "meta-pantavisor" / "lib"), str(HERE.parent)]

try:
    import atheris
except ModuleNotFoundError:
    raise SystemExit("fuzz: atheris is not installed\n  hint: run: pip install -e '.[fuzz]'") from None

from fuzz.target import TARGETS, bend, dictionary  # noqa: E402

# Later ones win, so each can be given on the command line. The memory is that of the whole interpreter.
OPTIONS = ["-timeout=10", "-rss_limit_mb=512", "-max_total_time=600", "-print_final_stats=1"]


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        raise SystemExit(
            f"usage: python tests/fuzz {'|'.join(TARGETS)} [corpus directory] [libFuzzer options]"
        )
    name = sys.argv[1]
    with atheris.instrument_imports(include=["pantavisor"]):
        target = importlib.import_module(f"fuzz.{name}")
    with tempfile.TemporaryDirectory() as scratch:
        seeds, words = Path(scratch) / "seeds", Path(scratch) / "words"
        seeds.mkdir()
        for seed, content in target.seeds().items():
            (seeds / seed).write_bytes(content)
        # Not an empty one: libFuzzer refuses that.
        words.write_text(dictionary(getattr(target, "WORDS", ["\0"])))
        given = sys.argv[2:]
        alone = any(word.startswith("-merge") or Path(word).is_file() for word in given)
        folders = [] if alone else [str(seeds)]
        known = HERE / "corpus" / name
        folders += [str(known)] if folders and known.is_dir() else []
        mutator = {"custom_mutator": _json_mutator} if getattr(target, "JSON", False) else {}
        # Merging starts it again, by a shell.
        command = f"{sys.executable} {HERE} {name}"
        atheris.Setup([command, *OPTIONS, f"-dict={words}", *given, *folders], target.one_input, **mutator)
        atheris.Fuzz()


def _json_mutator(content: bytes, most: int, seed: int) -> bytes:
    """Every other time as libFuzzer does, else one value of the document replaced: it stays JSON."""
    bent = bend(content, seed) if seed % 2 else b""
    return bent if bent and len(bent) <= most else bytes(atheris.Mutate(content, most))


if __name__ == "__main__":
    main()
