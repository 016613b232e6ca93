import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../src/util/index.ts'
import { createLab, fullMesh, type Lab } from './support.ts'

let lab: Lab
beforeEach(async () => {
  lab = await createLab()
})
afterEach(() => lab.close())

test('two processes under one identity are noticed by the others, and a restart is not', async () => {
  const often = { heartbeatIntervalMs: 200 }
  const witness = await lab.start('witness', often)
  const first = await lab.start('original', often)
  await fullMesh([witness, first])
  await first.stop()
  const original = await lab.start('original', often)
  await fullMesh([witness, original])
  expect(witness.twins()).toEqual([])

  await mkdir(lab.home('copy'), { recursive: true })
  await cp(join(lab.home('original'), 'identity.key'), join(lab.home('copy'), 'identity.key'))
  const copy = await lab.start('copy', often)
  expect(copy.peerId).toBe(original.peerId)
  await until('both heard', 60_000, () => witness.twins().length > 0)
  expect(witness.twins()).toEqual([original.peerId])
  expect(witness.counters()).toMatchObject({ 'peers.twins': 1 })
})
