"""The list of tokens in the ledger: the one that counts, and a new one as long as not all of its parts are here."""

import sqlite3
from typing import Final

from baywarden.model.token import ComingList, Token, TokenChange, TokenHead, TokenList, key_of
from baywarden.ports.store import StoreDamaged
from baywarden.store.codec import check_sum, encode
from baywarden.store.tables import intact

_PUT: Final = """
    INSERT INTO tokens (id, coming, body, crc) VALUES (?, ?, ?, ?)
    ON CONFLICT (id, coming) DO UPDATE SET body = excluded.body, crc = excluded.crc"""
_HEAD: Final = """
    INSERT INTO token_head (one, body, crc) VALUES (1, ?, ?)
    ON CONFLICT (one) DO UPDATE SET body = excluded.body, crc = excluded.crc"""


def write_change(connection: sqlite3.Connection, change: TokenChange) -> None:
    """Within the transaction of the batch."""
    if change.drops_coming:
        connection.execute("DELETE FROM tokens WHERE coming = 1")
    connection.executemany(
        "DELETE FROM tokens WHERE id = ? AND coming = 0", [(key_of(uid),) for uid in change.removed]
    )
    connection.executemany(_PUT, [_row(token, int(change.is_coming)) for token in change.put])
    if change.swaps:
        connection.execute("DELETE FROM tokens WHERE coming = 0")
        connection.execute("UPDATE tokens SET coming = 0")
    body = encode(change.head)
    connection.execute(_HEAD, (body.decode(), check_sum(body)))


def read_list(connection: sqlite3.Connection, notes: list[str]) -> TokenList:
    """The list as last committed. One that has lost something has revision 0: the cloud sends it anew."""
    head = _head(connection, notes)
    found: tuple[dict[str, Token], dict[str, Token]] = ({}, {})
    rows = connection.execute("SELECT id, coming, body, crc FROM tokens").fetchall()
    lost = 0
    for key, coming, body, crc in rows:
        try:
            found[coming][key] = intact(Token, body, crc)
        except StoreDamaged:
            lost += 1
    now, to_come = found
    if head is None or lost or len(now) != head.count:
        if now or lost or head is not None:
            notes.append(f"the list of tokens is not whole: {len(now)} of it hold until it is sent anew")
        return TokenList(now)
    if head.coming_revision is None:
        return TokenList(now, head.revision)
    coming = ComingList(head.coming_revision, head.parts, frozenset(head.got), to_come)
    return TokenList(now, head.revision, coming)


def _head(connection: sqlite3.Connection, notes: list[str]) -> TokenHead | None:
    row = connection.execute("SELECT body, crc FROM token_head").fetchone()
    if row is None:
        return None
    try:
        return intact(TokenHead, *row)
    except StoreDamaged as error:
        notes.append(f"the revision of the list of tokens was left out: {error}")
        return None


def _row(token: Token, coming: int) -> tuple[str, int, str, int]:
    body = encode(token)
    return key_of(token.uid), coming, body.decode(), check_sum(body)
