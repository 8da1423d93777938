"""Every model reaches a workspace by foreign keys that cannot be null."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

from botfactory.accounts.models import User, Workspace
from bots.models import Engine

OURS = ("accounts", "bots", "ingestion", "widget")
# People stand above workspaces: one may be a member of several.
WITHOUT_WORKSPACE = {User, Engine}  # an engine may be the whole server's


def _reaches_workspace(model: type[models.Model], seen: frozenset[type] = frozenset()) -> bool:
    if model is Workspace:
        return True
    for field in model._meta.get_fields():
        if not isinstance(field, models.ForeignKey) or field.null:
            continue
        if field.remote_field.on_delete is not models.CASCADE:
            continue
        parent: type[models.Model] = field.remote_field.model
        if parent not in seen and _reaches_workspace(parent, seen | {model}):
            return True
    return False


MODELS = [model for label in OURS for model in apps.get_app_config(label).get_models()]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_model_reaches_a_workspace(model: type[models.Model]) -> None:
    assert _reaches_workspace(model) != (model in WITHOUT_WORKSPACE)
