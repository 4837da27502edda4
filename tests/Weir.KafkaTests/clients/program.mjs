// What the programs of both clients share: options, lines in, lines out.
import { createInterface } from 'node:readline'

const [, , command, ...rest] = process.argv
export const options = Object.fromEntries(rest.map(option => [option.slice(0, option.indexOf('=')), option.slice(option.indexOf('=') + 1)]))
export const topic = options.topic
export const count = Number(options.count)

export const tell = line => process.stdout.write(JSON.stringify(line) + '\n')
export const tellRecord = (partition, offset, key, value) =>
  tell({ partition, offset: Number(offset), key: key?.length ? key.toString() : null, payload: value?.toString() ?? null })

export const lines = () => createInterface({ input: process.stdin, crlfDelay: Infinity })

/** Hands on the lines of the input in batches: what has come since the last one, fifty at most. */
export async function * batches () {
  const waiting = []
  let ended = false
  let wake = () => {}
  const input = lines()
  input.on('line', line => { waiting.push(line.split('\t')); wake() })
  input.on('close', () => { ended = true; wake() })
  while (true) {
    if (waiting.length > 0) {
      yield waiting.splice(0, 50).map(([key, value]) => ({ key: key === '' ? null : key, value }))
    } else if (ended) {
      return
    } else {
      await new Promise(resolve => { wake = resolve })
    }
  }
}

/** Resolves when as many records were told as the test waits for; a client that has no end of a partition to tell of hears of more only if more come soon. */
export class Expected {
  #seen = 0
  #done
  all = new Promise(resolve => { this.#done = resolve })

  constructor () { if (count === 0) this.#end() }

  saw () { if (++this.#seen === count) this.#end() }

  #end () { setTimeout(this.#done, 400) }
}

export const stopped = new Promise(resolve => process.on('SIGTERM', resolve))

/** Does what each line of the input says, and tells the answer, or the error's sentence. */
export async function administer (steps) {
  for await (const line of lines()) {
    const [step, ...rest] = line.split(' ')
    try {
      tell({ step, answer: await steps[step](...rest) ?? '' })
    } catch (error) {
      tell({ step, error: sentence(error) })
    }
  }
}

function sentence (error) {
  const all = [error.message]
  for (const inner of error.errors ?? []) all.push(sentence(inner))
  if (error.cause) all.push(sentence(error.cause))
  return all.join(' ')
}

export async function run (commands) {
  await commands[command]()
  process.exit(0)
}
