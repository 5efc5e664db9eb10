// The official `openai` package for JavaScript, unmodified. Prints one JSON object of what it saw.
//
// environment: OPENAI_BASE_URL, OPENAI_API_KEY
'use strict'
const OpenAI = require('openai')

const client = new OpenAI({ maxRetries: 0, timeout: 20000 })
const patient = new OpenAI({ maxRetries: 2, timeout: 20000 })
const model = 'mock-chat'
const words = 'Say something about lighthouses.'
const messages = [{ role: 'user', content: words }]
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

async function raised(call) {
  try {
    const answer = await call()
    if (answer && answer[Symbol.asyncIterator]) for await (const _ of answer);
  } catch (error) {
    const status = error instanceof OpenAI.APIError && error.status
    return status ? [error.constructor.name, status, error.code] : [error.constructor.name]
  }
  return null
}

async function chat(seen) {
  const answer = await client.chat.completions.create({ model, messages })
  seen.chat = answer.choices[0].message.content
  let text = ''
  let usage = null
  const asked = { model, messages, stream: true, stream_options: { include_usage: true } }
  for await (const chunk of await client.chat.completions.create(asked)) {
    text += chunk.choices[0]?.delta?.content ?? ''
    usage = chunk.usage ?? usage
  }
  seen.chat_streamed = text
  seen.chat_usage = usage.total_tokens === answer.usage.total_tokens
  const tools = [{ type: 'function', function: { name: 'forecast', parameters } }]
  const request = { model, messages, tools, tool_choice: 'required' }
  const call = (await client.chat.completions.create(request)).choices[0].message.tool_calls[0]
  const final = await client.chat.completions.stream(request).finalChatCompletion()
  const streamed = final.choices[0].message.tool_calls[0]
  seen.chat_call = [call.function.name, Object.keys(JSON.parse(call.function.arguments))]
  seen.chat_call_is_the_same = streamed.function.arguments === call.function.arguments
}

async function responses(seen) {
  const answer = await client.responses.create({ model, input: words })
  seen.response = answer.output_text
  let text = ''
  let usage = null
  for await (const event of await client.responses.create({ model, input: words, stream: true })) {
    if (event.type === 'response.output_text.delta') text += event.delta
    if (event.type === 'response.completed') usage = event.response.usage
  }
  seen.response_streamed = text
  seen.response_usage = usage.total_tokens === answer.usage.total_tokens
  const tools = [{ type: 'function', name: 'forecast', strict: false, parameters }]
  const request = { model, input: words, tools, tool_choice: 'required' }
  const call = (await client.responses.create(request)).output[0]
  const streamed = (await client.responses.stream(request).finalResponse()).output[0]
  seen.response_call = [call.name, Object.keys(JSON.parse(call.arguments))]
  seen.response_call_is_the_same = streamed.arguments === call.arguments
}

async function others(seen) {
  const usual = await client.embeddings.create({ model, input: ['a', 'b'] })
  const floats = await client.embeddings.create({ model, input: ['a', 'b'], encoding_format: 'float' })
  const near = (one, other) => one.every((x, n) => Math.abs(x - other[n]) < 1e-6)
  seen.embeddings = usual.data.map((item, n) => near(Array.from(item.embedding), floats.data[n].embedding))
  const legacy = await client.completions.create({ model, prompt: words })
  let text = ''
  for await (const chunk of await client.completions.create({ model, prompt: words, stream: true })) text += chunk.choices[0].text
  seen.legacy_streamed = text === legacy.choices[0].text && text.length > 10
  const models = []
  for await (const item of client.models.list()) models.push(item.id)
  seen.models = models.includes(model)
}

async function errors(seen) {
  const ask = {
    chat: (model, stream, by = client) => raised(() => by.chat.completions.create({ model, messages, stream })),
    responses: (model, stream, by = client) => raised(() => by.responses.create({ model, input: words, stream })),
    embeddings: (model, stream, by = client) => raised(() => by.embeddings.create({ model, input: 'a' })),
  }
  const faults = ['mock-401', 'mock-403', 'mock-429', 'mock-500', 'mock-context-length', 'mock-reset', 'no-such-model']
  for (const [name, call] of Object.entries(ask)) {
    seen[`${name}_errors`] = {}
    for (const fault of faults) seen[`${name}_errors`][fault] = await call(fault, false)
    seen[`${name}_once`] = await call('mock-500-once', false, patient)
  }
  seen.chat_stream_error = await ask.chat('mock-stream-error', true)
  seen.response_stream_error = await ask.responses('mock-stream-error', true)
  seen.response_cut = await ask.responses('mock-cut', true)
  const stranger = new OpenAI({ apiKey: 'uk_00000000.not-a-key', maxRetries: 0, timeout: 20000 })
  seen.bad_key = await ask.responses(model, false, stranger)
}

async function main() {
  const seen = {}
  for (const part of [chat, responses, others, errors]) await part(seen)
  console.log(JSON.stringify(seen))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
