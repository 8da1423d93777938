"""How the double is set up, from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Config:
    port: int = 0
    control_port: int = 0
    model_id: str = "double/tiny-model"
    version: str = "3.3.7"
    docker_label: str = "native"
    api_key: str = ""
    token_delay_ms: int = 0
    prefill_delay_ms: int = 0
    keepalive_s: float = 15.0
    pipeline_tag: str = "text-generation"
    max_concurrent_requests: int = 128
    batch_slots: int = 128
    max_best_of: int = 2
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5
    max_client_batch_size: int = 4
    max_input_tokens: int = 1024
    max_total_tokens: int = 2048
    max_body_bytes: int = 2_000_000
    grammar_support: bool = True
    chat_template: bool = True
    refuse_system_role: bool = False
    bos: str = ""
    script: str = ""

    @property
    def fingerprint(self) -> str:
        return f"{self.version}-{self.docker_label}"

    def at_least(self, *version: int) -> bool:
        return tuple(map(int, self.version.split("."))) >= version


def parse_config(arguments: Sequence[str] | None = None) -> Config:
    """Every field is an option: `--token-delay-ms 5`, `--no-chat-template`."""
    parser = argparse.ArgumentParser(prog="tests.doubles.tgi_server")
    for field in fields(Config):
        option = "--" + field.name.replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(
                option, action=argparse.BooleanOptionalAction, default=field.default
            )
        else:
            parser.add_argument(option, type=type(field.default), default=field.default)
    return Config(**vars(parser.parse_args(arguments)))
