"""Touchpoint, the event upstream apps publish: the contract as a pydantic model."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from palier.contracts.json_reading import RepeatedMembers, UnboundedNumber
from palier.contracts.limits import AMOUNT, CURRENCY, TIMEZONE
from palier.contracts.members import InputModel, LongName, Moment, ShortName

KNOWN_CHANNELS: Final = (
    "email", "web", "mobile", "push", "sms", "social", "community", "store", "call", "chat",
)  # fmt: skip
"""Channels the default rule pack speaks of. The list is open: any other name is accepted too."""


def _refuse_unbounded_numbers(value: Any) -> Any:
    """Numbers in free members must be finite decimals or integers of at most 4 300 characters."""
    if isinstance(value, UnboundedNumber) or (isinstance(value, float) and not math.isfinite(value)):
        raise PydanticCustomError("unbounded_number", "Input holds a number out of range")
    if isinstance(value, dict):
        for member in value.values():
            _refuse_unbounded_numbers(member)
        if isinstance(value, RepeatedMembers):
            for _, member in value.earlier:
                _refuse_unbounded_numbers(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_unbounded_numbers(member)
    return value


class Money(InputModel):
    """An amount of money."""

    amount: str = Field(
        pattern=f"^{AMOUNT}$",
        description="Amount in units of the currency (12.50 is twelve and a half), a decimal in a string",
        examples=["129.90"],
    )
    currency: str = Field(pattern=f"^{CURRENCY}$", description="ISO 4217 code of the currency", examples=["EUR"])


class Touchpoint(InputModel):
    """Something a contact did, or something that happened to them, as one upstream app saw it."""

    id: ShortName = Field(
        description="Names the touchpoint within its source; the same again is a duplicate (1 to 100 characters)",
        examples=["9f1c2b7e-5d0a-4f6b-8a53-0e6b1f7c2d11"],
    )
    source: ShortName = Field(description="The app that saw it (1 to 100 characters)", examples=["web-tracker"])
    type: ShortName = Field(
        description="What happened, as the rule pack names it; types it does not know are counted and score nothing "
        "(1 to 100 characters)",
        examples=["article.read"],
    )
    channel: ShortName = Field(
        description="Where it happened; for consent.* the channel consented to. An open list (1 to 100 characters): "
        + ", ".join(KNOWN_CHANNELS),
        examples=["web"],
    )
    contact_id: LongName = Field(
        description="Who; also the Kafka key, in UTF-8 (1 to 200 characters)", examples=["contact-4711"]
    )
    occurred_at: Moment = Field(
        description="When it happened: RFC 3339 with an offset, years 1970 to 2100, cut to milliseconds, no leap "
        "second; at most 5 minutes after the record's Kafka timestamp"
    )
    object_id: LongName | None = Field(
        None,
        description="What it was done to: article, product, order. Null or absent: none (1 to 200 characters)",
        examples=["article-17"],
    )
    campaign_id: LongName | None = Field(
        None, description="The campaign that led here. Null or absent: none (1 to 200 characters)", examples=["spring"]
    )
    rating: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="A rating in per cent of its scale, 0 to 100: one star of five is 0", examples=[75]
    )
    value: Money | None = Field(None, description="What it was worth in money")
    bot: bool | None = Field(None, description="True when the sender knows that a machine did it, not the contact")
    timezone: Annotated[str, Field(pattern=f"^{TIMEZONE}$")] | None = Field(
        None, description="Time zone of the contact, by its IANA name", examples=["Europe/Vienna"]
    )
    user_agent: str | None = Field(
        None,
        description="User agent of the contact's browser or mail program, as sent; a published list tells which are those "
        "of crawlers",
    )
    properties: Annotated[dict[str, JsonValue], BeforeValidator(_refuse_unbounded_numbers)] | None = Field(
        None,
        description="Whatever else the source wants to say. Palier looks at honeypot (true: what no human sees was "
        "touched), method (HEAD: a link was followed without reading), link (which link of the message), and in "
        "touchpoint.revoked at id and source of the touchpoint that is taken back; one of another type counts as absent",
        examples=[{"theme": "dark"}, {"link": "footer-2", "method": "GET", "honeypot": False}],
    )
