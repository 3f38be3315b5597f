"""Made from the outputs.ts of Berth by 'npm run docs'; change it there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, overload

import pulumi

# The version of the outputs that this package reads.
OUTPUTS_VERSION = 1

# The outputs that are secret.
SECRET_OUTPUTS = frozenset({"databaseUrl", "redisUrl", "mongodbUrl", "basicAuthPassword"})

# The names of the outputs in the stack, by those of the properties.
NAMES = {
    "url": "url",
    "host_address": "hostAddress",
    "ssh_command": "sshCommand",
    "host_key": "hostKey",
    "database_url": "databaseUrl",
    "redis_url": "redisUrl",
    "mongodb_url": "mongodbUrl",
    "data": "data",
    "media": "media",
    "public_files": "publicFiles",
    "other_hosts": "otherHosts",
    "deploy_key": "deployKey",
    "release": "release",
    "basic_auth_password": "basicAuthPassword",
    "instance_id": "instanceId",
    "image_offer": "imageOffer",
    "dns": "dns",
    "metrics": "metrics",
    "mirrored_secrets": "mirroredSecrets",
}


class OtherHost(TypedDict):
    """One of `otherHosts`."""

    # The host's IP address, or its domain name.
    address: str
    # A command that logs in to the host.
    sshCommand: str
    # The host's ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file.
    hostKey: str
    # The id of the EC2 instance. Absent unless the host is on EC2.
    instanceId: NotRequired[str]
    # The id of a newer Debian image than the instance's own; empty if there is none. Absent unless the host is on
    # EC2.
    imageOffer: NotRequired[str]


class Outputs(ABC):
    """The outputs of a stack of Berth."""

    @property
    def url(self) -> pulumi.Output[str]:
        """The site's address, with a slash at the end. Set when the site has answered there with 200."""
        return self._always("url")

    @property
    def host_address(self) -> pulumi.Output[str]:
        """The host's IP address, or its domain name."""
        return self._always("hostAddress")

    @property
    def ssh_command(self) -> pulumi.Output[str]:
        """A command that logs in to the host. For local and EC2 hosts it is `npm run ssh`, in the checkout
        that made them.
        """
        return self._always("sshCommand")

    @property
    def host_key(self) -> pulumi.Output[str]:
        """The host's ed25519 public key, `ssh-ed25519 AAAA…`, for a known_hosts file."""
        return self._always("hostKey")

    @property
    def database_url(self) -> pulumi.Output[str | None]:
        """`postgresql://LOGIN:PASSWORD@127.0.0.1:5432/DATABASE`, as the application gets it. A new password
        comes with a new login. Absent if `postgres.enabled` is false. Secret.
        """
        return self._maybe("databaseUrl")

    @property
    def redis_url(self) -> pulumi.Output[str | None]:
        """`redis://:PASSWORD@127.0.0.1:6379/0`, as the application gets it: the queue, and without a password
        if `redis.password` is `none`. Absent if `redis.enabled` is false. Secret.
        """
        return self._maybe("redisUrl")

    @property
    def mongodb_url(self) -> pulumi.Output[str | None]:
        """`mongodb://LOGIN:PASSWORD@127.0.0.1:27017/DATABASE?authMechanism=PLAIN`, as the application gets it,
        answered by FerretDB. A new password comes with a new login. Absent unless `mongodb.enabled` is
        true. Secret.
        """
        return self._maybe("mongodbUrl")

    @property
    def data(self) -> pulumi.Output[Mapping[str, str]]:
        """The names under which the stack keeps its data, by configuration key. Berth refuses a change of one."""
        return self._always("data")

    @property
    def media(self) -> pulumi.Output[str]:
        """Where uploaded files are: a directory on the host, or `s3://BUCKET`."""
        return self._always("media")

    @property
    def public_files(self) -> pulumi.Output[str | None]:
        """Where the bucket's public files are, with a slash at the end. Absent unless `media.publicFiles`
        names a folder.
        """
        return self._maybe("publicFiles")

    @property
    def other_hosts(self) -> pulumi.Output[Mapping[str, OtherHost] | None]:
        """The hosts in `berth:hosts`, by their names. Absent if there are none."""
        return self._maybe("otherHosts")

    @property
    def deploy_key(self) -> pulumi.Output[str | None]:
        """The public key to enter at the git server of a private repository. Absent unless the source is a git
        URL reached by SSH.
        """
        return self._maybe("deployKey")

    @property
    def release(self) -> pulumi.Output[str]:
        """The id of the live release: the first ten characters of the code's hash or commit, a hyphen, and
        four for how it was built.
        """
        return self._always("release")

    @property
    def basic_auth_password(self) -> pulumi.Output[str | None]:
        """The password for `site.basicAuth.user`. Absent if the site asks for none. Secret."""
        return self._maybe("basicAuthPassword")

    @property
    def instance_id(self) -> pulumi.Output[str | None]:
        """The id of the EC2 instance. Absent unless the host is on EC2."""
        return self._maybe("instanceId")

    @property
    def image_offer(self) -> pulumi.Output[str | None]:
        """The id of a newer Debian image than the instance's own; empty if there is none. Absent unless the
        host is on EC2.
        """
        return self._maybe("imageOffer")

    @property
    def dns(self) -> pulumi.Output[Sequence[str] | None]:
        """DNS records for you to make, such as `shop.example.org A 203.0.113.7`; empty if the stack makes them
        itself. Absent unless the host is on EC2.
        """
        return self._maybe("dns")

    @property
    def metrics(self) -> pulumi.Output[Mapping[str, Sequence[str]] | None]:
        """Where Prometheus reads each host's exporters, such as `10.0.0.5:9100`, by the hosts' names; the one
        that serves the site is `web`. Absent unless there is `berth:metrics`.
        """
        return self._maybe("metrics")

    @property
    def mirrored_secrets(self) -> pulumi.Output[Mapping[str, str] | None]:
        """The name of each secret in Secrets Manager or the Parameter Store. Absent unless `secrets.mirror`
        names one.
        """
        return self._maybe("mirroredSecrets")

    @overload
    def require(
        self,
        name: Literal[
            "url",
            "host_address",
            "ssh_command",
            "host_key",
            "database_url",
            "redis_url",
            "mongodb_url",
            "media",
            "public_files",
            "deploy_key",
            "release",
            "basic_auth_password",
            "instance_id",
            "image_offer",
        ],
    ) -> pulumi.Output[str]: ...
    @overload
    def require(self, name: Literal["data", "mirrored_secrets"]) -> pulumi.Output[Mapping[str, str]]: ...
    @overload
    def require(self, name: Literal["other_hosts"]) -> pulumi.Output[Mapping[str, OtherHost]]: ...
    @overload
    def require(self, name: Literal["dns"]) -> pulumi.Output[Sequence[str]]: ...
    @overload
    def require(self, name: Literal["metrics"]) -> pulumi.Output[Mapping[str, Sequence[str]]]: ...
    def require(self, name: str) -> pulumi.Output[Any]:
        """The output of that name, such as "database_url"; an error says what to do if the stack has none."""
        if name not in NAMES:
            raise pulumi.RunError(f"berth-outputs knows no output '{name}'. It knows: {', '.join(NAMES)}.")
        return self._always(NAMES[name])

    @abstractmethod
    def _always(self, name: str) -> pulumi.Output[Any]: ...

    @abstractmethod
    def _maybe(self, name: str) -> pulumi.Output[Any]: ...
