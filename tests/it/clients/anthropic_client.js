// The official `@anthropic-ai/sdk` package, unmodified. Prints one JSON object of what it saw.
//
// environment: ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY
'use strict'
const Anthropic = require('@anthropic-ai/sdk')

const client = new Anthropic({ maxRetries: 0, timeout: 20000 })
const patient = new Anthropic({ maxRetries: 2, timeout: 20000 })
const messages = [{ role: 'user', content: 'Say something about lighthouses.' }]
const request = { model: 'mock-chat', max_tokens: 200, messages }

async function raised(call) {
  try {
    const answer = await call()
    if (answer && answer[Symbol.asyncIterator]) for await (const _ of answer);
  } catch (error) {
    const status = error instanceof Anthropic.APIError && error.status
    return status ? [error.constructor.name, status, error.error?.error?.type] : [error.constructor.name]
  }
  return null
}

async function main() {
  const seen = {}
  const answer = await client.messages.create(request)
  seen.text = answer.content[0].text
  let text = ''
  for await (const event of await client.messages.create({ ...request, stream: true })) {
    if (event.type === 'content_block_delta') text += event.delta.text
  }
  seen.streamed_text = text
  const final = await client.messages.stream(request).finalMessage()
  seen.usage = final.usage.output_tokens === answer.usage.output_tokens
  const tools = [{ name: 'forecast', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }]
  const forced = { ...request, tools, tool_choice: { type: 'any' } }
  const call = (await client.messages.create(forced)).content[0]
  const streamed = (await client.messages.stream(forced).finalMessage()).content[0]
  seen.call = [call.type, call.name, Object.keys(call.input)]
  seen.streamed_call_is_the_same = JSON.stringify(streamed.input) === JSON.stringify(call.input)
  const count = await client.messages.countTokens({ model: 'mock-chat', messages })
  seen.count = count.input_tokens === answer.usage.input_tokens
  const models = []
  for await (const item of client.models.list()) models.push(item.id)
  seen.models = models.includes('mock-chat')

  const ask = (model, stream, by = client) => raised(() => by.messages.create({ ...request, model, stream }))
  seen.errors = {}
  for (const fault of ['mock-401', 'mock-403', 'mock-429', 'mock-500', 'mock-overloaded', 'mock-reset', 'no-such-model']) {
    seen.errors[fault] = await ask(fault, false)
  }
  seen.once = await ask('mock-500-once', false, patient)
  seen.stream_error = await ask('mock-stream-error', true)
  seen.count_error = await raised(() => client.messages.countTokens({ model: 'mock-429', messages }))
  console.log(JSON.stringify(seen))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
