"""Every named statement is used, every used name exists, and SQLite understands each of them."""

import re
from importlib.resources import files

import pytest

from runner.journal.opening import open_scratch
from runner.journal.staging import make_tables
from runner.journal.statements import load

FOLDER = files("runner.journal")
TOPICS = sorted(each.name.removesuffix(".sql") for each in FOLDER.joinpath("sql").iterdir())
_LOADED = re.compile(r'^(_[A-Z]+) = load\("([a-z]+)"\)(?:\["([a-z_]+)"\])?', re.MULTILINE)


def used():
    """Topic and name of every statement that the journal's modules use."""
    found = set()
    for module in FOLDER.iterdir():
        if not module.name.endswith(".py"):
            continue
        text = module.read_text()
        for variable, topic, direct in _LOADED.findall(text):
            if direct:
                found.add((topic, direct))
            found |= {(topic, name) for name in re.findall(rf'{variable}\["([a-z_]+)"\]', text)}
            for shape in re.findall(rf'{variable}\[f"([^"]+)"\]', text):
                pattern = re.sub(r"\{[^}]+\}", "[a-z]+", shape)
                found |= {(topic, name) for name in load(topic) if re.fullmatch(pattern, name)}
            if f"{variable}[statement]" in text:
                found |= {(topic, name) for name in load(topic) if f'"{name}"' in text}
    return found


def written():
    return {(topic, name) for topic in TOPICS for name in load(topic)}


def test_every_statement_is_used():
    assert written() - used() == set()


def test_every_used_statement_exists():
    assert used() - written() == set()


@pytest.mark.parametrize("topic", TOPICS)
def test_every_statement_is_understood_by_the_schema(topic):
    connection = open_scratch()
    make_tables(connection)
    for name, statement in load(topic).items():
        if "CREATE TEMP TABLE" in statement:
            continue
        marks = re.sub(r"--.*", "", statement)
        values = dict.fromkeys(re.findall(r":([a-z_0-9]+)", marks)) or (None,) * marks.count("?")
        connection.execute(f"EXPLAIN {statement}", values).fetchall()
        assert name
    connection.close()
