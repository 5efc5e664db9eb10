"""The official `openai` package against a provider of the other family. Prints one JSON object of what it saw.

environment: OPENAI_BASE_URL, OPENAI_API_KEY, PREFIX (before the names of models)
"""
import json
import os

import openai

prefix = os.environ["PREFIX"]
client = openai.OpenAI(max_retries=0, timeout=20)
messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
tools = [{"type": "function", "function": {
    "name": "weather", "description": "d", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
}}]
seen = {}

answer = client.chat.completions.create(model=prefix + "plain", messages=messages)
choice = answer.choices[0]
seen["text"] = choice.message.content
seen["finish"] = choice.finish_reason
seen["usage"] = [answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens, answer.usage.completion_tokens]

parts, usage, finish, roles = [], None, None, []
for chunk in client.chat.completions.create(
    model=prefix + "plain", messages=messages, stream=True, stream_options={"include_usage": True}
):
    for choice in chunk.choices:
        parts.append(choice.delta.content or "")
        roles.append(choice.delta.role)
        finish = choice.finish_reason or finish
    usage = chunk.usage or usage
seen["streamed"] = ["".join(parts), finish, usage.total_tokens, roles[0]]

answer = client.chat.completions.create(model=prefix + "tools", messages=messages, tools=tools)
call = answer.choices[0].message.tool_calls[0]
seen["call"] = [answer.choices[0].finish_reason, call.id, call.function.name, json.loads(call.function.arguments)]
again = messages + [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
seen["after"] = client.chat.completions.create(model=prefix + "tools", messages=again, tools=tools).choices[0].message.content

with client.chat.completions.stream(model=prefix + "tools", messages=messages, tools=tools) as stream:
    for _ in stream:
        pass
    final = stream.get_final_completion()
call = final.choices[0].message.tool_calls[0]
seen["streamed_call"] = [final.choices[0].finish_reason, call.id, call.function.name, json.loads(call.function.arguments)]

response = client.responses.create(model=prefix + "plain", input="hello", instructions="be brief")
seen["response"] = [response.status, response.output_text, response.usage.input_tokens, response.usage.output_tokens]
kinds = []
with client.responses.stream(model=prefix + "tools", input="hello", tools=[{"type": "function", **tools[0]["function"]}]) as stream:
    for event in stream:
        kinds.append(event.type)
    final = stream.get_final_response()
item = [item for item in final.output if item.type == "function_call"][0]
seen["streamed_response"] = [final.status, item.name, json.loads(item.arguments), kinds[0], kinds[-1]]


def raised(model, stream=False, **more):
    # One that succeeds in between: the provider does not come to rest.
    client.chat.completions.create(model=prefix + "tools", messages=messages)
    try:
        answer = client.chat.completions.create(model=prefix + model, messages=messages, stream=stream, **more)
        if stream:
            for _ in answer:
                pass
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
    except openai.APIError as error:
        return [type(error).__name__, None, error.code]
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
    "two": raised("plain", n=2),
}
print(json.dumps(seen))
