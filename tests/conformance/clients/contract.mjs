// The contract of a client program, for those in JavaScript (tests/conformance/README.md tells it whole): a request a line
// on stdin, an answer a line on stdout, bytes as base64.
import { createInterface } from 'node:readline'

export class Unsupported extends Error {}

// An error with Kafka's number, or null where the client hides it.
export class Refused extends Error {
  constructor (code, text) {
    super(text)
    this.code = code
  }
}

export const toBytes = text => text === null ? null : Buffer.from(text, 'base64')
export const toText = bytes => bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64')
export const emit = fields => process.stdout.write(JSON.stringify(fields) + '\n')
export const toPairs = partitions => partitions.flatMap(({ topic, partitions }) => partitions.map(one => [topic, one]))

// Rejects when `promise` does not settle in time; what it was about goes on, so the caller closes it.
export async function within (milliseconds, promise, what) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Refused(null, `no ${what} within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

// Answers the requests one after another. `functions`: by the name in `do`; `refuse` makes a Refused of the client's errors.
// A member is told by `stopped`, a promise, that the driver sent another line.
export async function serve (functions, refuse) {
  const lines = createInterface({ input: process.stdin, terminal: false })[Symbol.asyncIterator]()
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    const request = JSON.parse(line.value)
    const run = functions[request.do]
    try {
      if (run === undefined) throw new Unsupported(`no function for ${request.do}`)
      if (request.do === 'member') {
        await run(request, lines.next())
        process.exit(0)
      }
      emit({ ok: (await run(request)) ?? null })
    } catch (thrown) {
      if (thrown instanceof Unsupported) {
        emit({ unsupported: thrown.message })
        continue
      }
      const error = thrown instanceof Refused ? thrown : refuse(thrown)
      emit({ error: { code: error.code, text: error.message.slice(0, 500) } })
    }
  }
  process.exit(0)
}
