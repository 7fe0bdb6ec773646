"""Throttle: counts per minute of who does what, kept in the cache (shared by all hosts when it is Redis).

The count is raised before the action, so a burst of parallel attempts cannot slip through between look and count.
The minute slides: what was done in the clock's last minute counts by the part of it that is less than sixty seconds
ago, so nobody does twice as much by waiting for the full minute.
"""

import hashlib
import math
import time

import structlog
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60

LOGINS_PER_NAME = 5
LOGINS_PER_ADDRESS = 30
"""More than for a name: a team behind one proxy has one address."""
PAGE_SUBMISSIONS = 30
API_SUBMISSIONS = 600
"""Ten a second: a script that submits a parameter study one by one passes; a loop that ran wild is slowed down."""


def take(action: str, who: object, limit: int) -> int:
    """Count one `action` of `who` in the last minute; one that is refused does not count.

    Args:
        action: name of what is limited, for example "submit".
        who: whose count it is; a user's id, a login name, an address.
        limit: how many are allowed in a minute, at least 1.

    Returns:
        0 when it is allowed, else the seconds until the next one is.
    """
    name, now = _name(action, who), time.time()
    try:
        return _take(caches["default"], name, now, limit)
    except (RedisError, OSError) as error:
        log.warning("throttle cannot reach its cache", error=str(error))
        return _take(caches["local"], name, now, limit)


def forget(action: str, who: object) -> None:
    """Start the count of the last minute afresh, because the action turned out to be a good one."""
    name, minute = _name(action, who), int(time.time() // WINDOW_SECONDS)
    for cache in (caches["default"], caches["local"]):
        try:
            cache.delete_many([f"{name}:{minute - 1}", f"{name}:{minute}"])
        except (RedisError, OSError) as error:
            log.warning("throttle cannot reach its cache", error=str(error))


def _name(action: str, who: object) -> str:
    # Hashed, because a login name may hold anything: blanks, megabytes, another count's key.
    return f"throttle:{action}:{hashlib.sha256(str(who).encode('utf-8', 'surrogatepass')).hexdigest()}"


def _take(cache: BaseCache, name: str, now: float, limit: int) -> int:
    minute, since = int(now // WINDOW_SECONDS), now % WINDOW_SECONDS
    left = WINDOW_SECONDS - since
    before = int(cache.get(f"{name}:{minute - 1}", 0))
    count = _raise(cache, f"{name}:{minute}")
    if before * left / WINDOW_SECONDS + count <= limit:
        return 0
    count = _lower(cache, f"{name}:{minute}", count)
    if count < limit:  # room for one more, once enough of the minute before has gone by
        wait = left - (limit - count - 1) * WINDOW_SECONDS / before
    else:
        wait = left + WINDOW_SECONDS - (limit - 1) * WINDOW_SECONDS / count
    return max(1, math.ceil(wait))


def _raise(cache: BaseCache, key: str) -> int:
    """Raise a count by one and return it."""
    for _ in range(3):
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        try:
            return int(cache.incr(key))
        except ValueError:
            continue  # it expired, or was thrown out, between the two
    return 1


def _lower(cache: BaseCache, key: str, count: int) -> int:
    """Take one off a count that was just raised to `count`, and return what is left."""
    try:
        return int(cache.decr(key))
    except ValueError:
        return count - 1  # forgotten meanwhile
