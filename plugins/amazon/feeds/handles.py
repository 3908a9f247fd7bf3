"""A submission's handle: which feeds were sent, and which of them carry each key.

The cart keeps no state, so the handle tells all that is needed to read the reports:

    POST_ORDER_ACKNOWLEDGEMENT_DATA/50001
    JSON_LISTINGS_FEED/ATVPDKIKX0DER=50002,A2EUQ1WTGCTBG2=50003/40x3,2x1

In the second, the first 40 keys are in both feeds (bits 1 and 2, a hexadecimal number), the last 2 in the first one
alone. The n-th key of the submission is message n of each feed that carries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from plugins.interface import Permanent


@dataclass(frozen=True)
class SentFeed:
    """A feed that was made, and the numbers of its messages; `site` is "" where it is not about one marketplace."""

    feed_id: str
    site: str
    messages: tuple[int, ...]


def write_handle(feed_type: str, feeds: Sequence[tuple[str, str]], carried_by: Sequence[int]) -> str:
    """The handle of feeds that are each about one marketplace.

    Args:
        feeds: (marketplace, feed id) of each.
        carried_by: for each key the feeds that carry it, bit 1 for the first.
    """
    runs = ((len(list(run)), mask) for mask, run in groupby(carried_by))
    names = ",".join(f"{site}={feed_id}" for site, feed_id in feeds)
    return f"{feed_type}/{names}/" + ",".join(f"{count}x{mask:x}" for count, mask in runs)


def read_handle(handle: str, keys: int) -> tuple[str, tuple[SentFeed, ...]]:
    """The feed type and the feeds of a submission of so many keys.

    Raises:
        Permanent: the handle is none of this cart's.
    """
    try:
        feed_type, names, *runs = handle.split("/")
        masks = _masks(*runs) if runs else [1] * keys
        pairs = [name.rpartition("=") for name in names.split(",")]
        if len(masks) != keys or not all(feed_id for _, _, feed_id in pairs):
            raise ValueError("the handle does not fit its keys")
    except (ValueError, TypeError) as error:
        raise Permanent("Amazon cannot be asked about this.", detail="unknown handle", code="UNKNOWN_HANDLE") from error
    feeds = (
        SentFeed(feed_id, site, tuple(number for number, mask in enumerate(masks, start=1) if mask >> place & 1))
        for place, (site, _, feed_id) in enumerate(pairs)
    )
    return feed_type, tuple(feeds)


def _masks(runs: str) -> list[int]:
    masks: list[int] = []
    for run in runs.split(","):
        count, _, mask = run.partition("x")
        masks += [int(mask, 16)] * int(count)
    return masks
