"""What a sync's status code asks for."""

import pytest

from runner.domain.states import SyncClass, SyncCode, classify, is_documented

CLASSES = {
    1000: SyncClass.RUNNING,
    1010: SyncClass.RUNNING,
    2000: SyncClass.DONE,
    2040: SyncClass.DONE,
    4000: SyncClass.HOLD,
    4040: SyncClass.HOLD,
    4220: SyncClass.HOLD,
    4260: SyncClass.HOLD,
    5000: SyncClass.ERROR,
    5080: SyncClass.ERROR,
    5120: SyncClass.ERROR,
    5130: SyncClass.ERROR,
}


def test_the_documented_codes_are_these_twelve():
    assert {int(code) for code in SyncCode} == set(CLASSES)


@pytest.mark.parametrize(("code", "kind"), CLASSES.items())
def test_each_documented_code_has_its_class(code, kind):
    assert (classify(code), is_documented(code)) == (kind, True)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1020, SyncClass.RUNNING),
        (2010, SyncClass.DONE),
        (4999, SyncClass.HOLD),
        (5999, SyncClass.ERROR),
        (0, SyncClass.RUNNING),
        (-2000, SyncClass.RUNNING),
        (200, SyncClass.RUNNING),
        (3000, SyncClass.RUNNING),
        (6000, SyncClass.RUNNING),
        (20000, SyncClass.RUNNING),
    ],
)
def test_an_undocumented_code_goes_by_its_first_digit_and_nonsense_concludes_nothing(code, kind):
    assert (classify(code), is_documented(code)) == (kind, False)
