/**
 * Real peers on loopback for the mesh tests: temporary homes, a mesh of its own per test. Its founder
 * never runs; it admits each peer before that starts, so that tests need not.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createMesh,
  openMembership,
  type LocalCapabilities,
  type Membership,
  type Mesh,
  type MeshInit,
  type Role,
} from '../../src/mesh/index.ts'
import { nullLogger, systemClock, until, type Logger } from '../../src/util/index.ts'
import { createFounder, type Founder } from '../members.ts'

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

export interface LabChange extends Partial<MeshInit> {
  /** As what the founder admits it. Default: its roles. */
  granted?: Role[]
}

export interface LabMesh extends Mesh {
  membership: Membership
}

export interface Lab {
  meshName: string
  founder: Founder
  home(name: string): string
  /** Makes the home a member, unless it is one, and lets all others know it. */
  admit(name: string, roles?: Role[]): Promise<Membership>
  /** What the founder has signed, to all. */
  tell(): Promise<void>
  /** A member's mesh on 127.0.0.1 only; not started. */
  make(name: string, change?: LabChange, logger?: Logger): Promise<LabMesh>
  start(name: string, change?: LabChange): Promise<LabMesh>
  close(): Promise<void>
}

/** `meshName`: for two meshes of one name. */
export async function createLab({ meshName = uniqueName() } = {}): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-mesh-'))
  const founder = await createFounder(directory, meshName)
  const meshes: Mesh[] = []
  const home = (name: string) => join(directory, name)
  const memberships = new Map<string, Membership>()
  const admit: Lab['admit'] = async (name, roles = ['worker']) => {
    await founder.admit(home(name), name, roles)
    const membership = await open(home(name))
    memberships.set(name, membership)
    await tell()
    return membership
  }
  const tell = async () => {
    const statements = founder.membership.statements()
    for (const membership of memberships.values()) await membership.merge(statements)
  }
  const make: Lab['make'] = async (name, { granted, ...change } = {}, logger = nullLogger) => {
    const roles = change.roles ?? ['worker']
    const membership = await admit(name, granted ?? roles)
    const mesh = createMesh(
      {
        home: home(name),
        name,
        version: '0.1.0',
        roles,
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: { enabled: true, interfaces: ['lo'] },
        dht: { enabled: false, bootstrap: [] },
        capabilities,
        ...change,
      },
      { membership, logger },
    )
    meshes.push(mesh)
    return Object.assign(mesh, { membership })
  }
  return {
    meshName,
    founder,
    home,
    admit,
    tell,
    make,
    async start(name, change) {
      const mesh = await make(name, change)
      await mesh.start()
      return mesh
    },
    async close() {
      await Promise.all(meshes.map((mesh) => mesh.stop()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function open(home: string): Promise<Membership> {
  const membership = await openMembership({ home, clock: systemClock, logger: nullLogger })
  if (membership === undefined) throw new Error(`${home} belongs to no mesh`)
  return membership
}

/** Every mesh is connected to every other and has its capabilities. */
export async function fullMesh(meshes: readonly Mesh[], ms = 60_000): Promise<void> {
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
