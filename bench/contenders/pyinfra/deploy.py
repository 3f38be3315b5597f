"""From a bare Debian 13 to the example application behind HTTPS: what bench/floor.sh does, by pyinfra's own operations.

Run with inventory.py, which says what the templates want to know.
"""

from collections.abc import Iterable
from typing import Any

from pyinfra import config, host
from pyinfra.facts.files import File, Link
from pyinfra.facts.postgres import PostgresRoles
from pyinfra.facts.server import Command, LinuxDistribution
from pyinfra.operations import apt, files, postgres, server, systemd
from pyinfra.operations.util import any_changed

config.SUDO = True

ROOT = "/srv/logbook"
CLUSTER = "/etc/postgresql/17/main"
PACKAGES = """
brotli ca-certificates curl git libnginx-mod-http-brotli-static locales logrotate nftables nginx
postgresql-17 python3 python3-pip python3-venv redis-server redis-tools sudo tzdata unattended-upgrades
""".split()

domain: str = host.data.domain
release: str = host.data.release
directory = f"{ROOT}/releases/{release}"
# In MiB, rounded down; pyinfra's own fact rounds to the nearest.
memory = int(host.get_fact(Command, "awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo"))


def template(dest: str, group: str = "root", mode: str = "644", src: str | None = None, user: str = "root") -> Any:
    """A file from the template that lies where it does."""
    return files.template(
        name=dest,
        src=f"../templates{src or dest}.j2",
        dest=dest,
        user=user,
        group=group,
        mode=mode,
        **host.data.dict(),
        memory=memory,
    )


def templates(paths: Iterable[str], **how: str) -> list[Any]:
    return [template(path, **how) for path in paths]


def on_change(changes: Iterable[Any], service: str, **how: bool) -> None:
    systemd.service(name=f"Changes reach {service}", service=service, **how, _if=any_changed(*changes))


# --- Base
system = host.get_fact(LinuxDistribution)
if (system["name"], system["major"]) != ("Debian", 13):
    raise SystemExit(f"expected Debian 13; found {system['name']} {system['major']}")

server.shell(name="Wait for the first boot", commands=["cloud-init status --wait >/dev/null || [ $? = 2 ]"])
template("/etc/postgresql-common/createcluster.d/berth.conf")
apt.packages(name="Packages", packages=PACKAGES, no_recommends=True, update=True, cache_time=3600)

server.hostname(name="Host name", hostname=domain.split(".")[0])
server.etc_hosts(name="Its line in hosts", ip="127.0.1.1", hostnames=[domain, domain.split(".")[0]])
# UTC is a link to Etc/UTC, which server.timezone takes for another one in each run.
files.link(name="Time zone", path="/etc/localtime", target="/usr/share/zoneinfo/UTC")
server.locale(name="Locale", locale="en_US.UTF-8")
templates(
    [
        "/etc/apt/apt.conf.d/52berth",
        "/etc/cloud/cloud.cfg.d/90-berth.cfg",
        "/etc/logrotate.d/berth",
        "/etc/logrotate.d/logbook",
    ]
)

# /etc/default/locale is a link to it.
template("/etc/locale.conf", src="/etc/default/locale")

server.group(name="Administrators", group="berth-admins", system=True)
template("/etc/sudoers.d/berth-admins", mode="440")
# A password of '*' lets nobody in.
server.user(name="Owner of the code", user="deployer", shell="/bin/bash", password="*", create_home=True)  # noqa: S106
server.user(
    name="Account of the service", user="logbook", system=True, home=ROOT, ensure_home=False, shell="/usr/sbin/nologin"
)
for path, owner, group, mode in (
    ("", "deployer", "logbook", "755"),
    ("/releases", "deployer", "logbook", "2750"),
    ("/static", "deployer", "www-data", "2755"),
    ("/media", "logbook", "www-data", "2750"),
    ("/logs", "logbook", "logbook", "2750"),
    ("/config", "root", "logbook", "750"),
):
    files.directory(name=f"{ROOT}{path}", path=f"{ROOT}{path}", user=owner, group=group, mode=mode)
files.link(name="Where the sockets are", path=f"{ROOT}/sockets", target="/run/logbook", create_remote_dir=False)
template("/usr/local/bin/logbook-manage", mode="755")

journald = template("/etc/systemd/journald.conf.d/berth.conf")
upgrades = template("/etc/systemd/system/apt-daily-upgrade.timer.d/berth.conf")
sshd = templates(["/etc/ssh/sshd_config.d/05-berth-steps.conf", "/etc/ssh/sshd_config.d/10-berth.conf"])
firewall = template("/etc/berth/firewall.nft")

# --- Services
server.shell(
    name="Cluster of PostgreSQL",
    commands=[
        f"[ -e {CLUSTER}/postgresql.conf ] || pg_createcluster --locale en_US.UTF-8 --encoding UTF8 17 main -- "
        "--data-checksums --auth-local=peer --auth-host=scram-sha-256"
    ],
)
cluster = [
    *templates([f"{CLUSTER}/conf.d/berth.conf", f"{CLUSTER}/conf.d/berth-memory.conf"]),
    template(f"{CLUSTER}/pg_hba.conf", group="postgres", mode="640"),
]
sysctl = template("/etc/sysctl.d/60-berth-redis.conf")
redis = templates(["/etc/berth/redis/password.conf", "/etc/berth/redis/redis.conf"], group="redis", mode="640")
redis_unit = template("/etc/systemd/system/redis-server.service.d/berth.conf")
template(f"{ROOT}/config/env", group="logbook", mode="640")
template("/etc/berth/logbook/gunicorn.py")
units = templates(
    f"/etc/systemd/system/{unit}" for unit in ("berth-firewall.service", "logbook-web.service", "logbook-web.socket")
)

systemd.daemon_reload(name="Read units", _if=any_changed(upgrades, redis_unit, *units))
# A machine in a container may not be allowed to.
server.shell(
    name="Read sysctl",
    commands=["sysctl -q -p /etc/sysctl.d/60-berth-redis.conf || true"],
    _if=sysctl.did_change,
)
on_change([journald], "systemd-journald.service", restarted=True)
on_change([upgrades], "apt-daily-upgrade.timer", restarted=True)
server.shell(name="Check sshd", commands=["sshd -t"], _if=any_changed(*sshd))
on_change(sshd, "ssh.service", reloaded=True)
on_change([*redis, redis_unit], "redis-server.service", restarted=True)
on_change(cluster, "postgresql@17-main.service", restarted=True)
for unit in (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "berth-firewall.service",
    "logbook-web.socket",
    "logrotate.timer",
    "postgresql.service",
    "redis-server.service",
):
    systemd.service(name=unit, service=unit, running=True, enabled=True)
on_change([firewall], "berth-firewall.service", reloaded=True)
systemd.service(name="The application starts with the host", service="logbook-web.service", running=None, enabled=True)

# postgres.role sets a password each time; it is set once.
if "logbook" not in host.get_fact(PostgresRoles, _sudo_user="postgres"):
    postgres.role(
        name="Role of the application",
        role="logbook",
        password=host.data.database_password,
        inherit=True,
        _sudo_user="postgres",
    )
postgres.database(name="Its database", database="logbook", owner="logbook", _sudo_user="postgres")

# --- Release
if host.get_fact(File, path=f"{directory}/.berth/prepared") is None:
    files.directory(name="Directory of the release", path=directory, user="deployer", group="logbook", mode="2750")
    files.put(name="Archive of its source", src=host.data.archive, dest=f"/tmp/{release}.tar")  # noqa: S108
    server.shell(
        name="Source, dependencies and compiled code",
        commands=[
            f"umask 027; tar --extract --no-same-permissions --file /tmp/{release}.tar",
            "umask 027; python3 -m venv --without-pip .venv",
            "umask 027; python3 -m pip --python .venv/bin/python install --quiet --no-input "
            "--disable-pip-version-check --requirement requirements.txt",
            r"umask 027; .venv/bin/python -m compileall -q -x '/(\.venv|node_modules)/' .",
            "umask 027; mkdir -p .berth",
        ],
        _chdir=directory,
        _sudo_user="deployer",
    )
    template(f"{directory}/.berth/env", src="/release.env", user="deployer", group="logbook", mode="640")
    server.shell(
        name="All of it on the disk",
        commands=[
            f"sync -f {directory}",
            f"touch {directory}/.berth/prepared",
            f"rm /tmp/{release}.tar",
        ],
    )

current = host.get_fact(Link, path=f"{ROOT}/current")
if not current or current["link_target"] != directory:
    static = f"{ROOT}/static/{release}"
    files.directory(name="Directory of static files", path=static, user="deployer", group="www-data", mode="2755")
    # The settings are not for the owner of the code to read, so root hands them over.
    settings = f"set -a; . {ROOT}/config/env; . .berth/env"
    server.shell(
        name="Static files",
        commands=[
            f"{settings}; exec runuser -u deployer -- .venv/bin/python -m django collectstatic --noinput --verbosity 0"
        ],
        _chdir=directory,
    )
    server.shell(
        name="Static files, compressed",
        commands=[
            r"find . -type f -size +1k -regex '.*\.\(css\|js\|mjs\|svg\|json\|txt\|xml\|map\|html\)' -print0 | "
            """xargs -0r sh -c 'gzip -9knf -- "$@" && brotli -q 9 -kf -- "$@"' sh"""
        ],
        _chdir=static,
        _sudo_user="deployer",
    )
    server.shell(
        name="Migrations",
        commands=[f"umask 027; {settings}; exec .venv/bin/python -m django migrate --noinput --verbosity 0"],
        _chdir=directory,
        _sudo_user="logbook",
    )
    files.link(name="Static files that are live", path=f"{ROOT}/static/current", target=static)
    files.link(name="Release that is live", path=f"{ROOT}/current", target=directory)
    systemd.service(name="The application", service="logbook-web.service", restarted=True)

# --- Website
server.shell(
    name="Certificate",
    commands=[
        "[ -e /etc/ssl/berth/site.crt ] || { mkdir -p /etc/ssl/berth && openssl req -x509 -newkey ec "
        f"-pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN={domain} -addext subjectAltName=DNS:{domain} "
        "-addext keyUsage=critical,digitalSignature,keyEncipherment -addext extendedKeyUsage=serverAuth "
        "-keyout /etc/ssl/berth/site.key -out /etc/ssl/berth/site.crt; }"
    ],
)
files.put(
    name="Page for while the application is away",
    src=host.data.away_page,
    dest="/usr/local/share/berth/logbook/berth/away.html",
    mode="644",
)
nginx = [
    *templates(
        f"/etc/nginx/{path}"
        for path in (
            "conf.d/berth.conf",
            "snippets/berth-headers.conf",
            "snippets/berth-server.conf",
            "snippets/berth-tls.conf",
            "sites-available/logbook.conf",
        )
    ),
    files.link(name="Debian's own site", path="/etc/nginx/sites-enabled/default", present=False),
    files.link(
        name="Our site",
        path="/etc/nginx/sites-enabled/logbook.conf",
        target="/etc/nginx/sites-available/logbook.conf",
    ),
]
server.shell(name="Check nginx", commands=["nginx -t -q"], _if=any_changed(*nginx))
on_change(nginx, "nginx.service", reloaded=True)

# /etc/hosts on the host knows the name.
server.shell(
    name="It is healthy",
    commands=[f"curl -skf -o /dev/null --retry 60 --retry-delay 1 --retry-all-errors https://{domain}/health"],
)
