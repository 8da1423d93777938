"""A bot's draft and its versions over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from botfactory.accounts.access import Actor
from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey, Role
from bots import selectors, versions
from bots.access import bot_for_actor, version_of_bot
from bots.api.serializers import SettingsSerializer
from bots.bot_settings import VERSIONED_FIELDS
from bots.comparing import Change, diff
from bots.models import Bot, BotVersion

READ, WRITE = ApiKey.Scope.READ, ApiKey.Scope.WRITE
STAMP_HELP = "The `stamp` that was read; if the settings changed since, nothing happens (409)."


def _stamp() -> serializers.CharField:
    return serializers.CharField(required=False, max_length=64, help_text=STAMP_HELP)


class ChangeSerializer(serializers.Serializer[Any]):
    # `label` would hide an attribute of every serializer field.
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            "field": serializers.CharField(),
            "label": serializers.CharField(),
            "before": serializers.JSONField(),
            "after": serializers.JSONField(),
        }


class DraftSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="The published version.")
    stamp = serializers.CharField(help_text="Send it with a change to be sure nobody came between.")
    settings = SettingsSerializer(help_text="What would be published.")
    changes = ChangeSerializer(many=True, help_text="What publishing would change.")


class DraftChangesSerializer(SettingsSerializer):
    stamp = _stamp()

    class Meta:
        model = Bot
        fields = (*SettingsSerializer.Meta.fields, "stamp")


class PublishSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=versions.MAX_NOTE_CHARS
    )
    stamp = _stamp()


class VersionSerializer(serializers.ModelSerializer[BotVersion]):
    created_by = serializers.EmailField(
        source="created_by.email", default=None, allow_null=True, help_text="Who published it."
    )
    settings = serializers.DictField(help_text="As they were; of older releases, those it had.")

    class Meta:
        model = BotVersion
        fields = ("number", "note", "created_by", "created_at", "settings")


class DiffQuerySerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of the language."""
        return {name: serializers.IntegerField(min_value=1) for name in ("from", "to")}


class DiffSerializer(serializers.Serializer[Any]):
    changes = ChangeSerializer(many=True)


class Draft(generics.GenericAPIView[Bot]):
    serializer_class = DraftSerializer

    def get(self, request: Request, bot_id: UUID) -> Response:
        """The settings with what is not published yet."""
        return Response(_draft_data(_readable(request, bot_id)))

    @extend_schema(request=DraftChangesSerializer)
    def patch(self, request: Request, bot_id: UUID) -> Response:
        """Change the draft; visitors notice nothing. Fields left out stay as they are."""
        actor, bot = _editable(request, bot_id)
        serializer = DraftChangesSerializer(bot, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        saved = versions.save_draft(actor=actor, bot=bot, **serializer.validated_data)
        return Response(_draft_data(saved))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, bot_id: UUID) -> Response:
        """Throw the draft away."""
        actor, bot = _editable(request, bot_id)
        versions.discard_draft(actor=actor, bot=bot)
        return Response(status=204)


class Publish(APIView):
    @extend_schema(request=PublishSerializer, responses={201: VersionSerializer})
    def post(self, request: Request, bot_id: UUID) -> Response:
        """Give visitors the draft, as a new version."""
        actor, bot = _editable(request, bot_id)
        serializer = PublishSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        version = versions.publish(actor=actor, bot=bot, **serializer.validated_data)
        return Response(VersionSerializer(version).data, status=201)


class VersionList(generics.GenericAPIView[BotVersion]):
    serializer_class = VersionSerializer

    @extend_schema(operation_id="bots_versions_list", responses=VersionSerializer(many=True))
    def get(self, request: Request, bot_id: UUID) -> Response:
        """What was published, newest first."""
        page = self.paginate_queryset(selectors.versions_of(_readable(request, bot_id)))
        return self.get_paginated_response(VersionSerializer(page, many=True).data)


class VersionDetail(generics.GenericAPIView[BotVersion]):
    serializer_class = VersionSerializer

    def get(self, request: Request, bot_id: UUID, number: int) -> Response:
        """One version."""
        found = version_of_bot(_readable(request, bot_id), number)
        return Response(VersionSerializer(found).data)


class VersionRollback(APIView):
    @extend_schema(request=None, responses={201: VersionSerializer})
    def post(self, request: Request, bot_id: UUID, number: int) -> Response:
        """Give visitors the settings of an earlier version, as a new version."""
        actor, bot = _editable(request, bot_id)
        version = versions.roll_back(actor=actor, bot=bot, number=number)
        return Response(VersionSerializer(version).data, status=201)


class VersionDiff(APIView):
    @extend_schema(parameters=[DiffQuerySerializer], responses=DiffSerializer)
    def get(self, request: Request, bot_id: UUID) -> Response:
        """What changed from one version to another."""
        bot = _readable(request, bot_id)
        serializer = DiffQuerySerializer(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        old, new = (version_of_bot(bot, wanted[name]).settings for name in ("from", "to"))
        return Response({"changes": [_change_data(change) for change in diff(old, new)]})


def _readable(request: Request, bot_id: UUID) -> Bot:
    actor_of(request).require_scope(READ)
    return bot_for_actor(actor_of(request), bot_id)


def _editable(request: Request, bot_id: UUID) -> tuple[Actor, Bot]:
    actor = actor_of(request)
    actor.require_scope(WRITE)
    return actor, bot_for_actor(actor, bot_id, role=Role.EDITOR)


def _draft_data(bot: Bot) -> dict[str, Any]:
    drafted = SettingsSerializer(versions.with_draft(bot)).data
    return {
        "version": bot.version,
        "stamp": versions.stamp_of(bot),
        "settings": {name: drafted[name] for name in VERSIONED_FIELDS},
        "changes": [_change_data(change) for change in versions.draft_changes(bot)],
    }


def _change_data(change: Change) -> dict[str, Any]:
    return {
        "field": change.field,
        "label": change.label,
        "before": change.before,
        "after": change.after,
    }
