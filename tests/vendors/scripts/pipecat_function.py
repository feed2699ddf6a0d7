"""How Pipecat calls a function and takes its result."""

from __future__ import annotations

from typing import Any

from pipecat.services.llm_service import FunctionCallParams

from tests.vendors.scripts.runtime import Asked


async def result_of(handler: Any, asked: Asked) -> Any:
    """What a function's handler gives the model, outside of a pipeline."""
    given: list[Any] = []

    async def give(answer: Any, **options: Any) -> None:
        given.append(answer)

    await handler(
        FunctionCallParams(
            function_name="confirmation",
            tool_call_id=asked.id,
            arguments=asked.arguments,
            llm=None,  # type: ignore[arg-type]
            pipeline_worker=None,  # type: ignore[arg-type]
            context=None,  # type: ignore[arg-type]
            result_callback=give,
        )
    )
    [answer] = given
    return answer
