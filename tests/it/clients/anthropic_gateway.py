"""The official `anthropic` package, unmodified, through a gateway. Prints one JSON object of what it saw.

environment: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY
"""
import asyncio
import json
import time

import anthropic
import pydantic

STATUSES = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 529]
client = anthropic.Anthropic(max_retries=0, timeout=30)
patient = anthropic.Anthropic(max_retries=2, timeout=30)
messages = [{"role": "user", "content": "Say something about lighthouses."}]
request = {"model": "m/mock-chat", "max_tokens": 200, "messages": messages}
seen = {}


class Forecast(pydantic.BaseModel):
    city: str
    days: int


def told(error):
    return [type(error).__name__, error.status_code]


def raised(model, stream=False, by=client):
    try:
        if stream:
            with by.messages.stream(model=model, max_tokens=9, messages=messages) as events:
                events.get_final_message()
        else:
            by.messages.create(model=model, max_tokens=9, messages=messages)
    except anthropic.APIStatusError as error:
        return told(error)
    return None


async def asynchronous():
    async with anthropic.AsyncAnthropic(max_retries=0, timeout=30) as many:
        async def plain():
            return (await many.messages.create(**request)).content[0].text

        async def streamed():
            async with many.messages.stream(**request) as stream:
                return "".join([text async for text in stream.text_stream])

        async def fails(status):
            try:
                await many.messages.create(model=f"s{status}", max_tokens=9, messages=messages)
            except anthropic.APIStatusError as error:
                return told(error)

        seen["async"] = await asyncio.gather(*[plain() for _ in range(8)])
        seen["async_streamed"] = await asyncio.gather(*[streamed() for _ in range(8)])
        seen["errors"]["async"] = {s: await fails(s) for s in (400, 404, 422, 429)}
        count = await many.messages.count_tokens(model="m/mock-chat", messages=messages)
        seen["counts"].append(count.input_tokens == answer.usage.input_tokens)


answer = client.messages.create(**request)
seen["text"] = answer.content[0].text
with client.messages.stream(**request) as stream:
    seen["streamed"] = "".join(stream.text_stream)
count = client.messages.count_tokens(model="m/mock-chat", messages=messages)
seen["counts"] = [count.input_tokens == answer.usage.input_tokens]
tools = [{"name": "forecast", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]
call = client.messages.create(**request, tools=tools, tool_choice={"type": "any"}).content[0]
seen["call"] = [call.name, sorted(call.input)]
parsed = client.messages.parse(model="sshaped", max_tokens=99, messages=messages, output_format=Forecast).parsed_output
seen["parsed"] = [parsed.city, parsed.days]

seen["errors"] = {
    "plain": {s: raised(f"s{s}") for s in STATUSES},
    "streamed": {s: raised(f"s{s}", True) for s in STATUSES},
}
asyncio.run(asynchronous())
seen["hinted"] = raised("shinted", by=patient)
began = time.monotonic()
seen["later"] = [raised("slater", by=patient), time.monotonic() - began]
seen["twice"] = raised("stwice", by=patient)
stranger = anthropic.Anthropic(api_key="uk_00000000.not-a-key", max_retries=0, timeout=30)
seen["own"] = [raised("m/mock-chat", by=stranger), raised("no-such-model")]
try:
    client.post("/v1/messages", body={"model": "m/mock-chat", "messages": "x"}, cast_to=object)
except anthropic.APIStatusError as error:
    seen["own"].append(told(error))

print(json.dumps(seen))
