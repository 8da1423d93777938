from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.doubles.tgi_server.app import api_app
from tests.doubles.tgi_server.config import Config, parse_config
from tests.doubles.tgi_server.process import serve
from tests.doubles.tgi_server.state import State


async def main(config: Config) -> None:
    state = State()
    if config.script:
        state.script.load(json.loads(await asyncio.to_thread(Path(config.script).read_text)))
    app = api_app(config, state)
    await serve(app, state, port=config.port, control_port=config.control_port)


asyncio.run(main(parse_config()))
