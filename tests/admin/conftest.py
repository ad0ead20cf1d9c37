"""Admins on free ports of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from tests.admin.admin_rig import Admin, Seen


class StartAdmin(Protocol):
    async def __call__(
        self, overview: Seen | None = None, sock: socket.socket | None = None
    ) -> Admin: ...


@pytest.fixture
async def start_admin() -> AsyncIterator[StartAdmin]:
    """Start admins; at the end see that nothing is left of them."""
    started: list[Admin] = []

    async def start(overview: Seen | None = None, sock: socket.socket | None = None) -> Admin:
        admin = Admin(overview or Seen(), sock)
        await admin.start()
        started.append(admin)
        return admin

    yield start
    for admin in started:
        await admin.stop()
        admin.disconnects()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def admin(start_admin: StartAdmin) -> Admin:
    """Admin of a gateway that is well."""
    return await start_admin()
