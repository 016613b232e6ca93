/** How the processes of this harness become members: the one place that knows. */
import { createMesh, type Mesh } from '../../../src/mesh/index.ts'
import type { Logger } from '../../../src/util/index.ts'
import type { HonestInit } from './hostility.ts'

/** A mesh as an agent makes it, of a home that was prepared; not started. */
export async function openMesh(
  { home, name, meshName }: HonestInit,
  logger: Logger,
): Promise<Mesh> {
  return createMesh(
    {
      home,
      name,
      version: '0',
      meshName,
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
    { logger },
  )
}
