"""What the tools say of a failure, in the words of people: one line what is wrong, one what to do."""

import re

from plan import Full, Plan, Trouble, Unreadable
from sftp import public_key

_UNOPENED = r"wrong password or no key found|CryptoError|cipher header invalid|FormatError|repo encrypted|\[095\]"
_NO_SPACE = r"[Nn]o space left on device|[Qq]uota exceeded"
# What is looked for, what it means, and what to do; the first that fits.
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (
        r"NoSuchBucket|[Bb]ucket does not exist",
        "there is no such bucket: {place}",
        "Make it, or correct backup.place.bucket. With kind 'aws', Berth makes one.",
    ),
    (
        r"SecondLevelDomainForbidden|PathStyleDomainForbidden|[Vv]irtual[- ](hosted|styled)",
        "{place} is to be asked by the bucket's own host name",
        "Write backup.place.addressing: host.",
    ),
    (
        r"RequestTimeTooSkewed|request time\b(?s:.{0,80})too large",
        "the clock of this host and that of {place} differ too much",
        "The keys may be right. Set the host's clock: 'timedatectl' on the host shows whether it is synchronized.",
    ),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Access Denied|Forbidden|\b403\b",
        "{place} refuses the keys",
        "Look at backup.place.accessKey and secretKey: the key must list, read, write and delete in that bucket.",
    ),
    (
        r"known hosts failure|Host key verification failed",
        "{place} shows a host key that is not in backup.place.hostKeys",
        "Give all that 'ssh-keyscan -p PORT HOST' shows, and compare them with what the server's operator says: "
        "each tool takes another one.",
    ),
    (
        r"public key authentication failed|Permission denied \(",
        "{place} does not let this stack in",
        "Enter this line there, as a key that may log in, then deploy again: {key}",
    ),
    (
        r"unable to get address for|no such host|Name or service not known|Temporary failure in name resolution",
        "no name server knows the place {place}",
        "Correct backup.place, or the host's name servers.",
    ),
    (
        r"certificate|x509|TLS error",
        "the certificate of {place} is not trusted",
        "Give the certificate of its authority as backup.place.ca.",
    ),
    (
        r"[Cc]onnection refused|timeout|timed out|deadline exceeded|No route to host|Network is unreachable",
        "{place} cannot be reached",
        "See whether it runs, and whether a firewall is between it and the host.",
    ),
    (
        r"libssh2_sftp session|error receiving version packet|subsystem request failed",
        "{place} does not speak SFTP, or ends the connection",
        "See what its server logs.",
    ),
    (
        r"[Pp]ermission denied|Read-only file system|Operation not permitted",
        "{place} cannot be written",
        "See whether the disk is mounted, and for writing.",
    ),
    (
        r"repository does not exist|FileMissingError|PathMissingError|\[0(55|73)\]",
        "{place} does not hold this stack's backups",
        "See whether its disk is mounted; a deployment proves the place again.",
    ),
    (
        r"backup and archive info files exist but do not match the database|do not match the database",
        "{place} holds the log of another database of this stack, and no backup of it",
        "Choose another 'prefix' or 'path' in backup.place. What is there stays as it is.",
    ),
)


def explain(said: str, plan: Plan) -> Trouble:
    """What a tool said as it failed, explained."""
    place = plan.place
    if re.search(_UNOPENED, said):
        return Unreadable(
            f"the backups in {place} were made with another passphrase",
            "Give the stack that passphrase as backup.passphrase, or choose another 'prefix' or 'path' in "
            "backup.place.",
        )
    if re.search(_NO_SPACE, said):
        return Full(
            f"there is no space left in {place}",
            "What backup.keep lets go is deleted now. If that is not enough, give the place more space.",
        )
    for pattern, what, further in _MEANINGS:
        if re.search(pattern, said):
            key = public_key(plan.settings) if "{key}" in further else ""
            return Trouble(what.format(place=place), further.format(key=key))
    return Trouble(f"{place}: {last_words(said)}", "What the tools said: npm run logs -- backups")


def last_words(said: str) -> str:
    """The line that tells most: the last error, else the last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and "HINT:" not in line]
    errors = [line for line in lines if re.search(r"ERROR|Fatal|FATAL", line)]
    found = (errors or lines or ["it said nothing"])[-1]
    return re.sub(r"^.*?(?:ERROR|Fatal|FATAL):\s*", "", found)[:300]
