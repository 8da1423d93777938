"""A stored secret goes to the server it is for, and nowhere else."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.test import Client
from rest_framework import serializers

from tests.guards.test_docs import _import_everything
from tests.guards.test_layers import MODULES

ROOT = Path(__file__).parents[2]
# Who may touch what is stored, and why.
TOUCH = {
    "bots.models.engine": "declares it",
    "bots.administration.services": "writes it",
    "bots.engine_rows": "decrypts it for the engine that answers, or is tried",
}
# These ask whether there is one.
ASK = {"bots.api.engine_serializers": "get_has_secret", "bots.engine_forms": "__init__"}


def _names_it(tree: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "secret_encrypted")
        or (isinstance(node, ast.Constant) and node.value == "secret_encrypted")
        or (isinstance(node, ast.keyword) and node.arg == "secret_encrypted")
        for node in ast.walk(tree)
    )


def _subclasses(root: type[Any]) -> set[type[Any]]:
    return {root}.union(*(_subclasses(child) for child in root.__subclasses__()))


def test_few_modules_touch_a_stored_secret() -> None:
    touching = {module for module, tree in MODULES.items() if _names_it(tree)}
    assert touching - set(TOUCH) - set(ASK) == set()


@pytest.mark.parametrize(("module", "function"), ASK.items())
def test_whoever_asks_for_it_asks_in_one_place(module: str, function: str) -> None:
    places = {
        node.name
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.FunctionDef) and _names_it(node)
    }
    assert places == {function}


def test_no_template_shows_one() -> None:
    shown = [
        (path.name, line.strip())
        for path in ROOT.rglob("*.html")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "secret_encrypted" in line and "{% if engine.secret_encrypted %}" not in line
    ]
    assert shown == []


def test_no_serializer_and_no_form_has_one() -> None:
    _import_everything()
    for one in _subclasses(serializers.ModelSerializer) | _subclasses(forms.ModelForm):
        if one.__module__.partition(".")[0] not in ("botfactory", "bots", "ingestion", "widget"):
            continue
        fields = getattr(getattr(one, "Meta", None), "fields", ())
        assert fields != "__all__", one
        assert not [name for name in fields if str(name).endswith(("_encrypted", "_hash"))], one


def test_no_encrypted_column_can_be_edited_by_a_form() -> None:
    columns = [
        field
        for model in apps.get_models()
        for field in model._meta.fields
        if field.name.endswith("_encrypted")
    ]
    assert columns
    assert [field for field in columns if field.editable] == []


def test_the_schema_names_none() -> None:
    assert "secret_encrypted" not in Client().get("/api/v1/schema/").content.decode()
