"""The official `openai` package, unmodified, through a gateway. Prints one JSON object of what it saw.

environment: OPENAI_BASE_URL, OPENAI_API_KEY
"""
import asyncio
import json
import time

import openai
import pydantic

STATUSES = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 529]
client = openai.OpenAI(max_retries=0, timeout=30)
patient = openai.OpenAI(max_retries=2, timeout=30)
messages = [{"role": "user", "content": "Say something about lighthouses."}]
request = {"model": "m/mock-chat", "messages": messages}
seen = {}


class Forecast(pydantic.BaseModel):
    city: str
    days: int


def told(error):
    return [type(error).__name__, error.status_code]


def raised(model, stream=False, by=client):
    try:
        for _ in by.chat.completions.create(model=model, messages=messages, stream=stream):
            pass
    except openai.APIStatusError as error:
        return told(error)
    return None


async def asynchronous():
    async with openai.AsyncOpenAI(max_retries=0, timeout=30) as many:
        async def plain():
            return (await many.chat.completions.create(**request)).choices[0].message.content

        async def streamed():
            text = ""
            async for chunk in await many.chat.completions.create(**request, stream=True):
                text += chunk.choices[0].delta.content or ""
            return text

        async def fails(status):
            try:
                await many.chat.completions.create(model=f"s{status}", messages=messages)
            except openai.APIStatusError as error:
                return told(error)

        seen["async"] = await asyncio.gather(*[plain() for _ in range(8)])
        seen["async_streamed"] = await asyncio.gather(*[streamed() for _ in range(8)])
        seen["errors"]["async"] = {s: await fails(s) for s in (400, 404, 422, 429)}


seen["chat"] = client.chat.completions.create(**request).choices[0].message.content
chunks = client.chat.completions.create(**request, stream=True)
seen["chat_streamed"] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
seen["response"] = client.responses.create(model="m/mock-chat", input="hello", store=False).output_text
with client.responses.stream(model="m/mock-chat", input="hello", store=False) as stream:
    events = list(stream)
    final = stream.get_final_response()
seen["response_streamed"] = final.output_text
numbers = [event.sequence_number for event in events if getattr(event, "sequence_number", None) is not None]
seen["response_kinds"] = [events[0].type, events[-1].type, numbers == sorted(numbers)]
usual = client.embeddings.create(model="m/mock-chat", input="a").data[0].embedding
floats = client.embeddings.create(model="m/mock-chat", input="a", encoding_format="float").data[0].embedding
seen["embeddings"] = [all(abs(x - y) < 1e-6 for x, y in zip(usual, floats)), len(usual)]
tools = [{"type": "function", "function": {"name": "forecast", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
call = client.chat.completions.create(**request, tools=tools, tool_choice="required").choices[0].message.tool_calls[0]
with client.chat.completions.stream(**request, tools=tools, tool_choice="required") as stream:
    same = stream.get_final_completion().choices[0].message.tool_calls[0]
seen["call"] = [call.function.name, sorted(json.loads(call.function.arguments))]
seen["streamed_call_is_the_same"] = call.function.arguments == same.function.arguments

chat = client.chat.completions.parse(model="sshaped", messages=messages, response_format=Forecast).choices[0].message.parsed
response = client.responses.parse(model="sshaped", input="hello", text_format=Forecast, store=False).output_parsed
seen["parsed"] = [[chat.city, chat.days], [response.city, response.days]]

seen["errors"] = {
    "plain": {s: raised(f"s{s}") for s in STATUSES},
    "streamed": {s: raised(f"s{s}", True) for s in STATUSES},
}
asyncio.run(asynchronous())
seen["hinted"] = raised("shinted", by=patient)
began = time.monotonic()
seen["later"] = [raised("slater", by=patient), time.monotonic() - began]
seen["twice"] = raised("stwice", by=patient)
stranger = openai.OpenAI(api_key="uk_00000000.not-a-key", max_retries=0, timeout=30)
seen["own"] = [raised("m/mock-chat", by=stranger), raised("no-such-model")]
try:
    client.post("/chat/completions", body={"model": "m/mock-chat", "messages": "x"}, cast_to=object)
except openai.APIStatusError as error:
    seen["own"].append(told(error))

print(json.dumps(seen))
