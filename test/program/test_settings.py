"""What the settings and files of a release have that refers to the release."""

import unittest

from fake import NAME
from release.settings import Settings
from story import A, B, Story

ID = "@@berth:release.id@@"


class OfReleases(Story):
    def setUp(self) -> None:
        super().setUp()
        self.place = self.host.context("look").place
        secret = f"DSN='password=tulips-and-roses app={ID}'\n"
        self.place.settings.write_text(f"VERSION='shop@{ID}'\nPLAIN='it'\n{secret}TWO='one\n{ID}'\n")
        folder = self.place.files / "conf/deep"
        folder.mkdir(parents=True)
        (folder / "version.py").write_text(f'VERSION = "{ID}"\n')

    def test_each_release_has_its_own_id(self) -> None:
        for release in (A, B):
            self.assertEqual(self.deploy(release), "")
            folder = self.place.instance(self.live())
            env = (folder / "env").read_text()
            self.assertIn(f"VERSION='shop@{release}'\nPLAIN='it'\n", env)
            self.assertNotIn(ID, env)
            self.assertEqual((folder / "files/conf/deep/version.py").read_text(), f'VERSION = "{release}"\n')
            instances = self.host.context("look").instances
            self.assertTrue(instances.has_secrets_of_now(folder.name, ("DSN",)))

    def test_checks_and_migrations_have_what_instances_have(self) -> None:
        self.assertEqual(self.deploy(A), "")
        told = self.world.path(f"/run/berth-{NAME}-release.env").read_text()
        self.assertTrue(
            told.startswith(f"VERSION='shop@{A}'\nDSN='password=tulips-and-roses app={A}'\nTWO='one\n{A}'\nBERTH_")
        )
        files = self.world.path(f"/run/berth-{NAME}-release.files")
        self.assertEqual((files / "conf/deep/version.py").read_text(), f'VERSION = "{A}"\n')
        (self.place.files / "conf/deep/version.py").write_text("VERSION = 1\n")
        self.assertEqual(self.deploy(B), "")
        self.assertFalse(files.exists())

    def test_a_secret_is_known_by_what_is_not_the_id(self) -> None:
        needles = Settings(self.place.settings, self.place.files).needles(["DSN"])
        self.assertIn("password=tulips-and-roses app=", needles)


if __name__ == "__main__":
    unittest.main()
