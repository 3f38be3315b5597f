"""Reads outputs with the Python package and Pulumi's mocks, each on its own, and prints what they became.

reader.py STACKS ASKED: JSON of each stack's outputs by its name, and of [stack, property or "require:" and its name].
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pulumi
from berth_outputs import BerthStack

stacks, asked = (json.loads(text) for text in sys.argv[1:])


class Mocks(pulumi.runtime.Mocks):
    """They say of no output that it is a secret."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return args.name, {**args.inputs, "outputs": stacks[args.name], "secretOutputNames": []}

    def call(self, _: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


async def read(stack: str, what: str) -> dict[str, Any]:
    try:
        shop = BerthStack(stack)
        output = shop.require(what.removeprefix("require:")) if what.startswith("require:") else getattr(shop, what)
        return {"value": await output.future(), "secret": await output.is_secret()}
    except pulumi.RunError as error:
        return {"error": str(error)}


async def main() -> None:
    pulumi.runtime.set_mocks(Mocks())
    print(json.dumps([await read(stack, what) for stack, what in asked]))


asyncio.run(main())
