"""Any text as a mapping profile: it is read, or refused with a reason.

python -m fuzz.profiles -max_total_time=300
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["runner.intake"]):
    from runner.errors import ConfigurationWrong
    from runner.intake.mapping.load import load_profile
    from tests.unit.mapping_reading import PROFILE


def main() -> None:
    """Fuzz until told to stop."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "mine.toml")
        begin = PROFILE.encode()

        def one(data: bytes) -> None:
            given = atheris.FuzzedDataProvider(data)
            keep = given.ConsumeIntInRange(0, len(begin))
            rest = given.ConsumeBytes(given.remaining_bytes())
            file.write_bytes(begin[:keep] + rest + begin[keep:])
            try:
                load_profile(str(file))
            except ConfigurationWrong:
                pass

        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
