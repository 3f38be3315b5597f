"""Run with Postgres and Redis at hand: `DEBUG=1 python -m unittest`. They leave nothing behind."""

import logging
import unittest
from datetime import timedelta
from unittest import mock

from redis import Redis
from rq import SimpleWorker
from sqlalchemy import delete

from lamp import create_app, messages, morse, parts, settings, signalman
from lamp.messages import Message

# Port 1: nothing listens there.
nowhere = Redis(port=1, socket_connect_timeout=1)
site = f"https://{(settings.ALLOWED_HOSTS or ['localhost'])[0]}"


def setUpModule():
    # What a worker says of each job.
    logging.disable(logging.INFO)
    unittest.addModuleCleanup(logging.disable, logging.NOTSET)


class MorseTest(unittest.TestCase):
    def test_letters_words_and_what_has_no_code(self):
        self.assertEqual(morse.encode("SOS"), "... --- ...")
        self.assertEqual(morse.encode("  all  well, Ida! "), ".- .-.. .-.. / .-- . .-.. .-.. --..-- / .. -.. .-")
        self.assertEqual(morse.encode("§ ¶"), "")


class LampTest(unittest.TestCase):
    def setUp(self):
        messages.create_tables()
        self.enterContext(mock.patch.object(signalman, "QUEUE", "lamp-test"))
        self.addCleanup(lambda: signalman.queue().delete(delete_jobs=True))
        self.addCleanup(self.delete_messages)
        self.client = create_app().test_client()

    def delete_messages(self):
        with messages.engine().begin() as connection:
            connection.execute(delete(Message).where(Message.sender == "Ida of the tests"))

    def ask(self, method="GET", path="/", **options):
        return self.client.open(path, method=method, base_url=site, **options)

    def send(self, text="All well", **headers):
        return self.ask("POST", data={"sender": "Ida of the tests", "text": text}, headers=headers)

    def work(self):
        """What the worker would do now, in this process."""
        SimpleWorker([signalman.queue()], connection=signalman.redis()).work(burst=True)

    def newest(self):
        return messages.newest(1)[0]

    def test_a_message_waits_until_the_worker_has_sent_it(self):
        answer = self.send("SOS")
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.location.endswith(f"#message-{self.newest().id}"))
        self.assertIn("Waits for the signalman", self.ask().text)
        self.work()
        self.assertEqual(self.newest().morse, "... --- ...")
        self.assertIn("··· −−− ···", self.ask().text)

    def test_a_message_that_is_given_twice_is_sent_once(self):
        self.send()
        self.work()
        first = self.newest().sent_at
        signalman.give(self.newest().id)
        self.work()
        self.assertEqual(self.newest().sent_at, first)

    def test_a_message_written_while_redis_is_away_is_sent_later(self):
        with mock.patch.object(signalman, "redis", lambda: nowhere), self.assertLogs(level="ERROR"):
            self.assertEqual(self.send().status_code, 303)
            page = self.ask()
        self.assertEqual(page.status_code, 200)
        self.assertIn("2 of 3 parts failing", page.text)
        self.work()
        self.assertIsNone(self.newest().sent_at)
        for message in messages.waiting_since(timedelta(0)):
            signalman.give(message)
        self.work()
        self.assertIsNotNone(self.newest().sent_at)

    def test_what_cannot_be_sent_comes_back_with_the_reason(self):
        answer = self.send("§")
        self.assertEqual(answer.status_code, 422)
        self.assertIn("Please write something that has letters", answer.text)
        self.assertIn("120 characters at most", self.send("a" * 121).text)

    def test_what_is_written_is_shown_as_text(self):
        self.send("<script>alert(1)</script>")
        self.assertIn("&lt;script&gt;alert(1)", self.ask().text)

    def test_another_site_cannot_send_in_a_visitors_name(self):
        self.assertEqual(self.send(Origin="https://elsewhere.example.org").status_code, 403)

    def test_health_names_the_part_that_fails_and_nothing_secret(self):
        well = self.ask(path="/health")
        self.assertEqual((well.status_code, well.json["status"]), (200, "ok"))
        with mock.patch.object(signalman, "redis", lambda: nowhere), mock.patch.object(parts.log, "error"):
            ill = self.ask(path="/health")
        self.assertEqual((ill.status_code, ill.json["redis"], ill.json["postgres"]), (503, "failing", "ok"))
        self.assertNotIn("Error", ill.text)


if __name__ == "__main__":
    unittest.main()
