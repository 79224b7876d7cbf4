"""The list of tokens in the ledger: over restarts, in ledgers of before there were tokens, and when rows are lost."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from baywarden.model.token import Token, TokenList
from baywarden.ports.store import Batch, Saved
from baywarden.store.files import Files
from baywarden.store.schema import LEDGER
from support.books import booking, evse, open_books
from support.token_lists import changed, lists


async def kept(folder: Path) -> Saved:
    """What a start finds."""
    store = open_books(folder)
    saved = await store.load()
    await store.close()
    return saved


async def after(folder: Path, changes: int) -> TokenList:
    """A ledger with so many changes, each in a transaction of its own."""
    store, tokens = open_books(folder), TokenList()
    for number in range(changes):
        tokens, change = changed(tokens, number)
        await store.commit(Batch(token_changes=(change,)))
    await store.close()
    return tokens


def spoil(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(Files(folder).ledger)) as db:
        db.execute(sql)
        db.commit()


async def test_a_start_finds_the_list_as_it_was_after_each_change(tmp_path: Path) -> None:
    for changes, expected in enumerate(lists(8)):
        folder = tmp_path / str(changes)
        await after(folder, changes)
        assert (await kept(folder)).tokens == expected


async def test_changes_of_one_transaction_are_written_in_their_order(tmp_path: Path) -> None:
    tokens, told = TokenList(), []
    for number in range(7):
        tokens, change = changed(tokens, number)
        told.append(change)
    store = open_books(tmp_path)
    await store.commit(Batch(token_changes=tuple(told)))
    await store.close()
    assert (await kept(tmp_path)).tokens == tokens


async def test_a_ledger_of_before_there_were_tokens_is_taken_over(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(evses=(evse(),), bookings=(booking(),)))
    await store.close()
    with closing(sqlite3.connect(Files(tmp_path).ledger)) as db:
        for title, statements in LEDGER[1:]:
            for table in re.findall(r"CREATE TABLE (\w+)", " ".join(statements)):
                db.execute(f"DROP TABLE {table}")
            db.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (title,))
        db.execute("PRAGMA user_version = 1")
        db.commit()
    saved = await kept(tmp_path)
    assert (saved.tokens, saved.evses[0].bookings) == (TokenList(), (booking(),))
    assert (await after(tmp_path, 4)).revision == 10
    assert (await kept(tmp_path)).tokens.revision == 10


async def test_a_list_that_lost_a_token_has_no_revision_so_that_it_is_sent_anew(tmp_path: Path) -> None:
    tokens = await after(tmp_path, 4)
    spoil(tmp_path, "DELETE FROM tokens WHERE id = 'r0-1-1'")
    saved = await kept(tmp_path)
    assert saved.tokens.revision == 0
    assert set(saved.tokens.tokens) == set(tokens.tokens) - {"r0-1-1"}
    assert saved.notes == ("the list of tokens is not whole: 11 of it hold until it is sent anew",)


async def test_a_token_without_its_check_sum_gives_no_right(tmp_path: Path) -> None:
    await after(tmp_path, 5)
    spoil(tmp_path, "UPDATE tokens SET body = replace(body, 'R0-more', 'R0-less') WHERE id = 'r0-more'")
    tokens = (await kept(tmp_path)).tokens
    assert (tokens.find("R0-more"), tokens.find("R0-less"), tokens.revision) == (None, None, 0)
    assert tokens.find("R0-0-0") == Token("R0-0-0", group_id="G0")
