"""A TCP proxy on loopback that behaves badly in front of a healthy server, until told otherwise.

It serves in a thread with a loop of its own, so tests may block while they wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to every connection. Without anything set, bytes go through.

    `is_refused`: nobody listens. `is_silent`: taken, and never answered. `delay_s`: each piece of
    the answer comes so much later. `reset_after`: cut with a reset after so many bytes of answer.
    """

    is_refused: bool = False
    is_silent: bool = False
    delay_s: float = 0.0
    reset_after: int | None = None


class FaultProxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target_port`; `fault` may be set at any moment."""

    def __init__(self, target_port: int) -> None:
        self.fault = Fault()
        self.port = 0
        self.n_connections = 0
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes the port and cuts what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    def set(self, fault: Fault) -> None:
        """From now on, for connections that are open too."""
        self._run(self._change(fault))

    async def _change(self, fault: Fault) -> None:
        await self.stop()
        self.fault = fault
        if not fault.is_refused:
            await self.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        self._open.add(writer)
        try:
            if self.fault.is_silent:
                await reader.read()
                return
            target = await asyncio.open_connection("127.0.0.1", self._target_port)
            self._open.add(target[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, target[1]))
                group.create_task(self._answer(target[0], writer))
        except* OSError:
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        n_sent = 0
        while data := await reader.read(65_536):
            await asyncio.sleep(self.fault.delay_s)
            limit = self.fault.reset_after
            if limit is not None and n_sent + len(data) > limit:
                writer.write(data[: limit - n_sent])
                await writer.drain()
                _reset(writer)
                return
            writer.write(data)
            await writer.drain()
            n_sent += len(data)

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)  # type: ignore[arg-type]

    @contextmanager
    def serving(self) -> Iterator[FaultProxy]:
        """Runs as long as the block."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        self._run(self.start())
        try:
            yield self
        finally:
            self._run(self.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(timeout=10)
            self._loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST in place of FIN."""
    opened = writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
