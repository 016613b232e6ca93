import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect, type ApiClient } from '../../../src/api/client.ts'
import { createApi, type Api } from '../../../src/api/index.ts'
import type { HelpSources } from '../../../src/api/types.ts'
import { CodedError, nullLogger, until } from '../../../src/util/index.ts'
import { entries, fakeSources, type FakeSources } from './fixture.ts'
import { askRow, askTree, helpEntries } from './help-fixture.ts'

let home: string
let api: Api | undefined
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'bzzz-help-')))
})
afterEach(async () => {
  await api?.stop()
  await rm(home, { recursive: true, force: true })
})

async function serve(change: Partial<HelpSources> = {}): Promise<[ApiClient, FakeSources]> {
  const base = fakeSources()
  const sources = {
    ...base,
    help: { ...base.help, ...change },
    logs: async function* logs() {
      yield* [...entries, ...helpEntries]
    },
  }
  api = createApi({ home }, sources, { logger: nullLogger })
  await api.start()
  return [connect(home), sources]
}

const ref = { repo: 'octo/lib', issue: 4 }

describe('help by way of the API', () => {
  it('is listed, and shown with its tree and all that journals say of it', async () => {
    const [client, { asked }] = await serve()
    expect(await client.asks(7)).toEqual([askRow])
    expect(await client.ask('3f2a')).toEqual({ row: askRow, tree: askTree, entries: helpEntries })
    expect(asked[0]).toEqual(['asks', 7])
  })

  it('says which id is unknown or ambiguous', async () => {
    const other = { ...askRow, id: `3f2a${'0'.repeat(28)}` }
    const [client] = await serve({ list: async () => [askRow, other] })
    await expect(client.ask('3f2a')).rejects.toMatchObject({
      code: 'ASK_AMBIGUOUS',
      data: { ids: [askRow.id, other.id] },
    })
    await expect(client.answerAsk('beef', 'x')).rejects.toMatchObject({ code: 'ASK_UNKNOWN' })
    await expect(client.ask('f'.repeat(32))).rejects.toMatchObject({ code: 'ASK_UNKNOWN' })
    await expect(client.ask('no')).rejects.toMatchObject({ code: 'INVALID_PARAMETER' })
    expect(await client.ask('3f2a0')).toEqual({ row: other, tree: null, entries: [] })
  })

  it('takes a person’s advice, within its limits', async () => {
    const [client, { asked }] = await serve()
    await client.answerAsk('3f2a91c0', 'ä'.repeat(32_000))
    expect(asked.at(-1)).toEqual(['answer', askRow.id, 'ä'.repeat(32_000)])
    await expect(client.answerAsk('3f2a', 'x'.repeat(32_001))).rejects.toMatchObject({
      code: 'INVALID_PARAMETER',
      data: { parameter: 'text' },
    })
    await expect(client.answerAsk('3f2a', ' \n')).rejects.toMatchObject({
      code: 'INVALID_PARAMETER',
    })
    await expect(client.answerAsk('3f2a', 'x'.repeat(300_000))).rejects.toMatchObject({
      code: 'TOO_LARGE',
    })
  })

  it('waits for the reply to what is sent', async () => {
    const [client, { asked }] = await serve()
    const wanted = { question: 'How?', needs: ['gpu'], want: ['patch' as const] }
    expect(await client.sendAsk(ref, wanted)).toMatchObject({ is: 'advice', text: 'x' })
    expect(asked.at(-1)).toEqual(['ask', ref, wanted])
    await expect(client.sendAsk(ref, { question: '' })).rejects.toMatchObject({
      code: 'INVALID_PARAMETER',
      data: { parameter: 'question' },
    })
  })

  it('passes on why nothing was sent', async () => {
    const [client] = await serve({
      send: () => Promise.reject(new CodedError('ASK_NO_TASK', 'It does not run here.')),
    })
    await expect(client.sendAsk(ref, { question: 'How?' })).rejects.toMatchObject({
      code: 'ASK_NO_TASK',
    })
  })

  it('withdraws what a client does not wait for any more', async () => {
    let [came, withdrawn] = [false, false]
    const [client] = await serve({
      send: (_task, _wanted, signal) =>
        new Promise((_resolve, reject) => {
          came = true
          signal?.addEventListener('abort', () => {
            withdrawn = true
            reject(new CodedError('ABORTED', 'Withdrawn.'))
          })
        }),
    })
    const stop = new AbortController()
    const sent = client.sendAsk(ref, { question: 'How?' }, stop.signal)
    sent.catch(() => undefined)
    await until('it has come', 10_000, () => came)
    stop.abort()
    await expect(sent).rejects.toMatchObject({ code: 'ABORTED' })
    await until('it is withdrawn', 10_000, () => withdrawn)
  })
})
