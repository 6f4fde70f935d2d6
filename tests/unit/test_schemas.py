"""The schemas in docs/schemas are those of the results' types."""

from runner.report.result_types import RESULTS
from tests.schemas import FOLDER, schemas


def test_the_schemas_are_what_the_command_writes():
    written = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}

    assert written == schemas(), "write them anew with: python -m tests.schemas"


def test_every_result_has_a_schema():
    assert {f"{name}.json" for name in RESULTS} == {file.name for file in FOLDER.glob("*.json")}
