"""Run with Postgres and Redis at hand: `DEBUG=1 python manage.py test`."""

import shutil
import tempfile
import unittest
from io import BytesIO
from pathlib import Path
from unittest import mock

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client, TestCase, override_settings
from PIL import Image

from entries.models import Entry
from entries.photos import longest_side, most_bytes
from logbook import parts

own_cache = {"default": {**settings.CACHES["default"], "KEY_PREFIX": "logbook-test"}}
# Port 1: nothing listens there.
nowhere = "redis://:a-password@127.0.0.1:1/0"


def setUpModule():
    """As on a host: DEBUG off, static files collected under names that follow their content."""
    static_root = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, static_root)
    manifest = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    deployed = override_settings(
        DEBUG=False,
        STATIC_ROOT=static_root,
        STORAGES={**settings.STORAGES, "staticfiles": manifest},
        CACHES=own_cache,
    )
    deployed.enable()
    unittest.addModuleCleanup(deployed.disable)
    call_command("collectstatic", interactive=False, verbosity=0)


def picture(size=(40, 30), kind="PNG", **options):
    out = BytesIO()
    Image.new("RGB", size, "navy").save(out, kind, **options)
    return SimpleUploadedFile(f"../../holiday.{kind.lower()}", out.getvalue())


class LogbookTest(TestCase):
    def setUp(self):
        media = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, media)
        self.addCleanup(cache.clear)
        change = override_settings(MEDIA_ROOT=media)
        change.enable()
        self.addCleanup(change.disable)
        # Nobody works here: crew/tests.py is about those who do.
        self.no_crew = mock.patch("crew.queue.ask_for_preview")
        self.no_crew.start()
        self.addCleanup(self.no_crew.stop)

    def ask_health(self):
        answer = self.client.get("/health")
        return answer.status_code, answer.json()["postgres"], answer.json()["redis"], answer.content.decode()

    def sign(self, **fields):
        return self.client.post("/", {"name": "Ida", "message": "Fair wind.", **fields})

    def photos(self):
        return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def without_redis(test):
    """The test with a Redis that refuses every connection."""
    cache_away = {"default": {**own_cache["default"], "LOCATION": nowhere}}
    test = override_settings(REDIS_URL=nowhere, CACHES=cache_away)(test)
    test = mock.patch.object(parts, "pool", None)(test)
    return mock.patch.object(parts.log, "error")(test)


def without_postgres(test):
    away = mock.patch.object(parts.connection, "copy", side_effect=parts.DatabaseError("secret-host refused"))
    return away(mock.patch.object(parts.log, "error")(test))


class FrontPage(LogbookTest):
    def test_an_empty_book_invites_the_first_entry(self):
        self.assertContains(self.client.get("/"), "The first page is still blank.")

    def test_a_signed_entry_is_shown_with_its_photo(self):
        self.assertRedirects(self.sign(photo=picture()), "/")
        page = self.client.get("/")
        self.assertContains(page, "Fair wind.")
        self.assertContains(page, f'src="{Entry.objects.get().photo.url}"')
        self.assertContains(page, "1 entry")

    def test_markup_in_an_entry_is_shown_not_run(self):
        self.sign(message="<script>alert(1)</script>")
        self.assertContains(self.client.get("/"), "&lt;script&gt;")

    def test_a_hidden_entry_is_not_shown(self):
        Entry.objects.create(name="Ida", message="Not for all", hidden=True)
        self.assertNotContains(self.client.get("/"), "Not for all")

    def test_an_empty_form_is_explained_and_keeps_nothing(self):
        page = self.sign(message="")
        self.assertContains(page, "This field is required.", status_code=422)
        self.assertEqual(Entry.objects.count(), 0)

    def test_older_entries_are_on_further_pages(self):
        Entry.objects.bulk_create(Entry(name=f"Visitor {n}", message="x") for n in range(11))
        self.assertContains(self.client.get("/"), "Page 1 of 2")
        self.assertContains(self.client.get("/?page=2"), "Visitor 0")

    def test_each_visitor_has_a_count_of_their_own(self):
        self.client.get("/")
        self.assertContains(self.client.get("/"), 'data-visits="2"')
        self.assertContains(Client().get("/"), 'data-visits="1"')

    def test_its_style_sheet_is_named_by_its_content(self):
        page = self.client.get("/")
        self.assertRegex(page.content.decode(), r"/static/logbook/site\.[0-9a-f]{12}\.css")
        self.assertContains(page, "All parts well")

    def test_browsers_run_and_load_nothing_but_its_own(self):
        told = self.client.get("/").headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';", told)
        self.assertNotIn("unsafe", told)

    def test_the_page_about_a_fault_keeps_the_style_in_it(self):
        self.client.raise_request_exception = False
        with mock.patch("entries.views.render", side_effect=RuntimeError), self.assertLogs("django.request"):
            page = self.client.get("/")
        self.assertEqual(page.status_code, 500)
        self.assertIn("default-src 'none'; style-src 'unsafe-inline';", page.headers["Content-Security-Policy"])

    def test_a_form_from_another_site_is_refused(self):
        strict = Client(enforce_csrf_checks=True)
        self.assertEqual(strict.post("/", {"name": "Mallory", "message": "x"}).status_code, 403)

    @override_settings(
        BERTH_RELEASE="r-42", BERTH_HOST="web.example", BERTH_RELEASED_AT="2025-01-02T03:04:05Z"
    )
    def test_it_says_what_is_deployed_where_and_since_when(self):
        page = self.client.get("/")
        for fact in ("r-42", "web.example", "2025-01-02T03:04:05+00:00"):
            self.assertContains(page, fact)

    @without_redis
    def test_without_redis_the_book_can_still_be_read_and_signed(self, *_):
        self.assertRedirects(self.sign(), "/")
        self.assertContains(self.client.get("/"), "1 of 4 parts failing")

    @without_postgres
    def test_without_postgres_it_says_so_and_a_visitors_words_are_kept(self, *_):
        self.assertContains(self.client.get("/"), "The database does not answer.", status_code=503)
        self.assertContains(self.sign(), "Fair wind.", status_code=503)


class Photos(LogbookTest):
    def test_a_photo_is_made_smaller_and_loses_what_the_camera_wrote_into_it(self):
        camera = Image.Exif()
        camera[0x010E] = "taken at home"
        self.sign(photo=picture((2400, 1200), "JPEG", exif=camera))
        entry = Entry.objects.get()
        self.assertEqual((entry.photo_width, entry.photo_height), (longest_side, longest_side // 2))
        self.assertNotIn(b"taken at home", entry.photo.read())

    def test_the_visitors_file_name_decides_nothing(self):
        self.sign(photo=picture())
        self.assertRegex(Entry.objects.get().photo.name, r"^photos/[0-9a-f]{32}\.jpg$")

    def test_what_is_no_photo_is_refused(self):
        page = self.sign(photo=SimpleUploadedFile("x.jpg", b"<?php"))
        self.assertContains(page, "Upload a valid image", status_code=422)
        self.assertEqual(self.photos(), [])

    def test_a_picture_of_another_kind_is_refused(self):
        self.assertContains(self.sign(photo=picture(kind="GIF")), "JPEG, PNG or WebP", status_code=422)

    def test_a_photo_that_is_cut_off_is_refused(self):
        whole = picture((600, 600), "JPEG").read()
        page = self.sign(photo=SimpleUploadedFile("cut.jpg", whole[: len(whole) // 2]))
        self.assertContains(page, "can’t be read as a photo", status_code=422)

    def test_a_photo_of_too_many_bytes_is_refused(self):
        heavy = SimpleUploadedFile("heavy.png", picture().read() + b"\0" * most_bytes)
        self.assertContains(self.sign(photo=heavy), "Send a smaller one", status_code=422)

    def test_a_photo_of_too_many_pixels_is_refused(self):
        with mock.patch("entries.photos.most_pixels", 100):
            self.assertContains(self.sign(photo=picture()), "too large", status_code=422)


@override_settings(BUCKET_NAME="photos-of-the-harbour")
class Bucket(LogbookTest):
    def test_the_page_tells_that_photos_lie_in_a_bucket(self):
        with mock.patch.object(parts, "s3_client") as client:
            self.assertContains(self.client.get("/"), "in an S3 bucket")
        client().list_objects_v2.assert_called_once_with(Bucket="photos-of-the-harbour", MaxKeys=1)

    @mock.patch.object(parts.log, "error")
    def test_a_bucket_that_does_not_answer_is_named_and_gives_nothing_away(self, *_):
        refused = ClientError({"Error": {"Code": "403", "Message": "AKIA-of-the-key"}}, "ListObjectsV2")
        with mock.patch.object(parts, "s3_client") as client:
            client().list_objects_v2.side_effect = refused
            page = self.client.get("/")
        self.assertContains(page, "The bucket does not answer; photos can’t be kept.")
        self.assertNotContains(page, "AKIA-of-the-key")
        self.assertNotContains(page, "photos-of-the-harbour")


class Health(LogbookTest):
    @override_settings(BERTH_RELEASE="r-42")
    def test_it_is_ok_while_postgres_and_redis_answer_and_sets_no_cookie(self):
        answer = self.client.get("/health")
        self.assertEqual(
            (answer.status_code, answer.json()),
            (200, {"status": "ok", "postgres": "ok", "redis": "ok", "release": "r-42"}),
        )
        self.assertFalse(answer.cookies)

    @without_redis
    def test_it_names_redis_when_redis_fails(self, *_):
        *found, text = self.ask_health()
        self.assertEqual(found, [503, "ok", "failing"])
        self.assertNotIn("a-password", text)

    @without_postgres
    def test_it_names_postgres_when_postgres_fails_and_gives_nothing_away(self, *_):
        *found, text = self.ask_health()
        self.assertEqual(found, [503, "failing", "ok"])
        self.assertNotIn("secret-host", text)
