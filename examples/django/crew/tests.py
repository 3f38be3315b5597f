"""Run with Postgres and Redis at hand: `DEBUG=1 python manage.py test`."""

import time
from datetime import timedelta
from unittest import mock

from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from PIL import Image

from crew import queue, tasks
from crew.models import Preview
from entries.models import Entry
from entries.tests import LogbookTest, nowhere, picture, setUpModule, without_redis  # noqa: F401
from logbook.celery import app
from logbook.parts import redis_client


class CrewTest(LogbookTest):
    def setUp(self):
        super().setUp()
        self.no_crew.stop()
        # Tasks are run where they are asked for, and noted under a name of the tests'.
        app.conf.task_always_eager = True
        self.addCleanup(setattr, app.conf, "task_always_eager", False)
        notes = mock.patch.object(queue, "notes", "logbook-test:crew")
        notes.start()
        self.addCleanup(notes.stop)
        self.addCleanup(lambda: redis_client().delete("logbook-test:crew"))

    def sign_without_crew(self, **fields):
        with mock.patch.object(queue, "ask_for_preview"):
            self.sign(photo=picture((1200, 600)), **fields)
        return Entry.objects.latest("pk")


class Previews(CrewTest):
    def test_a_signed_photo_gets_a_preview_and_the_page_shows_it_and_leads_to_the_photo(self):
        self.sign(photo=picture((1200, 600)))
        entry = Entry.objects.get()
        with Image.open(entry.preview.image) as image:
            self.assertEqual((image.size, image.format), ((800, 400), "JPEG"))
        page = self.client.get("/")
        self.assertContains(page, f'src="{entry.preview.image.url}"')
        self.assertContains(page, f'href="{entry.photo.url}"')

    def test_until_there_is_one_the_page_shows_the_photo(self):
        entry = self.sign_without_crew()
        self.assertContains(self.client.get("/"), f'src="{entry.photo.url}"')

    def test_an_entry_without_a_photo_asks_for_none(self):
        with mock.patch.object(tasks.make_preview, "delay") as delay:
            self.sign()
        delay.assert_not_called()

    def test_a_task_that_is_run_twice_makes_one_preview(self):
        entry = self.sign_without_crew()
        tasks.make_preview(entry.pk)
        tasks.make_preview(entry.pk)
        self.assertEqual(Preview.objects.count(), 1)
        self.assertEqual(len(self.photos()), 2)

    def test_an_entry_that_is_gone_is_no_fault(self):
        tasks.make_preview(0)

    def test_taking_stock_sees_to_photos_that_were_forgotten(self):
        self.sign_without_crew()
        tasks.take_stock()
        self.assertEqual(Preview.objects.count(), 0, "one that has just come is in the queue")
        Entry.objects.update(written_at=timezone.now() - timedelta(minutes=2))
        tasks.take_stock()
        self.assertEqual(Preview.objects.count(), 1)


class Queue(CrewTest):
    def test_before_anyone_has_worked_the_page_says_so_and_all_parts_are_well(self):
        page = self.client.get("/")
        self.assertContains(page, "no worker has reported")
        self.assertContains(page, "beat has not been here")
        self.assertContains(page, "All parts well")

    def test_the_page_tells_what_was_done_last(self):
        self.sign(photo=picture())
        page = self.client.get("/")
        self.assertContains(page, 'data-done="1"')
        self.assertContains(page, "a preview of a photo")

    def test_a_task_that_fails_is_counted_as_failed(self):
        entry = self.sign_without_crew()
        with mock.patch.object(tasks, "preview_of", side_effect=ValueError("torn")):
            tasks.make_preview.delay(entry.pk)
        self.assertContains(self.client.get("/"), "1 failed")

    def test_beats_last_tick_is_when_it_asked_for_the_stock_taking(self):
        queue.note_tick()
        self.assertContains(self.client.get("/"), 'id="tick"')
        self.assertLess(timezone.now() - queue.look().tick_at, timedelta(minutes=1))

    def test_what_beat_asks_for_is_there(self):
        for entry in settings.CELERY_BEAT_SCHEDULE.values():
            self.assertIn(entry["task"], app.tasks)

    def test_tasks_that_wait_are_counted(self):
        name = f"logbook-test-{time.time_ns()}"
        self.addCleanup(lambda: redis_client().delete(name))
        redis_client().lpush(name, "one", "two")
        with override_settings(CELERY_TASK_DEFAULT_QUEUE=name):
            self.assertGreaterEqual(queue.look().waiting, 2)

    @without_redis
    def test_without_redis_the_page_says_that_the_queue_cannot_be_seen(self, *_):
        self.assertContains(self.client.get("/"), "The queue can’t be seen while Redis is away.")

    @mock.patch.object(queue.log, "error")
    def test_a_queue_that_does_not_answer_keeps_nobody_from_signing_and_nobody_waiting(self, error):
        app.conf.task_always_eager = False
        with app.connection_for_write(nowhere) as connection:
            ask = tasks.make_preview.apply_async
            with mock.patch.object(
                tasks.make_preview, "delay", lambda pk: ask((pk,), connection=connection)
            ):
                began = time.monotonic()
                self.assertRedirects(self.sign(photo=picture()), "/")
        self.assertLess(time.monotonic() - began, 10)
        error.assert_called_once()
        self.assertEqual(Entry.objects.count(), 1)
