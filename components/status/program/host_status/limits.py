"""From when on something is said. Berth's own steps and alarms have the same, where they have one."""

HOUR, DAY = 3600, 86_400

# Of a disk: a deployment needs space, and a host needs time to be mended in.
DISK_WARNING, DISK_FAULT, INODES = 0.85, 0.95, 0.9
# Of a certificate that somebody must renew: the last third of its life, and the last week of any.
CERTIFICATE_LIFE, CERTIFICATE_LEFT = 1 / 3, 7 * DAY
# Of one that the host renews, in the last third of its life or the last half of a short one: the rest of that.
CERTIFICATE_LATE, CERTIFICATE_SHORT = 3 / 4, 10 * DAY
# Of memory: what is available; and how long everything waited for it, in percent.
MEMORY_AVAILABLE, MEMORY_PRESSURE = 0.1, 5
# A process that was killed for want of memory is said for a day.
KILLED = DAY
# For each processor, for a quarter of an hour.
LOAD = 4
# Of the connections that a service takes; and of its memory, without which Redis drops keys or refuses to write.
CONNECTIONS, SERVICE_MEMORY = 0.9, 0.95
# A unit in a loop: how often it was restarted, and what it does not stay up for. And how long one may take to start.
LOOP_RESTARTS, LOOP_SECONDS, STARTING = 3, 120, 60
# A hook ends within 10 minutes (components/app/release/hooks.py).
HOOK = 900
# Of backups, which are made every day; of the database's log, which goes every minute; of drills, which are weekly.
BACKUP, BACKUP_WAITING, DRILL = 26 * HOUR, 600, 8 * DAY
# A look is taken every minute, and a message arrives within the next.
NOTICES = 600
# Errors of the server among what visitors get: so many at least, and from which share on it is a fault.
ERRORS, ERRORS_SHARE = 3, 0.1
# Upgrades are looked for and installed every night.
UPGRADES = 3 * DAY
