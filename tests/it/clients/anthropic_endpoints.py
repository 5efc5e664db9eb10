"""The official `anthropic` package, unmodified, counting tokens. Prints one JSON object of what it saw.

environment: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY
"""
import json

import anthropic

client = anthropic.Anthropic(max_retries=0, timeout=20)
messages = [{"role": "user", "content": "Say something about lighthouses."}]
seen = {}
seen["count"] = client.messages.count_tokens(model="mock-chat", messages=messages).input_tokens
seen["used"] = client.messages.create(model="mock-chat", messages=messages, max_tokens=5).usage.input_tokens


def raised(call):
    try:
        call()
    except anthropic.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.body["error"]["type"]]
    return None


for model in ("mock-401", "mock-429", "mock-overloaded", "no-such-model"):
    seen[model] = raised(lambda: client.messages.count_tokens(model=model, messages=messages))
seen["bad"] = raised(lambda: client.post("/v1/messages/count_tokens", body={"model": "mock-chat"}, cast_to=object))
print(json.dumps(seen))
