"""Reads the outputs of a stack of Berth in another Pulumi program.

    shop = BerthStack("organization/berth/prod")
    pulumi.export("monitored", shop.url)
    database = shop.require("database_url")

Berth's docs/outputs.md says what each output means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi

from .contract import OUTPUTS_VERSION, SECRET_OUTPUTS, OtherHost, Outputs

__all__ = ["OUTPUTS_VERSION", "BerthStack", "OtherHost", "Outputs"]


class BerthStack(Outputs):
    """The outputs of a stack of Berth, typed. Their version is checked, and what is secret stays secret."""

    def __init__(self, stack: str | pulumi.StackReference, opts: pulumi.ResourceOptions | None = None) -> None:
        """Reads the stack of that name, such as "organization/berth/prod", or of that reference.

        `opts` are those of the `pulumi.StackReference` that is made for a name.
        """
        self.reference = stack if isinstance(stack, pulumi.StackReference) else pulumi.StackReference(stack, opts=opts)
        version = self.reference.get_output("outputsVersion")
        # The stack's name, once its outputs have the version that is read here.
        self._checked: pulumi.Output[str] = pulumi.Output.all(self.reference.name, version).apply(_check)

    def _always(self, name: str) -> pulumi.Output[Any]:
        def take(stack: str, value: Any) -> Any:
            if value is not None:
                return value
            raise pulumi.RunError(
                f"Stack '{stack}' has no output '{name}', which this program needs. docs/outputs.md of Berth says when "
                f"a stack has it; 'pulumi stack output -s {stack}' shows what it has now."
            )

        return self._read(name, take)

    def _maybe(self, name: str) -> pulumi.Output[Any]:
        return self._read(name, lambda _, value: value)

    def _read(self, name: str, take: Callable[[str, Any], Any]) -> pulumi.Output[Any]:
        def decrypted(found: list[Any]) -> Any:
            stack, value = found
            # The engine hands over an empty group for a secret that it could not decrypt, and goes on.
            if name in SECRET_OUTPUTS and value == {}:
                raise pulumi.RunError(
                    f"The output '{name}' of stack '{stack}' could not be decrypted here. Give this program that "
                    "stack's passphrase (PULUMI_CONFIG_PASSPHRASE), or the right to decrypt with its KMS key."
                )
            return take(stack, value)

        both = pulumi.Output.all(self._checked, self.reference.get_output(name))
        value: pulumi.Output[Any] = both.apply(decrypted)
        # Even from a backend or an engine that has lost the mark.
        return pulumi.Output.secret(value) if name in SECRET_OUTPUTS else value


def _check(found: list[Any]) -> str:
    """The stack's name, if its outputs have the version that is read here."""
    stack, version = found
    # A number of the state is a float here.
    if version == OUTPUTS_VERSION and not isinstance(version, bool):
        return str(stack)
    if version is None:
        raise pulumi.RunError(
            f"Stack '{stack}' has no output 'outputsVersion'; expected {OUTPUTS_VERSION}. Check that this is a stack "
            f"of Berth and that it is deployed: pulumi stack output -s {stack}"
        )
    older = isinstance(version, (int, float)) and version < OUTPUTS_VERSION
    advice = (
        "Deploy the stack with a newer Berth, or install the berth-outputs of the Berth that deployed it."
        if older
        else "Install the berth-outputs of the Berth that deployed it. "
        "Its CHANGELOG.md says what has changed for readers."
    )
    shown = f"{version:g}" if isinstance(version, float) else repr(version)
    raise pulumi.RunError(
        f"Stack '{stack}' has outputs of version {shown}; berth-outputs, which reads them here, expected version "
        f"{OUTPUTS_VERSION}. {advice}"
    )
