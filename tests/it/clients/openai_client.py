"""The official `openai` package, unmodified, against `ultra serve`. Prints one JSON object of what it saw.

environment: OPENAI_BASE_URL, OPENAI_API_KEY, MODEL
"""
import json
import os

import openai

model = os.environ["MODEL"]
messages = [{"role": "user", "content": "Say something about lighthouses."}]
client = openai.OpenAI(max_retries=0, timeout=20)
seen = {}

answer = client.chat.completions.create(model=model, messages=messages, seed=7)
seen["text"] = answer.choices[0].message.content
seen["finish"] = answer.choices[0].finish_reason
seen["tokens"] = answer.usage.total_tokens

parts, usage = [], None
for chunk in client.chat.completions.create(
    model=model, messages=messages, seed=7, stream=True, stream_options={"include_usage": True}
):
    if chunk.choices and chunk.choices[0].delta.content:
        parts.append(chunk.choices[0].delta.content)
    usage = chunk.usage or usage
seen["streamed_text"] = "".join(parts)
seen["streamed_chunks"] = len(parts)
seen["streamed_tokens"] = usage.total_tokens if usage else None

seen["models"] = [m.id for m in client.models.list()]


def raised(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
    return None


seen["unknown_model"] = raised(lambda: client.chat.completions.create(model="no-such-model", messages=messages))
seen["bad_request"] = raised(lambda: client.post("/chat/completions", body={"model": model, "messages": "x"}, cast_to=object))
stranger = openai.OpenAI(api_key="uk_00000000.not-a-key", max_retries=0, timeout=20)
seen["bad_key"] = raised(lambda: stranger.chat.completions.create(model=model, messages=messages))

print(json.dumps(seen))
