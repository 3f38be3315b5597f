"""One for each open WebSocket: from the visitor to the room, and from the room to the visitor."""

import os

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import re_path

from . import room


class Listener(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        self.group = f"room.{self.room}"
        # First this, so that no message falls between what is kept and what comes. One that comes twice has one id.
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_json({"release": os.environ.get("BERTH_RELEASE", "development")})
        for message in await room.since(self.room, self.scope["query_string"].decode()):
            await self.send_json({"message": message})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        message = await room.add(self.room, f"{content['token']}"[:80], f"{content['text']}"[:500])
        # None: it has come before, and its sender did not get to know.
        if message is None:
            await self.send_json({"known": content["token"]})
        else:
            await self.channel_layer.group_send(self.group, {"type": "heard", "message": message})

    async def heard(self, event):
        await self.send_json({"message": event["message"]})


sockets = [re_path(r"^rooms/(?P<room>[a-z0-9-]{1,40})$", Listener.as_asgi())]
