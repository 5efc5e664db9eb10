"""The official `openai` package, unmodified, against the mock's faults. Prints one JSON object of what it saw.

environment: OPENAI_BASE_URL, OPENAI_API_KEY
"""
import json

import openai

client = openai.OpenAI(max_retries=0, timeout=20)
patient = openai.OpenAI(max_retries=2, timeout=20)
messages = [{"role": "user", "content": "Say something about lighthouses."}]


def raised(model, stream, client=client):
    try:
        answer = client.chat.completions.create(model=model, messages=messages, stream=stream)
        for _ in answer if stream else []:
            pass
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
    except openai.APIError as error:
        return [type(error).__name__]
    except Exception as error:
        return [type(error).__module__.split(".")[0]]
    return None


models = [
    "mock-401", "mock-403", "mock-404", "mock-429", "mock-no-quota", "mock-500", "mock-503", "mock-context-length",
    "mock-content-filter", "mock-reset", "mock-html-502",
]
seen = {model: [raised(model, False), raised(model, True)] for model in models}
seen["stream-error"] = raised("mock-stream-error", True)
seen["cut"] = raised("mock-cut", True)
seen["no-done"] = raised("mock-no-done", True)
seen["hang"] = raised("mock-hang", False, openai.OpenAI(max_retries=0, timeout=0.3))
# What fails once is answered when the package tries again by itself.
seen["once"] = [raised(m, s, patient) for m in ("mock-500-once", "mock-429-retry-after-200ms-once", "mock-reset-once") for s in (False, True)]

tools = [{"type": "function", "function": {"name": "forecast", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
request = {"model": "mock-chat", "messages": messages, "tools": tools, "tool_choice": "required"}
call = client.chat.completions.create(**request).choices[0].message.tool_calls[0]
with client.chat.completions.stream(**request) as stream:
    final = stream.get_final_completion().choices[0].message.tool_calls[0]
seen["call"] = [call.function.name, sorted(json.loads(call.function.arguments))]
seen["streamed_call_is_the_same"] = final.function.arguments == call.function.arguments and final.id == call.id

print(json.dumps(seen))
