"""Judges what visitors meet on a host."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from host_status import limits
from host_status.finding import Finding, Judged
from host_status.words import counted, date, long


def of_site(judged: Judged) -> Iterable[Finding]:
    own = judged.facts["site"]
    if own is None or own["status"] == 200:
        return
    silent = own["status"] is None
    what = f"does not answer: {own['problem']}" if silent else f"answers {own['status']}, not 200"
    following = judged.told.typed("logs", "nginx" if silent else "web")
    yield Finding("fault", "site", f"the site's health path {what}", following)


def of_answers(judged: Judged) -> Iterable[Finding]:
    answers = judged.facts["answers"]
    if answers is None or answers["errors"] < limits.ERRORS:
        return
    errors, requests = answers["errors"], answers["requests"]
    of = f"{errors} of {counted(requests, 'request')} in the last {long(answers['seconds'])}"
    kind: Literal["fault", "warning"] = "fault" if errors >= requests * limits.ERRORS_SHARE else "warning"
    following = judged.told.typed("logs", "web")
    yield Finding(kind, "errors", f"{of} got an error of the server (5xx)", following)


def of_maintenance(judged: Judged) -> Iterable[Finding]:
    facts, told = judged.facts, judged.told
    shut = facts["maintenance"]
    if not told.first or not shut or not shut["on"]:
        return
    since = "" if shut["since"] is None else f", for {long(judged.now - shut['since'])}"
    # An empty site is not to be opened: what visitors write there is lost with the restore.
    waits = (facts["backups"] or {}).get("unrestored") is not None
    following = told.typed("restore", "--latest") if waits else told.typed("maintenance", "off")
    yield Finding("fault", "maintenance", f"visitors see the maintenance page, not the site{since}", following)


def of_certificate(judged: Judged) -> Iterable[Finding]:
    certificate = judged.facts["certificate"]
    if certificate is None:
        return
    until, waits = certificate["until"], certificate["waits"]
    left, renews = until - judged.now, certificate["source"] == "acme"
    told = judged.told
    following = told.typed("ssh", "sudo systemctl status certbot.service") if renews else told.typed("start")
    if waits is not None:
        yield _waiting(judged, waits, trusted=renews and left > 0)
    if left <= 0:
        yield Finding("fault", "certificate-expired", f"the certificate has expired on {date(until)}", following)
    elif left < _earliest(certificate):
        what = f"the certificate expires in {long(left)}, on {date(until)}"
        yield Finding("warning", "certificate-expires", what, following)


def _earliest(certificate: Mapping[str, Any]) -> float:
    """From how many seconds before its end on it should have been renewed."""
    life = certificate["until"] - certificate["from"]
    if certificate["source"] == "acme":
        return float(life / (2 if life < limits.CERTIFICATE_SHORT else 3) * limits.CERTIFICATE_LATE)
    # One that the stack signs itself is renewed by an 'up' in its last month, of a year.
    signed = certificate["kind"] == "self-signed"
    return max(0 if signed else life * limits.CERTIFICATE_LIFE, limits.CERTIFICATE_LEFT)


def _waiting(judged: Judged, waits: Mapping[str, Any], *, trusted: bool) -> Finding:
    """Where another of the authority's is served meanwhile, no visitor is warned."""
    served = "a new certificate" if trusted else "its certificate, and browsers warn visitors"
    return Finding(
        "warning" if trusted else "fault",
        "certificate-waits",
        f"the site waits for {served}, for {long(judged.now - waits['since'])}: {waits['reason']}",
        judged.told.typed("ssh", "sudo python3 -IB /usr/local/lib/berth/certificate order"),
    )
