"""The official `anthropic` package, unmodified, against `ultra serve`. Prints one JSON object of what it saw.

environment: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY, MODEL
"""
import json
import os

import anthropic

model = os.environ["MODEL"]
request = {"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": "Say something about lighthouses."}]}
client = anthropic.Anthropic(max_retries=0, timeout=20)
seen = {}

answer = client.messages.create(**request)
seen["text"] = answer.content[0].text
seen["stop"] = answer.stop_reason
seen["tokens"] = answer.usage.input_tokens + answer.usage.output_tokens

with client.messages.stream(**request) as stream:
    parts = list(stream.text_stream)
    final = stream.get_final_message()
seen["streamed_text"] = "".join(parts)
seen["streamed_chunks"] = len(parts)
seen["streamed_tokens"] = final.usage.input_tokens + final.usage.output_tokens

seen["models"] = [m.id for m in client.models.list()]


def raised(call):
    try:
        call()
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code]
    return None


seen["unknown_model"] = raised(lambda: client.messages.create(**{**request, "model": "no-such-model"}))
seen["bad_request"] = raised(lambda: client.post("/v1/messages", body={"model": model, "messages": "x"}, cast_to=object))
stranger = anthropic.Anthropic(api_key="uk_00000000.not-a-key", max_retries=0, timeout=20)
seen["bad_key"] = raised(lambda: stranger.messages.create(**request))

print(json.dumps(seen))
