"""The official packages, unmodified, at a server that lets few requests pass. Prints one JSON object of what they saw.

environment: BASE_URL, KEY
"""
import json
import os
import time

import anthropic
import openai

messages = [{"role": "user", "content": "hello"}]
url, key = os.environ["BASE_URL"], os.environ["KEY"]


def of_openai(retries):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=retries, timeout=30)
    return lambda model: client.chat.completions.create(model=model, messages=messages)


def of_anthropic(retries):
    client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=retries, timeout=30)
    return lambda model: client.messages.create(model=model, max_tokens=9, messages=messages)


def limited(create, error):
    for _ in range(2000):
        try:
            create("mock-chat")
        except error as refused:
            names = ["retry-after", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"]
            return [refused.status_code, [refused.response.headers.get(name) for name in names]]
    return None


seen = {}
for name, package, make in [("openai", openai, of_openai), ("anthropic", anthropic, of_anthropic)]:
    told = limited(make(0), package.RateLimitError)
    began = time.monotonic()
    make(2)("mock-chat")
    seen[name] = [told, time.monotonic() - began]
print(json.dumps(seen))
