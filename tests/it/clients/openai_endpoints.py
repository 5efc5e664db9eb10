"""The official `openai` package, unmodified, against every endpoint but chat. Prints one JSON object of what it saw.

environment: OPENAI_BASE_URL, OPENAI_API_KEY
"""
import json

import openai

client = openai.OpenAI(max_retries=0, timeout=20)
patient = openai.OpenAI(max_retries=2, timeout=20)
model = "mock-chat"
words = "Say something about lighthouses."
seen = {}

# Responses: plain, streamed, tools.
answer = client.responses.create(model=model, input=words)
seen["text"] = answer.output_text
seen["status"] = answer.status
seen["tokens"] = answer.usage.total_tokens
kinds, parts, numbers, final = [], [], [], None
for event in client.responses.create(model=model, input=words, stream=True):
    kinds.append(event.type)
    numbers.append(event.sequence_number)
    if event.type == "response.output_text.delta":
        parts.append(event.delta)
    if event.type == "response.completed":
        final = event.response
seen["streamed_text"] = "".join(parts)
seen["streamed_tokens"] = final.usage.total_tokens
seen["kinds"] = [kind for n, kind in enumerate(kinds) if n == 0 or kind != kinds[n - 1]]
seen["numbered"] = numbers == list(range(len(numbers)))
with client.responses.stream(model=model, input=words) as stream:
    for _ in stream:
        pass
    seen["helper_text"] = stream.get_final_response().output_text
cut = client.responses.create(model=model, input=words, max_output_tokens=3)
seen["cut"] = [cut.status, cut.incomplete_details.reason, cut.usage.output_tokens]

tools = [{"type": "function", "name": "forecast", "strict": False, "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]
request = {"model": model, "input": words, "tools": tools, "tool_choice": "required"}
call = client.responses.create(**request).output[0]
with client.responses.stream(**request) as stream:
    for _ in stream:
        pass
    streamed = stream.get_final_response().output[0]
seen["call"] = [call.type, call.name, sorted(json.loads(call.arguments))]
seen["streamed_call_is_the_same"] = streamed.arguments == call.arguments and streamed.call_id == call.call_id
told = [{"role": "user", "content": words}, call.model_dump(), {"type": "function_call_output", "call_id": call.call_id, "output": "fair"}]
seen["after_call"] = client.responses.create(model="mock-tool-call", input=told, tools=tools).output[0].type

# Embeddings: the package asks for base64 by itself.
usual = client.embeddings.create(model=model, input=["a", "b"])
floats = client.embeddings.create(model=model, input=["a", "b"], encoding_format="float")
seen["embeddings_are_the_same"] = all(
    abs(x - y) < 1e-6 for one, other in zip(usual.data, floats.data) for x, y in zip(one.embedding, other.embedding)
)
seen["dimensions"] = [len(usual.data), len(usual.data[1].embedding), usual.usage.total_tokens]
seen["few"] = len(client.embeddings.create(model=model, input="a", dimensions=8).data[0].embedding)

# Completions.
legacy = client.completions.create(model=model, prompt=words)
seen["legacy_text"] = legacy.choices[0].text
chunks = list(client.completions.create(model=model, prompt=words, stream=True))
seen["legacy_streamed_text"] = "".join(c.choices[0].text for c in chunks)
seen["legacy_usage"] = any(c.usage for c in chunks)
asked = list(client.completions.create(model=model, prompt=words, stream=True, stream_options={"include_usage": True}))
seen["legacy_asked_usage"] = asked[-1].usage.total_tokens == legacy.usage.total_tokens


def raised(call):
    try:
        answer = call()
        for _ in answer if isinstance(answer, openai.Stream) else []:
            pass
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
    except openai.APIError as error:
        return [type(error).__name__]
    return None


def respond(model, stream=False, client=client):
    return raised(lambda: client.responses.create(model=model, input=words, stream=stream))


faults = ["mock-401", "mock-429", "mock-500", "mock-503", "mock-context-length", "mock-reset"]
seen["faults"] = {m: [respond(m), respond(m, True)] for m in faults}
seen["embedding_faults"] = {m: raised(lambda: client.embeddings.create(model=m, input="a")) for m in faults}
seen["cut_stream"] = respond("mock-cut", True)
seen["once"] = [respond(m, s, patient) for m in ("mock-500-once", "mock-reset-once") for s in (False, True)]
events = list(client.responses.create(model="mock-stream-error", input=words, stream=True))
seen["stream_error"] = [events[-1].type, events[-1].code, events[-1].sequence_number == len(events) - 1]
seen["unknown_model"] = respond("no-such-model")
seen["bad_input"] = raised(lambda: client.post("/responses", body={"model": model, "input": 5}, cast_to=object))
seen["bad_embedding"] = raised(lambda: client.post("/embeddings", body={"model": model, "input": []}, cast_to=object))
seen["stored"] = [raised(lambda: client.responses.retrieve("resp_1")), raised(lambda: client.responses.delete("resp_1"))]

print(json.dumps(seen))
