"""What visitors meet on this host: the site, its certificate, the maintenance page."""

import calendar
import datetime
import http.client
import json
import os
import re
import socket
import ssl
import time

from host_status.reading import PATIENCE, Facts, Host, Unknown
from host_status.told import Told

# By which Berth's own requests are known.
AGENT = "berth-status"


def site(host: Host, told: Told) -> Facts | None:
    """What nginx on this host answers to the health path."""
    if not host.path(f"etc/nginx/sites-enabled/{told.name}.conf").exists():
        return None
    began = time.monotonic()
    try:
        status = _ask(told, has_tls=_certificate_of(host, told) is not None)
    except (OSError, http.client.HTTPException) as fault:
        return {"status": None, "milliseconds": None, "problem": f"{fault}" or type(fault).__name__}
    return {"status": status, "milliseconds": round((time.monotonic() - began) * 1000), "problem": None}


def _certificate_of(host: Host, told: Told) -> str | None:
    """The path of the certificate that nginx's site names; none where it has none, and TLS may end in front of it."""
    text = host.text(f"etc/nginx/sites-enabled/{told.name}.conf")
    named = re.search(r"^\s*ssl_certificate\s+(\S+);", text, re.MULTILINE)
    return named[1] if named else None


def _ask(told: Told, *, has_tls: bool) -> int:
    port = 443 if has_tls else 80
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        # Whose certificate it is, is looked at by itself.
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        own = trusting.wrap_socket(plain, server_hostname=told.domain) if has_tls else plain
        asking = http.client.HTTPConnection(told.domain, port)
        asking.sock = own
        asking.request("GET", told.health, headers={"Host": told.domain, "User-Agent": AGENT})
        return asking.getresponse().status


def certificate(host: Host, told: Told) -> Facts | None:
    """The certificate that nginx's site names; none where it has none."""
    path = _certificate_of(host, told)
    if path is None:
        return None
    dates, names = ("-startdate", "-enddate", "-dateopt", "iso_8601"), ("-nameopt", "sep_multiline,utf8")
    also = ("-issuer", "-subject", "-ext", "subjectAltName", "-fingerprint", "-sha256")
    try:
        said = host.run(["openssl", "x509", "-noout", *dates, *names, *also, "-in", path])
    except Unknown as fault:
        raise Unknown(f"{path}, which nginx's site names, holds none that OpenSSL can read ({fault})") from fault
    return {**certificate_of(said), "source": _source(host), "waits": _waits(host)}


def certificate_of(said: str) -> Facts:
    """What 'openssl x509' prints of a certificate."""
    since, until = (
        calendar.timegm(time.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S"))
        for day, clock in re.findall(r"^not(?:Before|After)=(\d+-\d+-\d+) (\d+:\d+:\d+)Z$", said, re.MULTILINE)
    )
    blocks = dict(re.findall(r"^(issuer|subject)=\n((?: +.*\n)+)", said, re.MULTILINE))
    issuer = blocks.get("issuer", "")
    fields = dict(re.findall(r"^ +(\w+)=(.*)$", issuer, re.MULTILINE))
    fingerprint = re.search(r"^sha256 Fingerprint=(\S+)$", said, re.MULTILINE | re.IGNORECASE)
    return {
        "kind": "self-signed" if issuer == blocks.get("subject", "") else "issued",
        "issuer": fields.get("O") or fields.get("CN") or " ".join(issuer.split()),
        "names": re.findall(r"(?:DNS|IP Address):([^,\s]+)", said),
        "from": since,
        "until": until,
        "fingerprint": fingerprint[1] if fingerprint else "",
    }


def _source(host: Host) -> str | None:
    """Where it comes from, by the name of what is served: see components/nginx/certificate/program/door.py."""
    try:
        return os.readlink(host.path("etc/ssl/berth/live")).rpartition("-")[0]
    except OSError:
        return None


def _waits(host: Host) -> Facts | None:
    """What keeps the site from the certificate of its authority: see .../program/record.py."""
    told = json.loads(host.text("var/lib/berth/certificate.json") or "null")
    return {key: told[key] for key in ("reason", "since", "tried", "next")} if told else None


# Requests of no visitor: for another name, broken, in a form that nginx does not know; and the maintenance page.
_NGINX_OWN = (400, 421, 444, 501, 503, 505)
# Of how many bytes of nginx's log the last ones are read, and how long ago it may be, in seconds.
_LOG, _RECENT = 512 << 10, 300
_LINE = re.compile(r' \[([^\]]+)\] "(?:[^"\\]|\\.)*" (\d+) \d+ "(?:[^"\\]|\\.)*" "([^"]*)".* upstream=(\S+)$')


def answers(host: Host, told: Told) -> Facts | None:
    """How many requests of the last minutes were answered, and how many of them with an error of the server.

    None where this host serves no site. What nginx itself refuses is no fault of the site's, and its own 503 is the
    maintenance page.
    """
    try:
        with host.path(f"var/log/nginx/{told.name}.access.log").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG))
            lines = file.read(_LOG).decode(errors="replace").splitlines()
    except OSError:
        return None
    earliest = time.time() - _RECENT
    statuses = [status for at, status in filter(None, map(_answer_of, reversed(lines))) if at >= earliest]
    return {"seconds": _RECENT, "requests": len(statuses), "errors": sum(status >= 500 for status in statuses)}


def _answer_of(line: str) -> tuple[float, int] | None:
    """When a request was answered and with which status; None for what is none of a visitor's."""
    try:
        if line.startswith("{"):
            one = json.loads(line)
            time_of, status, agent, upstream = one["time"], one["status"], one["user_agent"], one["upstream"]
        elif found := _LINE.search(line):
            time_of, status, agent, upstream = found[1], int(found[2]), found[3], found[4].strip("-")
        else:
            return None
        if agent == AGENT or (not upstream and int(status) in _NGINX_OWN):
            return None
        return datetime.datetime.fromisoformat(time_of).timestamp(), int(status)
    except (ValueError, KeyError, TypeError):
        return None


def maintenance(host: Host, told: Told) -> Facts:
    since = host.since(f"etc/berth/{told.name}/maintenance")
    return {"on": since is not None, "since": since}
