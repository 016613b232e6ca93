/** How the processes of this harness become members: the one place that knows. */
import { createMesh, openMembership, type Mesh } from '../../../src/mesh/index.ts'
import { systemClock, type Logger } from '../../../src/util/index.ts'
import type { HonestInit } from './hostility.ts'

/** A mesh as an agent makes it, of a home that was prepared; not started. */
export async function openMesh({ home, name }: HonestInit, logger: Logger): Promise<Mesh> {
  const membership = await openMembership({ home, clock: systemClock, logger })
  if (membership === undefined) throw new Error(`${home} belongs to no mesh`)
  return createMesh(
    {
      home,
      name,
      version: '0',
      roles: ['worker'],
      mdns: { enabled: true },
      dht: { enabled: false, bootstrap: [] },
      capabilities: {
        executors: [],
        models: [],
        languages: [],
        tools: [],
        tags: [],
        cpu: { cores: 1, load1: 0 },
        memory: { totalBytes: 1, freeBytes: 1 },
        gpu: [],
        slots: { total: 1, used: 0 },
        repositories: ['octo/mill'],
      },
    },
    { membership, logger },
  )
}
