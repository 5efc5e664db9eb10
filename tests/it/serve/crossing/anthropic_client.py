"""The official `anthropic` package against a provider of the other family. Prints one JSON object of what it saw.

environment: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY, PREFIX (before the names of models)
"""
import json
import os

import anthropic

prefix = os.environ["PREFIX"]
client = anthropic.Anthropic(max_retries=0, timeout=20)
asked = {"max_tokens": 100, "system": "be brief"}
messages = [{"role": "user", "content": "hello"}]
tools = [{"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}}}]
seen = {}

answer = client.messages.create(model=prefix + "plain", messages=messages, **asked)
seen["text"] = answer.content[0].text
seen["stop"] = answer.stop_reason
seen["usage"] = [answer.usage.input_tokens, answer.usage.cache_read_input_tokens, answer.usage.output_tokens]

with client.messages.stream(model=prefix + "plain", messages=messages, **asked) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
seen["streamed"] = [text, final.stop_reason, final.usage.output_tokens]

answer = client.messages.create(model=prefix + "tools", messages=messages, tools=tools, **asked)
call = answer.content[-1]
seen["call"] = [answer.stop_reason, call.id, call.name, call.input]
again = messages + [
    {"role": "assistant", "content": answer.content},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "rain"}]},
]
seen["after"] = client.messages.create(model=prefix + "tools", messages=again, tools=tools, **asked).content[0].text

kinds = []
with client.messages.stream(model=prefix + "tools", messages=messages, tools=tools, **asked) as stream:
    for event in stream:
        kinds.append(event.type)
    final = stream.get_final_message()
call = final.content[-1]
seen["streamed_call"] = [final.stop_reason, call.id, call.name, call.input]
seen["kinds"] = [kinds[0], kinds[-1]]


def raised(model, stream=False, **more):
    # One that succeeds in between: the provider does not come to rest.
    client.messages.create(model=prefix + "tools", messages=messages, **asked)
    try:
        answer = client.messages.create(model=prefix + model, messages=messages, stream=stream, **{**asked, **more})
        if stream:
            for _ in answer:
                pass
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.type]
    return None


def counted():
    try:
        client.messages.count_tokens(model=prefix + "plain", messages=messages)
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.type]
    return None


seen["errors"] = {
    "limited": raised("limited"),
    "too-long": raised("too-long"),
    "overloaded": raised("overloaded"),
    "refused": raised("refused"),
    "missing": raised("missing"),
    "begins-with-error": raised("begins-with-error", stream=True),
    "cut": raised("cut", stream=True),
    "ends-with-error": raised("ends-with-error", stream=True),
    "container": raised("plain", container="c"),
    "counted": counted(),
}
print(json.dumps(seen))
