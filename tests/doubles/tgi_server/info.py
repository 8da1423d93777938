"""What the double says about itself: `/info`, `/health`, `/v1/models`, `/metrics`."""

from __future__ import annotations

from aiohttp import web

from tests.doubles.tgi_server.errors import RequestError
from tests.doubles.tgi_server.serving import Call


async def info(call: Call) -> web.StreamResponse:
    config = call.double.config
    return web.json_response(
        {
            "model_id": config.model_id,
            "model_sha": None,
            "model_pipeline_tag": config.pipeline_tag,
            "max_concurrent_requests": config.max_concurrent_requests,
            "max_best_of": config.max_best_of,
            "max_stop_sequences": config.max_stop_sequences,
            "max_input_tokens": config.max_input_tokens,
            "max_total_tokens": config.max_total_tokens,
            "validation_workers": 2,
            "max_client_batch_size": config.max_client_batch_size,
            "router": "text-generation-router",
            "version": config.version,
            "sha": None,
            "docker_label": config.docker_label,
        }
    )


async def health(call: Call) -> web.StreamResponse:
    if call.double.state.unhealthy:
        raise RequestError(503, "unhealthy", "healthcheck")
    return web.Response(status=200)


async def models(call: Call) -> web.StreamResponse:
    name = call.double.config.model_id
    entry = {"id": name, "object": "model", "created": 0, "owned_by": name}
    return web.json_response({"object": "list", "data": [entry]})


async def metrics(call: Call) -> web.StreamResponse:
    state = call.double.state
    lines = [
        f"tgi_request_count {len(state.requests)}",
        f"tgi_request_success {state.served}",
        *(f'tgi_request_failure{{err="{k}"}} {n}' for k, n in sorted(state.failures.items())),
        f"tgi_queue_size {max(state.permits_taken - call.double.config.batch_slots, 0)}",
        f"tgi_batch_current_size {state.in_flight}",
        *(
            line
            for name in ("input_length", "generated_tokens", "max_new_tokens", "duration")
            for line in (
                f'tgi_request_{name}_bucket{{le="+Inf"}} {state.served}',
                f"tgi_request_{name}_sum {state.produced if name == 'generated_tokens' else 0}",
                f"tgi_request_{name}_count {state.served}",
            )
        ),
    ]
    return web.Response(text="\n".join(lines) + "\n")
