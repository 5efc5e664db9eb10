"""The official `anthropic` package, unmodified, against the mock's faults. Prints one JSON object of what it saw.

environment: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY
"""
import json

import anthropic

client = anthropic.Anthropic(max_retries=0, timeout=20)
patient = anthropic.Anthropic(max_retries=2, timeout=20)
messages = [{"role": "user", "content": "Say something about lighthouses."}]


def raised(model, stream, client=client):
    request = {"model": model, "max_tokens": 200, "messages": messages}
    try:
        if stream:
            with client.messages.stream(**request) as events:
                events.get_final_message()
        else:
            client.messages.create(**request)
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.body["error"]["type"] if isinstance(error.body, dict) else None]
    except anthropic.APIError as error:
        return [type(error).__name__]
    except Exception as error:
        return [type(error).__module__.split(".")[0]]
    return None


models = [
    "mock-401", "mock-403", "mock-404", "mock-429", "mock-no-quota", "mock-500", "mock-overloaded", "mock-context-length",
    "mock-content-filter", "mock-reset", "mock-html-502",
]
seen = {model: [raised(model, False), raised(model, True)] for model in models}
seen["stream-error"] = raised("mock-stream-error", True)
seen["cut"] = raised("mock-cut", True)
seen["hang"] = raised("mock-hang", False, anthropic.Anthropic(max_retries=0, timeout=0.3))
seen["first-token"] = raised("mock-first-token-600ms", True)
# What fails once is answered when the package tries again by itself.
seen["once"] = [raised(m, s, patient) for m in ("mock-500-once", "mock-429-retry-after-200ms-once", "mock-reset-once") for s in (False, True)]

tools = [{"name": "forecast", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]
request = {"model": "mock-chat", "max_tokens": 200, "messages": messages, "tools": tools, "tool_choice": {"type": "any"}}
call = client.messages.create(**request).content[0]
with client.messages.stream(**request) as stream:
    final = stream.get_final_message().content[0]
seen["call"] = [call.name, sorted(call.input)]
seen["streamed_call_is_the_same"] = final.input == call.input and final.id == call.id

print(json.dumps(seen))
