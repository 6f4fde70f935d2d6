"""Delays."""

from random import Random

from runner.backoff import Backoff


def test_delays_grow_up_to_their_maximum():
    assert list(Backoff(initial=1, factor=2, maximum=5, attempts=5).steps()) == [1, 2, 4, 5, 5]


def test_jitter_is_full():
    drawn = []
    delays = list(Backoff(initial=1, factor=3, maximum=9, attempts=3).delays(lambda a, b: drawn.append((a, b)) or b))
    assert drawn == [(0.0, 1), (0.0, 3), (0.0, 9)]
    assert delays == [1, 3, 9]


def test_chance_never_exceeds_the_step():
    backoff = Backoff()
    for drawn, step in zip(backoff.delays(Random(1).uniform), backoff.steps(), strict=True):
        assert 0 <= drawn <= step
