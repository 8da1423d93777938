"""The workspace's engines over REST. The server's own are listed, and changed in the dashboard."""

from __future__ import annotations

from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey
from bots import selectors
from bots.access import managed_engine
from bots.administration import services
from bots.administration.trying import try_engine
from bots.api.engine_serializers import (
    EngineChoiceSerializer,
    EngineSerializer,
    TrialSerializer,
    trial_data,
)
from bots.models import Engine

READ, ENGINES = ApiKey.Scope.READ, ApiKey.Scope.ENGINES


class EngineList(generics.GenericAPIView[Engine]):
    serializer_class = EngineSerializer

    @extend_schema(operation_id="engines_list", responses=EngineChoiceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Engines that a bot may be set to: the workspace's, then the server's."""
        actor_of(request).require_scope(READ)
        page = self.paginate_queryset(selectors.engines_for(actor_of(request).workspace))
        return self.get_paginated_response(EngineChoiceSerializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        """Add an engine to the workspace."""
        actor_of(request).require_scope(ENGINES)
        serializer = EngineSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        engine = services.create_engine(actor=actor_of(request), **serializer.validated_data)
        return Response(EngineSerializer(engine).data, status=201)


class EngineDetail(generics.GenericAPIView[Engine]):
    serializer_class = EngineSerializer

    def get(self, request: Request, engine_id: UUID) -> Response:
        """One engine of the workspace, with its settings and without its secret."""
        actor_of(request).require_scope(ENGINES)
        return Response(EngineSerializer(managed_engine(actor_of(request), engine_id)).data)

    def patch(self, request: Request, engine_id: UUID) -> Response:
        """Change an engine; fields left out stay as they are, the secret too."""
        actor_of(request).require_scope(ENGINES)
        engine = managed_engine(actor_of(request), engine_id)
        serializer = EngineSerializer(engine, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = services.update_engine(
            actor=actor_of(request), engine=engine, **serializer.validated_data
        )
        return Response(EngineSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, engine_id: UUID) -> Response:
        """Delete an engine; bots that are set to it answer with any other."""
        actor_of(request).require_scope(ENGINES)
        engine = managed_engine(actor_of(request), engine_id)
        services.delete_engine(actor=actor_of(request), engine=engine)
        return Response(status=204)


class EngineTest(APIView):
    @extend_schema(request=None, responses=TrialSerializer)
    def post(self, request: Request, engine_id: UUID) -> Response:
        """Send a tiny question through the engine, for at most 30 seconds."""
        actor_of(request).require_scope(ENGINES)
        actor = actor_of(request)
        engine = managed_engine(actor, engine_id)
        trial = async_to_sync(try_engine)(engine, limited_by=str(actor.workspace.pk))
        return Response(trial_data(trial))
