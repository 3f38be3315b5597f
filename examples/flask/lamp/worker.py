"""Settings of `rq worker --config lamp.worker`: the address of Redis, with its password, is in no command line."""

from lamp import settings, signalman

REDIS_URL = settings.REDIS_URL
QUEUES = [signalman.QUEUE]
