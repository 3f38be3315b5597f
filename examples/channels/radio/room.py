"""A room: its last messages are kept in Redis, for who comes later and for who comes back after a lost connection."""

import redis.asyncio
from django.conf import settings

# How many messages a room keeps.
KEPT = 1000
# Both or neither, whenever the connection is lost: keeps the token for an hour, and the message with it.
ADD = """
if redis.call('SET', KEYS[1], '', 'NX', 'EX', 3600) then
  return redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'token', ARGV[2], 'text', ARGV[3])
end
"""

store = redis.asyncio.from_url(settings.REDIS_URL, decode_responses=True)


async def add(room, token, text):
    """The message as it is kept, or None: a browser sends one again if its connection was lost before the answer."""
    number = await store.eval(ADD, 2, f"radio:token:{token}", f"radio:room:{room}", KEPT, token, text)
    return {"id": number, "token": token, "text": text} if number else None


async def since(room, time):
    """What has come since then, in milliseconds since 1970; everything that is kept where it is no number."""
    found = await store.xrange(f"radio:room:{room}", time if time.isdecimal() else "-")
    return [{"id": number, **message} for number, message in found]
