"""A scratch cluster: the newest backup with its log, restored next to the site's own and thrown away.

All of it belongs to postgres, and nobody else can enter it: it holds what production holds. It archives nothing, and
once it has followed its log it runs in a network of its own, in which there is nothing but itself.
"""

import contextlib
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from commands import Failed, as_account, last_line, read_as, run
from comparison import End, end_of
from database import DatabaseBackups
from explain import last_words
from plan import Trouble
from watch import Watch

# What the cluster may have of its own is overruled: where it archives to, whom it follows or waits for, what it loads.
_SETTINGS: dict[str, object] = {
    "config_file": "/dev/null",
    "ident_file": "/dev/null",
    "archive_mode": "off",
    "archive_command": "/bin/false",
    "archive_library": "",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "synchronous_standby_names": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "max_logical_replication_workers": 0,
    "max_wal_senders": 0,
    "max_connections": 20,
    "max_worker_processes": 2,
    "max_parallel_workers": 0,
    "autovacuum": "off",
    "hot_standby": "off",
    "ssl": "off",
    "port": 5432,
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "80MB",
    "wal_recycle": "off",
    "huge_pages": "off",
    # In its own directory, and so gone with it.
    "dynamic_shared_memory_type": "mmap",
    # It does not outlive a power cut anyway, and the site has the disk to itself.
    "fsync": "off",
    "jit": "off",
    "external_pid_file": "",
    "temp_tablespaces": "",
    "default_transaction_read_only": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": -1,
    "log_statement": "none",
    "log_checkpoints": "off",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "berth-drill",
}

# Peers by the socket, as on the site's own cluster, and passwords by the loopback address.
_ACCESS = "local all postgres peer\nhost all all 127.0.0.1/32 scram-sha-256\n"

# Whoever owns a database says how its sessions begin.
_OPTIONS = (
    "-c search_path=pg_catalog -c role=none -c default_transaction_read_only=off "
    "-c statement_timeout=0 -c transaction_timeout=0"
)


_OPTIONS_OF_OTHERS = "-c default_transaction_read_only=off -c statement_timeout=0 -c transaction_timeout=0"


@dataclass(frozen=True)
class Served:
    """The cluster while it is asked: the process in whose network it is reached."""

    process: int


class Scratch:
    """@param access: lines of pg_hba.conf before the usual ones"""

    def __init__(self, database: DatabaseBackups, watch: Watch, root: Path | None = None, access: str = "") -> None:
        self._backups = database
        self._cluster = database.database
        self._watch = watch
        self._root = root or self._cluster.drill
        self._data = self._root / "data"
        self._access = access + _ACCESS

    def restore(self, label: str, to: Sequence[str]) -> None:
        """@param to: how far the log is followed, as pgBackRest has it"""
        tablespaces = self._root / "tablespaces"
        run(as_account("postgres", ["mkdir", "-m", "0700", "--", *map(str, (self._root, self._data, tablespaces))]))
        write = ["sh", "-c", 'umask 077; cat >"$1"', "write", f"{self._root}/hba.conf"]
        run(as_account("postgres", write), stdin=self._access)
        own = [f"--pg1-path={self._data}", f"--lock-path={self._root}/lock", f"--tablespace-map-all={tablespaces}"]
        how = ["--archive-mode=off", "--process-max=1", *to]
        words = self._backups.words("restore", *own, *how, f"--set={label}")
        self._watch.run(as_account("postgres", words))

    def follow(self) -> End:
        """Follows the log to the end of what is in the place. Nobody is let in by the network meanwhile."""
        words = self._backups.words(
            *("archive-get", "--no-archive-async", f"--pg1-path={self._data}", f"--lock-path={self._root}/lock")
        )
        settings = {
            "listen_addresses": "",
            "restore_command": f'{" ".join(words)} %f "%p"',
            "log_min_messages": "log",
        }
        with tempfile.TemporaryFile() as log:
            with self._running([], settings, log) as process:
                self._stop(process)
            return end_of(_end_of_file(log))

    @contextlib.contextmanager
    def served(self) -> Iterator[Served]:
        """Runs it where nothing else is: no other address answers there, and nothing leaves it."""
        alone = ["unshare", "--net", "sh", "-euc", 'ip link set lo up; exec "$@"', "alone"]
        with (
            tempfile.TemporaryFile() as log,
            self._running(alone, {"listen_addresses": "127.0.0.1"}, log) as process,
        ):
            yield Served(process.pid)

    @contextlib.contextmanager
    def _running(
        self, around: Sequence[str], settings: Mapping[str, object], log: IO[bytes]
    ) -> Iterator[subprocess.Popen[bytes]]:
        facts = {
            **_SETTINGS,
            **self._bounds(),
            **settings,
            "hba_file": f"{self._root}/hba.conf",
            "unix_socket_directories": self._root,
        }
        options = [word for name, value in facts.items() for word in ("-c", f"{name}={value}")]
        # Not by runuser(1), which stays in between and would keep signals to itself.
        account = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--no-new-privs", "--"]
        words = [*account, f"{self._cluster.programs}/postgres", "-D", str(self._data), *options]
        with self._watch.started([*around, *words], output=log.fileno()) as process:
            self._wait(process, log)
            yield process

    def _bounds(self) -> dict[str, object]:
        """What the log may hold at once, as the cluster it was written by had it."""
        told = read_as("postgres", [f"{self._cluster.programs}/pg_controldata", str(self._data)])
        names = {"max_prepared_xacts": "max_prepared_transactions", "max_locks_per_xact": "max_locks_per_transaction"}
        found = re.findall(r"^(max_prepared_xacts|max_locks_per_xact) setting:\s+(\d+)$", told, re.MULTILINE)
        return {names[name]: int(value) for name, value in found}

    def _wait(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        """Until it lets somebody in, however long it follows its log."""
        ready = [f"{self._cluster.programs}/pg_isready", "--quiet", "--host", str(self._root), "--port", "5432"]
        while process.poll() is None:
            with contextlib.suppress(Failed):
                read_as("postgres", ready)
                return
            self._watch.look()
            time.sleep(0.2)
        said = _end_of_file(log)
        fatal = [line for line in said.splitlines() if re.search(r"FATAL|PANIC", line)]
        raise Trouble(f"the restored database does not start: {last_words(last_line(chr(10).join(fatal) or said))}")

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGINT)
        while True:
            try:
                process.wait(timeout=1)
                return
            except subprocess.TimeoutExpired:
                self._watch.look()

    def ask(self, database: str, query: str) -> str:
        """What the superuser is told there."""
        command = [f"{self._cluster.programs}/psql", "-XAtq", "-h", str(self._root), "-v", "ON_ERROR_STOP=1"]
        options = {
            "PGOPTIONS": _OPTIONS,
            "PGDATABASE": database,
            "PGCONNECT_TIMEOUT": "30",
        }
        return self._watch.run(as_account("postgres", [*command, "-c", query]), environment=options).strip()

    def tell(self, script: str, *, database: str = "postgres", user: str = "postgres", strict: bool = True) -> None:
        """Runs SQL there; where it is not strict, what fails of it is left out."""
        command = [f"{self._cluster.programs}/psql", "-Xq", "-o", "/dev/null", "-h", str(self._root), "-U", user]
        options = {"PGOPTIONS": _OPTIONS if user == "postgres" else _OPTIONS_OF_OTHERS, "PGDATABASE": database}
        words = [*command, "-v", f"ON_ERROR_STOP={int(strict)}", "-f", "-"]
        self._watch.run(as_account("postgres", words), stdin=script, environment=options)

    def dump(self, database: str, errors: int) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        """What pg_dump(1) writes of a database."""
        command = [f"{self._cluster.programs}/pg_dump", "--format=custom", "-h", str(self._root), "-d", database]
        options = {"PGOPTIONS": "-c role=none -c statement_timeout=0 -c transaction_timeout=0"}
        words = as_account("postgres", [*command, "--no-password"])
        return self._watch.started(words, errors=errors, environment=options)

    def check_pages(self) -> None:
        """Reads each page of each table and each B-tree (pg_amcheck(1))."""
        command = [f"{self._cluster.programs}/pg_amcheck", "--all", "--install-missing", "-h", str(self._root)]
        self._watch.run(as_account("postgres", [*command, "--no-password"]), environment={"PGOPTIONS": _OPTIONS})


def throw_away(root: Path) -> None:
    """All of it, whatever one that was killed has left of it."""
    run(as_account("postgres", ["rm", "-rf", "--", str(root)]))


def _end_of_file(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, 2) - (1 << 20)))
    return log.read().decode(errors="replace")
