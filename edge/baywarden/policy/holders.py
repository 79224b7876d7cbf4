"""Whose a booking is: its token's, and that of the token's group."""

from baywarden.model.token import TokenList, Whitelist
from baywarden.policy.sight import is_same_token


def is_holder(tokens: TokenList, token: str | None, booked: str | None) -> bool:
    """Whether a token is the right to a hold: the booked one itself, or a valid one of its group.

    One that the list says is not valid is no right, whatever was booked with it.
    """
    found = tokens.find(token)
    if found is not None and not found.valid:
        return False
    if is_same_token(token, booked):
        return True
    group = tokens.group_of(booked)
    is_known = found is not None and found.whitelist is not Whitelist.NEVER
    return is_known and group is not None and tokens.group_of(token) == group
