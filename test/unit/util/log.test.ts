import { closeSync, openSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createLogger } from '../../../src/util/index.ts'

it.skipIf(process.platform !== 'linux')('a log on a full disk stops nobody', async () => {
  const fd = openSync('/dev/full', 'w')
  try {
    const logger = await createLogger({ level: 'info', fd })
    expect(() => {
      for (let n = 0; n < 3_000; n += 1) logger.info({ n, text: 'x'.repeat(300) }, 'full')
    }).not.toThrow()
  } finally {
    closeSync(fd)
  }
})
