"""A program that changes its list of tokens and acknowledges while it is killed; prints what is wrong as JSON.

Run as `python killed_tokens.py FOLDER ROUNDS SEED`.
"""

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

from baywarden.model.token import TokenList
from baywarden.ports.store import Batch
from support.books import open_books
from support.token_lists import changed, lists


async def change_for_ever(folder: Path, tokens: TokenList, done: int, pipe: int) -> None:
    """One after the other, each acknowledged when it is durable."""
    store = open_books(folder)
    while True:
        tokens, change = changed(tokens, done)
        await store.commit(Batch(token_changes=(change,)))
        done += 1
        os.write(pipe, f"{done}\n".encode())


def one_round(folder: Path, tokens: TokenList, done: int, dice: random.Random) -> int:
    """Fork, let it work for a moment, kill it; how many changes were acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        asyncio.run(change_for_ever(folder, tokens, done, writer))
    os.close(writer)
    select.select([reader], [], [], 30.0)
    time.sleep(dice.uniform(0.001, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader) as lines:
        return max((int(line) for line in lines if line.endswith("\n")), default=done)


async def kept(folder: Path) -> TokenList:
    """What a start finds."""
    store = open_books(folder)
    saved = await store.load()
    await store.close()
    return saved.tokens


def main(folder: Path, rounds: int, seed: int) -> None:
    """So many kills."""
    dice, done, wrong = random.Random(seed), 0, list[str]()
    tokens = TokenList()
    for number in range(rounds):
        acknowledged = one_round(folder, tokens, done, dice)
        tokens = asyncio.run(kept(folder))
        # The last change may be durable without having been acknowledged.
        possible = lists(acknowledged + 1)[acknowledged:]
        if tokens not in possible:
            wrong.append(f"round {number}: not the list after {acknowledged} changes, nor the one after it")
            break
        done = acknowledged + possible.index(tokens)
    print(json.dumps({"changes": done, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
