/** Real peers on loopback for the mesh tests: temporary homes, a mesh name of its own per test. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMesh, type LocalCapabilities, type Mesh } from '../../src/mesh/index.ts'
import type { MeshInit } from '../../src/mesh/index.ts'
import { nullLogger, until, type Logger } from '../../src/util/index.ts'

export const capabilities: LocalCapabilities = {
  executors: [{ name: 'command', kind: 'command', models: [] }],
  models: [],
  languages: [{ name: 'typescript', version: '6' }],
  tools: [{ name: 'git' }],
  tags: [],
  cpu: { cores: 2, load1: 0 },
  memory: { totalBytes: 1, freeBytes: 1 },
  gpu: [],
  slots: { total: 1, used: 0 },
  repositories: ['acme/widgets'],
}

export const uniqueName = (): string => `test-${randomBytes(6).toString('hex')}`

export interface Lab {
  meshName: string
  home(name: string): string
  /** A mesh on 127.0.0.1 only; not started. */
  make(name: string, change?: Partial<MeshInit>, logger?: Logger): Mesh
  start(name: string, change?: Partial<MeshInit>): Promise<Mesh>
  close(): Promise<void>
}

export async function createLab(): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-mesh-'))
  const meshName = uniqueName()
  const meshes: Mesh[] = []
  const home = (name: string) => join(directory, name)
  const make: Lab['make'] = (name, change = {}, logger = nullLogger) => {
    const mesh = createMesh(
      {
        home: home(name),
        name,
        version: '0.1.0',
        meshName,
        roles: ['worker'],
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: { enabled: true, interfaces: ['lo'] },
        dht: { enabled: false, bootstrap: [] },
        capabilities,
        ...change,
      },
      { logger },
    )
    meshes.push(mesh)
    return mesh
  }
  return {
    meshName,
    home,
    make,
    async start(name, change) {
      const mesh = make(name, change)
      await mesh.start()
      return mesh
    },
    async close() {
      await Promise.all(meshes.map((mesh) => mesh.stop()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Every mesh is connected to every other and has its capabilities. */
export async function fullMesh(meshes: readonly Mesh[], ms = 15_000): Promise<void> {
  await until('a full mesh', ms, () => meshes.every((mesh) => knows(mesh, meshes)))
}

export function knows(mesh: Mesh, others: readonly Mesh[]): boolean {
  const known = new Map(mesh.peers().map((peer) => [peer.peerId, peer]))
  return others.every(({ peerId }) => {
    const peer = known.get(peerId)
    return peerId === mesh.peerId || (peer?.connected === true && peer.capabilities !== undefined)
  })
}

export const connectedTo = (mesh: Mesh, other: Mesh): boolean =>
  mesh.peers().some(({ peerId, connected }) => peerId === other.peerId && connected)
