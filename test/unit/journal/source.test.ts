import { join } from 'node:path'
import type { Hypercore } from 'hypercore'
import { expect, it } from 'vitest'
import { Source } from '../../../src/journal/replica/source.ts'
import { openStore } from '../../../src/journal/own/store.ts'
import { nullLogger, sleep, until } from '../../../src/util/index.ts'
import { tempDir, verifySignature } from './helpers.ts'

/** Hypercore reads its store once more after a received block is flushed, and nothing catches it. */
it('closes only when all that was received is stored', async () => {
  const dir = await tempDir()
  const [near, far] = [await openStore(join(dir, 'a')), await openStore(join(dir, 'b'))]
  const writer = near.get({ name: 'own' })
  await writer.ready()
  const block = () => Buffer.alloc(2_000, 'x')
  await writer.append(Array.from({ length: 4 }, block))
  const core = far.get({ key: writer.key, allowFork: false })
  const source = new Source(
    {
      peerId: 'ada',
      key: writer.key.toString('hex'),
      epoch: 0,
      own: false,
      name: 'ada',
      dropped: 0,
      downloads: true,
      dir,
      maxBytes: 1e9,
    },
    {
      core,
      verify: verifySignature,
      logger: nullLogger,
      onOrder: () => undefined,
      onChange: () => undefined,
      onProblem: () => undefined,
    },
  )
  await source.open()
  const streams = [near.replicate(true), far.replicate(false)] as const
  for (const stream of streams) stream.on('error', () => undefined)
  streams[0].pipe(streams[1]).pipe(streams[0])
  await until('the first blocks', 5_000, () => core.contiguousLength === 4)

  const flushing = slowFlush(core, 100)
  const rejected: unknown[] = []
  const onRejection = (reason: unknown) => rejected.push(reason)
  process.on('unhandledRejection', onRejection)
  try {
    await writer.append(Array.from({ length: 40 }, block))
    await flushing
    for (const stream of streams) stream.destroy()
    await source.close()
    await far.close()
    await sleep(300)
  } finally {
    process.off('unhandledRejection', onRejection)
    await near.close()
  }
  expect(rejected).toEqual([])
})

/** Makes every write of the core take `ms` longer; resolves when the first one has begun. */
function slowFlush(core: Hypercore, ms: number): Promise<void> {
  const { state } = core as unknown as { state: { flush(): Promise<unknown> } }
  const flush = state.flush.bind(state)
  return new Promise((resolve) => {
    state.flush = async () => {
      resolve()
      const flushed = await flush()
      await sleep(ms)
      return flushed
    }
  })
}
