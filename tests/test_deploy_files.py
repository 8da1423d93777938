"""The compose file, the image and `.env.example` agree with the code and keep their promises."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from celery.bin.celery import celery as celery_cli
from django.conf import settings
from django.core.management import load_command_class

from botfactory.lib import embedded_worker

ROOT = Path(__file__).parents[1]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {
    name: service for name, service in SERVICES.items() if service["image"] == "botfactory:local"
}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")

_VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|API_KEY|REDISCLI_AUTH|^DATABASE_URL$|^REDIS_URL$")
_URL_PASSWORD = re.compile(r"://[^/@\s]*:([^@\s]+)@")
# Secrets of services that the operator may have or not.
OPTIONAL_SECRETS = {"ENGINE_API_KEY", "EMBEDDINGS_API_KEY"}


def _settings_names() -> set[str]:
    source = (ROOT / "botfactory" / "settings.py").read_text(encoding="utf-8")
    return set(
        re.findall(r'(?:env\.\w+|_networks|_one_of|_ocr_languages)\(\s*"([A-Z0-9_]+)"', source)
    )


def _celery_command(command: list[str]) -> tuple[str, dict[str, Any]]:
    """The subcommand and its options. Raises click.UsageError for one that does not exist."""
    assert command[:3] == ["celery", "-A", "botfactory"]
    name = command[3]
    subcommand = celery_cli.get_command(click.Context(celery_cli), name)
    assert subcommand is not None, name
    # Converting values needs the application; names alone tell whether an option exists.
    context = click.Context(subcommand, resilient_parsing=True)
    options, rest, _ = subcommand.make_parser(context).parse_args(list(command[4:]))
    assert rest == [], rest
    return name, options


def _queues(service: dict[str, Any]) -> set[str]:
    name, options = _celery_command(service["command"])
    return set(options["queues"].split(",")) if name == "worker" else set()


def _health_commands() -> list[list[str]]:
    tests = (service["healthcheck"].get("test") for service in OURS.values())
    return [shlex.split(test[1]) for test in tests if test and test[0] == "CMD-SHELL"]


# --- every service -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if check.get("disable"):
        assert name == "beat"  # which has no door to ask
        assert "test" not in check
    else:
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert check["retries"] >= 3


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - OURS.keys()))
def test_each_foreign_image_names_its_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.search(r"\d+\.\d+|b\d{4,}", tag), tag


def test_only_the_web_server_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    (published,) = SERVICES["web"]["ports"]
    assert published == "${WEB_BIND:-127.0.0.1:8000}:8000"


def test_services_that_hold_data_reach_nothing_outside() -> None:
    assert COMPOSE["networks"]["data"] == {"internal": True}
    for name in ("postgres", "redis", "qdrant"):
        assert SERVICES[name]["networks"] == ["data"]


def test_each_dependency_is_waited_for_until_it_is_healthy() -> None:
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "test" in SERVICES[needed]["healthcheck"]


def test_named_volumes_and_networks_are_declared() -> None:
    volumes, networks = set(COMPOSE["volumes"]), set(COMPOSE["networks"])
    for service in SERVICES.values():
        sources = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert {source for source in sources if not source.startswith(".")} <= volumes
        assert set(service["networks"]) <= networks


# --- secrets -----------------------------------------------------------------------------------


def test_no_secret_is_written_down_or_has_a_default() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            found = _VARIABLE.findall(str(value))
            if _SECRET_NAME.search(name) and name not in OPTIONAL_SECRETS:
                assert [kind for _, kind, _ in found] == ["?"], (name, value)
            assert not _URL_PASSWORD.search(_VARIABLE.sub("", str(value))), value


def test_the_redis_password_is_required() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--requirepass") + 1].startswith("${REDIS_PASSWORD:?")


def test_optional_secrets_have_no_value() -> None:
    for name in OPTIONAL_SECRETS:
        assert SERVICES["web"]["environment"][name] == f"${{{name}:-}}"


def test_what_compose_reads_stands_in_the_example_with_no_value() -> None:
    read = {name for name, _, _ in _VARIABLE.findall(COMPOSE_TEXT)} - {"VAR"}
    lines = [line for line in ENV_EXAMPLE.splitlines() if line and not line.startswith("#")]
    offered = dict(line.split("=", 1) for line in lines)
    assert read - {"BOTFACTORY_LOG_LEVEL"} == offered.keys()
    required = {name for name, kind, _ in _VARIABLE.findall(COMPOSE_TEXT) if kind == "?"}
    assert {name for name in required if offered[name]} == set()
    for name in required:
        assert f"${{{name}:?Set {name} in .env}}" in COMPOSE_TEXT


# --- our own containers ------------------------------------------------------------------------


def test_each_environment_variable_is_a_setting() -> None:
    for service in OURS.values():
        assert service["environment"].keys() - _settings_names() == set()


def test_the_web_command_exists_and_leaves_the_work_to_workers() -> None:
    command = SERVICES["web"]["command"]
    assert command[:3] == ["python", "manage.py", "serve"]
    parser = load_command_class("botfactory", "serve").create_parser("manage.py", "serve")
    options = parser.parse_args(command[3:])
    assert (options.host, options.port, options.no_worker) == ("0.0.0.0", 8000, True)  # noqa: S104


def test_the_workers_hear_every_queue_that_tasks_are_sent_to() -> None:
    workers = [service for name, service in OURS.items() if name.startswith("worker")]
    heard = set().union(*(_queues(service) for service in workers))
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert heard == routed | {settings.CELERY_TASK_DEFAULT_QUEUE} == set(embedded_worker.QUEUES)


def test_crawls_have_threads_of_their_own() -> None:
    assert _queues(SERVICES["worker-crawl"]) == {"crawl"}
    _, options = _celery_command(SERVICES["worker-crawl"]["command"])
    assert int(options["concurrency"]) >= 1


def test_one_beat_runs_and_keeps_no_file() -> None:
    beats = [s for s in OURS.values() if s["command"][3:4] == ["beat"]]
    assert len(beats) == 1
    assert _celery_command(beats[0]["command"])[1]["scheduler"] == "celery.beat:Scheduler"


def test_health_checks_of_workers_ask_the_worker_beside_them() -> None:
    for name in ("worker-crawl", "worker-index"):
        _, options = _celery_command(SERVICES[name]["command"])
        node = options["hostname"].replace("%h", "$$HOSTNAME")
        assert f" -d {node} " in SERVICES[name]["healthcheck"]["test"][1]


def test_health_check_commands_exist() -> None:
    for command in _health_commands():
        assert command[:4] == ["celery", "-A", "botfactory", "inspect"]
        inspect = celery_cli.get_command(click.Context(celery_cli), "inspect")
        assert isinstance(inspect, click.Command)
        options = {option for parameter in inspect.params for option in parameter.opts}
        assert {word for word in command[4:] if word.startswith("-")} <= options


def test_our_containers_are_read_only_and_without_privileges() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        writable = [volume.split(":")[1] for volume in service["volumes"]]
        assert {"/data", "/tmp"} <= {*writable, *service.get("tmpfs", [])}  # noqa: S108


# --- the image ---------------------------------------------------------------------------------


def test_the_image_is_built_on_a_pinned_version() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"${PYTHON_IMAGE}"}
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", image)


def test_the_image_runs_as_nobody_in_particular() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\S+)", last_stage, re.MULTILINE)
    assert int(user.split(":")[0]) >= 10_000


def test_the_image_has_a_health_check_and_a_command_that_exists() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "/livez" in last_stage[last_stage.index("HEALTHCHECK") :]
    (command,) = re.findall(r"^CMD (\[.*\])$", last_stage, re.MULTILINE)
    words = yaml.safe_load(command)
    parser = load_command_class("botfactory", "serve").create_parser("manage.py", "serve")
    assert parser.parse_args(words[3:]).no_worker is True


def test_the_image_holds_every_package_and_nothing_secret() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    kept = {line[1:] for line in ignored if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--)(\S+)", DOCKERFILE, re.MULTILINE))
    assert copied == kept
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= kept


def test_the_image_installs_the_same_torch_as_make() -> None:
    pin = r"torch==[\d.]+"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(pin, DOCKERFILE) == re.findall(pin, makefile)
