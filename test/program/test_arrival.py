"""What arrives for an import: a file in pieces, and the lines of a dump."""

import io
import tempfile
from pathlib import Path
from unittest import TestCase

import database_load as load
from database_url import environment

from release.arrival import Arrival
from release.faults import Stop


def framed(*pieces: bytes, end: bytes = b"\0\0\0\0") -> io.BytesIO:
    return io.BytesIO(b'{"health": "/"}\n' + b"".join(len(one).to_bytes(4) + one for one in pieces) + end)


class ArrivalTest(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, "dump")

    def test_a_file_in_pieces_is_whole_and_for_its_owner_alone(self) -> None:
        arrival = Arrival(framed(b"one ", b"two"))
        self.assertEqual(arrival.told, {"health": "/"})
        self.assertEqual(arrival.keep(self.file), 7)
        self.assertEqual((self.file.read_bytes(), self.file.stat().st_mode & 0o777), (b"one two", 0o600))

    def test_a_connection_that_is_cut_anywhere_is_told(self) -> None:
        whole = framed(b"one ", b"two").getvalue()
        begin = whole.index(b"\n") + 1
        for length in range(begin, len(whole)):
            self.file.unlink(missing_ok=True)
            with self.subTest(length), self.assertRaisesRegex(Stop, "before the whole file had arrived"):
                Arrival(io.BytesIO(whole[:length])).keep(self.file)

    def test_a_length_that_nobody_sends_is_not_waited_for(self) -> None:
        with self.assertRaises(Stop):
            Arrival(io.BytesIO(b"{}\n\xff\xff\xff\xff" + b"a" * 100)).keep(self.file)


class DumpTest(TestCase):
    def test_rows_are_counted_by_table_whatever_they_hold(self) -> None:
        lines = [
            b"SELECT 1;\n",
            b'COPY "Old ""Books"""."A (page)" (line, "FROM stdin;") FROM stdin;\n',
            b"\\\\connect shop\n",
            b"COPY other FROM stdin;\n",
            b"\\N\t\\\\.\n",
            b"\\.\n",
            b"COPY public.none (id) FROM stdin;\n",
            b"\\.\n",
        ]
        rows = load.Rows(lines)
        self.assertEqual(list(rows), lines)
        self.assertEqual(rows.counts, {'"Old ""Books"""."A (page)"': 3, "public.none": 0})

    def test_a_dump_that_goes_on_in_another_database_is_refused(self) -> None:
        for line in (b"\\connect shop\n", b"\\c shop\n"):
            with self.assertRaisesRegex(load.Fault, "line 2 .* without --create"):
                list(load.Rows([b"CREATE DATABASE shop;\n", line]))

    def test_only_what_is_said_of_the_old_server_has_no_effect(self) -> None:
        faults = load.Faults()
        for text in (
            'role "keeper" does not exist',
            "must be owner of extension plpgsql",
            'unrecognized configuration parameter "transaction_timeout"',
            'schema "public" already exists',
        ):
            faults.hear(f"psql:<stdin>:7: ERROR:  {text}\n")
        faults.hear("psql:<stdin>:8: WARNING:  no privileges could be revoked\n")
        self.assertEqual((len(faults.ignored), faults.wrong), (4, []))
        faults.hear('psql:<stdin>:9: ERROR:  type "public.geometry" does not exist\n')
        faults.hear("psql: error: connection to server was lost\n")
        self.assertEqual(len(faults.wrong), 2)
        self.assertTrue(faults.wrong[0].startswith("line 9: "))

    def test_a_url_is_how_libpq_reaches_its_database(self) -> None:
        self.assertEqual(
            environment("postgresql+psycopg://a%40b:p%2Fq@db:5433/shop?sslmode=require&application_name=x"),
            {
                "PGHOST": "db",
                "PGPORT": "5433",
                "PGUSER": "a@b",
                "PGPASSWORD": "p/q",
                "PGDATABASE": "shop",
                "PGSSLMODE": "require",
            },
        )
        self.assertIsNone(environment("mysql://a:b@db/shop"))
