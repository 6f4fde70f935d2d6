"""Profiles are checked before use, with the file and the line of what is wrong."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import ConfigurationWrong
from runner.intake.mapping.load import load_profile, undecided
from runner.intake.mapping.raw import shipped
from tests.unit.mapping_reading import PROFILE, with_amounts, with_field, write_profile


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationWrong) as raised:
        load_profile(str(write_profile(folder, text)))
    return raised.value.message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (PROFILE + "\n[filed]\nx = 1\n", 13, "filed: nothing here knows"),
        (with_field("currency", '{ constant = "XXQ" }'), 3, "no currency code"),
        (with_field("currency", '{ constant = "XTS" }'), 3, "no currency code (ISO 4217); XTS is for tests"),
        (with_field("issue_date", '{ column = "Date", format = ["day-first", "month-first"] }'), 3, "only one of"),
        (with_field("issue_date", '{ column = "Date", format = "dd/mm" }'), 3, "must say day, month and year"),
        (with_field("type", '{ constant = "Purchase" }'), 3, "is no type"),
        (with_field("type", '{ column = "T", lookup = { buy = "Purchase" } }'), 3, "is no type"),
        (with_field("company_id", '{ constant = "a/b" }'), 3, "cannot be a company's id"),
        (with_field("account_id", '{ column = "A", columns = ["B"] }'), 3, "either column or columns"),
        (with_field("account_id", '{ column = "A", lookup_file = "gone.csv" }'), 3, "No such file"),
        (with_field("account_id", '{ column = "A", lookup = { a = "1", A = "2" } }'), 3, "is said to be"),
        (with_field("account_id", '{ column = "A", constant = "1" }'), 3, "say where it comes from"),
        (with_field("account_id", "{ }"), 3, "say where it comes from"),
        (with_field("account_id", '"A"'), 3, "this is a table"),
        (
            with_field("account_id", '{ column = "A", to_do = "which?" }'),
            3,
            "still to be decided: fields.account_id: which?",
        ),
        (with_field("acount_id", '{ column = "A" }'), 3, "no such field"),
        (with_amounts('thousands = "."\ngross = "A"'), 11, "not the decimal sign"),
        (with_amounts('gross = "A"\ntax_rate = "lots"'), 11, "percentage"),
        (with_amounts('gross = "A"\ntax = "T"\ntax_rate = 20'), 9, "one place"),
        (with_amounts('gross = "A"\ntax_code = "T"'), 9, "belong together"),
        (with_amounts('money_out = "A"'), 9, "belong together"),
        (with_amounts("decimals = 2"), 9, "name the column"),
        (PROFILE + "[[skip]]\nrest = true\n", 12, "would skip every row"),
        (PROFILE + '[[skip]]\ncolumn = "*"\nis_not = "x"\n', 12, "needs one column"),
        (PROFILE + '[file]\nencoding = "klingon"\n', 13, "no encoding"),
        (PROFILE + '[file]\nencoding = "hex"\n', 13, "no encoding"),
        (PROFILE + '[file]\ndelimiter = "x"\n', 13, "a delimiter is"),
    ],
)
def test_what_cannot_be_right_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    message = complaint(tmp_path, text)
    assert words in message
    (found,) = [each for each in message.splitlines() if words in each]
    assert re.search(r"mine\.toml, line (\d+)", found), found
    number = int(re.search(r"mine\.toml, line (\d+)", found)[1])  # type: ignore[index]
    assert abs(number - line) <= 1, found


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    message = complaint(tmp_path, 'about = 1\n[fields]\n[amounts]\nround = "up"\n')
    assert message.count("\n") >= 6


def test_broken_toml_a_missing_profile_and_one_that_extends_itself_are_refused(tmp_path: Path) -> None:
    assert "not valid TOML" in complaint(tmp_path, "[fields")
    assert "extends itself" in complaint(tmp_path, 'extends = "mine.toml"\n')
    with pytest.raises(ConfigurationWrong, match="no mapping profile 'rammp'") as raised:
        load_profile("rammp")
    assert raised.value.hint is not None
    assert "ramp" in raised.value.hint


def test_a_profile_lies_over_the_one_that_it_extends(tmp_path: Path) -> None:
    write_profile(tmp_path, PROFILE, name="base.toml")
    own = 'extends = "base.toml"\n[fields.account_id]\ncolumn = "Cat"\nlookup = { Food = "7" }\n[amounts]\nnet = "N"\n'
    profile = load_profile(str(write_profile(tmp_path, own)))
    assert profile.fields["account_id"].constant is None
    assert profile.fields["currency"].constant == "GBP"
    assert set(profile.amounts.columns) == {"net"}
    assert profile.amounts.style.thousands == ","


def test_a_mistake_in_an_extended_profile_is_named_there(tmp_path: Path) -> None:
    write_profile(tmp_path, with_field("currency", '{ constant = "XXQ" }'), name="base.toml")
    assert "base.toml, line 3" in complaint(tmp_path, 'extends = "base.toml"\n')


@pytest.mark.parametrize("name", shipped())
def test_a_ready_profile_is_right_except_for_what_it_leaves_to_its_user(name: str) -> None:
    left = undecided(name)
    if not left:
        assert load_profile(name).fields
        return
    with pytest.raises(ConfigurationWrong) as raised:
        load_profile(name)
    assert raised.value.message.count("still to be decided") == len(left)
    assert len(raised.value.message.splitlines()) == len(left) + 1


_keys = st.sampled_from(
    ["column", "columns", "constant", "lookup", "format", "skip", "is", "gross", "tax_rates", "fields", "amounts", "id",
     "type", "issue_date", "to_do", "derive", "months", "file", "optional", "zero", "blank", "x"]
)  # fmt: skip
_values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=5), _keys),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_keys, inner, max_size=4)),
    max_leaves=12,
)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


@settings(max_examples=200, deadline=None)
@given(tables=st.dictionaries(_keys, _values, max_size=6), raw=st.text(max_size=80), tidy=st.booleans())
def test_any_text_is_a_profile_or_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, *, tables: dict[str, object], raw: str, tidy: bool
) -> None:
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in tables.items()) if tidy else raw
    path = tmp_path_factory.mktemp("profile") / "p.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigurationWrong):
        load_profile(str(path))


def test_only_a_ready_profile_is_said_to_be_completed_in_another(tmp_path: Path) -> None:
    own = write_profile(tmp_path, with_field("account_id", '{ column = "A", to_do = "which?" }'))
    with pytest.raises(ConfigurationWrong) as mine:
        load_profile(str(own))
    assert mine.value.hint == "Decide each, and remove its to_do line."
    with pytest.raises(ConfigurationWrong) as ready:
        load_profile("ramp")
    assert 'extends = "ramp"' in str(ready.value.hint)
