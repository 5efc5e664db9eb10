// The official package of the family that the argument names (`openai` or `anthropic`) for JavaScript, unmodified, through a
// gateway. Prints one JSON object of what it saw.
//
// environment: OPENAI_BASE_URL and OPENAI_API_KEY, or ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY
'use strict'
const anthropic = process.argv[2] === 'anthropic'
const Client = require(anthropic ? '@anthropic-ai/sdk' : 'openai')

const client = new Client({ maxRetries: 0, timeout: 30000 })
const patient = new Client({ maxRetries: 2, timeout: 30000 })
const messages = [{ role: 'user', content: 'Say something about lighthouses.' }]

async function raised(model, by = client) {
  try {
    if (anthropic) await by.messages.create({ model, max_tokens: 9, messages })
    else await by.chat.completions.create({ model, messages })
  } catch (error) {
    return [error.constructor.name, error.status]
  }
  return null
}

async function main() {
  const seen = { errors: {} }
  for (const status of [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 529]) {
    seen.errors[status] = await raised(`s${status}`)
  }
  seen.hinted = await raised('shinted', patient)
  const began = Date.now()
  seen.later = [await raised('slater', patient), (Date.now() - began) / 1000]
  seen.twice = await raised('stwice', patient)
  console.log(JSON.stringify(seen))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
