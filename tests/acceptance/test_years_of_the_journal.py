"""Years later: a pruned journal, one that keeps only hashes, and one restored from a backup double nothing."""

import shutil
from collections.abc import Callable

from tests.acceptance.command import Command
from tests.acceptance.expenses import Expenses, assert_all_posted_once
from tests.acceptance.simulated import Simulator


def test_old_files_fed_to_a_pruned_journal_post_nothing_and_verify_still_agrees(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=2, each=4, receipt_every=2)
    command.run(expenses.folder).expect(0)
    pruned = command.call("journal", "prune", "--older-than", "0", "--vacuum").expect(0)
    assert "8  wire forms of posted expenses" in pruned.out
    assert command.query("SELECT count(*) FROM payload") == [(0,)]
    posts = simulator.posts()

    again = shutil.copytree(expenses.folder, command.folder / "found-in-a-drawer")
    command.run(again).expect(0)

    assert simulator.posts() == posts
    assert "Both sides agree." in command.call("verify").expect(0).out
    command.call("journal", "check", "--full").expect(0)
    assert_all_posted_once(expenses, simulator.ledger())


def test_a_journal_that_keeps_hashes_only_posts_corrects_and_verifies_as_any_other(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    expenses = write(companies=2, each=4, receipt_every=2)
    command.run(expenses.folder, options=["--payloads", "hash"]).expect(0)
    assert command.query("SELECT count(*) FROM payload") == [(0,)]
    posts = simulator.posts()

    # The same ids with other content are still refused, though nobody can say any more what has changed.
    for file in expenses.folder.glob("*.csv"):
        file.write_text(file.read_text(encoding="utf-8").replace("1.10", "7.10"), encoding="utf-8")
    ended = command.run(expenses.folder).expect(3)

    assert ended.report["expenses"]["posted"] == 8
    assert simulator.posts() == posts
    assert "Both sides agree." in command.call("verify").expect(0).out
    assert_all_posted_once(expenses, simulator.ledger())


def test_a_backup_put_in_the_journals_place_sends_nothing_before_it_is_rebuilt(
    command: Command, simulator: Simulator, write: Callable[..., Expenses]
) -> None:
    early, late = write(part="early"), write(part="late")
    command.run(early.folder).expect(0)
    copy = command.folder / "copy.db"
    command.call("journal", "backup", str(copy)).expect(0)
    command.run(late.folder).expect(0)
    posts = simulator.posts()

    shutil.copy(copy, command.journal)
    refused = command.run(late.folder).expect(6)

    assert "This journal is a copy" in refused.err
    command.call("verify", "--rebuild", "--quiescence", "0.1", str(late.folder)).expect(0)
    command.run(late.folder).expect(0)
    assert simulator.posts() == posts
    assert_all_posted_once(late, simulator.ledger())
