/** A network in memory and identities of its own, for journals without a mesh. */
import { generateKeyPairSync, sign, verify, createPublicKey, type KeyObject } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair, type Duplex } from 'node:stream'
import {
  createJournal,
  type EntryInput,
  type Journal,
  type JournalInit,
  type JournalLimits,
  type JournalTransport,
  type LoggedEntry,
  type VerifySignature,
  type WitnessAnswer,
  type WitnessRequest,
} from '../../../src/journal/index.ts'
import { nullLogger, systemClock, until, type Clock, type Logger } from '../../../src/util/index.ts'
import { afterEveryTest } from '../../every-test.ts'

export interface Identity {
  peerId: string
  privateKey: KeyObject
}

export function createIdentity(prefix = 'p'): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64url')
  return { peerId: `${prefix}.${der}`, privateKey }
}

export const verifySignature: VerifySignature = async (peerId, data, signature) => {
  const der = Buffer.from(peerId.slice(peerId.indexOf('.') + 1), 'base64url')
  const key = createPublicKey({ key: der, type: 'spki', format: 'der' })
  return verify(null, data, key, signature)
}

export class Network {
  readonly handlers = new Map<string, (stream: Duplex, peerId: string) => void>()
  readonly streams: { from: string; to: string; ends: Duplex[] }[] = []
  readonly witnesses = new Map<
    string,
    (request: WitnessRequest, from: string) => Promise<WitnessAnswer>
  >()
  opened = 0

  transport(identity: Identity): JournalTransport {
    const { peerId, privateKey } = identity
    return {
      peerId,
      sign: async (data) => sign(null, data, privateKey),
      handleJournal: (handler) => {
        this.handlers.set(peerId, handler)
        return () => this.handlers.delete(peerId)
      },
      handleWitness: (handler) => {
        this.witnesses.set(peerId, handler)
        return () => this.witnesses.delete(peerId)
      },
      askWitness: async (to, request) => {
        const handler = this.witnesses.get(to)
        if (handler === undefined) throw new Error('unreachable')
        return handler(request, peerId)
      },
      openJournal: async (to) => {
        const handler = this.handlers.get(to)
        if (handler === undefined) throw new Error('unreachable')
        const [near, far] = duplexPair()
        this.opened += 1
        this.streams.push({ from: peerId, to, ends: [near, far] })
        for (const [one, other] of [
          [near, far],
          [far, near],
        ] as const) {
          one.on('close', () => other.destroy())
          one.on('error', () => undefined)
        }
        handler(far, peerId)
        return near
      },
    }
  }

  get openStreams(): number {
    return this.streams.filter(({ ends }) => ends.some((end) => !end.destroyed)).length
  }

  cut(): void {
    for (const { ends } of this.streams) for (const end of ends) end.destroy()
  }
}

export interface Member {
  identity: Identity
  dir: string
  journal: Journal
  name: string
}

const cleanups: (() => Promise<unknown>)[] = []
afterEveryTest(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'bzzz-journal-'))
  cleanups.push(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }))
  return dir
}

export interface MemberOptions {
  network?: Network
  identity?: Identity
  dir?: string
  clock?: Clock
  limits?: Partial<JournalLimits>
  replicate?: JournalInit['replicate']
  logger?: Logger
}

/** No file in reserve, which would only cost time. */
const limits: Partial<JournalLimits> = { reserveBytes: 0 }

/** A journal that is stopped after the test; not started yet. */
export async function createMember(name: string, options: MemberOptions = {}): Promise<Member> {
  const { network = new Network(), identity = createIdentity(name), clock = systemClock } = options
  const dir = options.dir ?? (await tempDir())
  const journal = createJournal(
    {
      dir,
      agent: { name, version: '0.1.0', incarnation: '0a' },
      limits: { ...limits, ...options.limits },
      ...(options.replicate === undefined ? {} : { replicate: options.replicate }),
    },
    {
      transport: network.transport(identity),
      verify: verifySignature,
      logger: options.logger ?? nullLogger,
      clock,
    },
  )
  cleanups.push(() => journal.stop())
  return { identity, dir, journal, name }
}

export async function startMember(name: string, options: MemberOptions = {}): Promise<Member> {
  const member = await createMember(name, options)
  await member.journal.start()
  return member
}

/** Name of the own core in a journal's store. */
export async function coreName(dir: string): Promise<string> {
  const file = JSON.parse(await readFile(join(dir, 'epoch.json'), 'utf8')) as { name: string }
  return file.name
}

/** What the composer does when two peers meet. */
export function meet(a: Member, b: Member): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const { key, epoch } = other.journal.head()
    one.journal.follow({ peerId: other.identity.peerId, key, epoch, name: other.name })
    one.journal.connect(other.identity.peerId)
  }
}

export const seen = (issue: number, title = `issue ${issue}`): EntryInput => ({
  type: 'issue.seen',
  task: { repo: 'acme/lib', issue },
  title,
  labels: [],
  needs: [],
})

export const claim = (issue: number): EntryInput => ({
  type: 'claim.tried',
  task: { repo: 'acme/lib', issue },
  attempt: 1,
  oid: 'a'.repeat(40),
})

export async function collect(entries: AsyncIterable<LoggedEntry>): Promise<LoggedEntry[]> {
  const all: LoggedEntry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

/** Waits until `journal` has at least `length` entries of the peer's journal. */
export function replicated(journal: Journal, peerId: string, length: number): Promise<unknown> {
  return until(`replica of ${length} entries`, 15_000, () =>
    journal
      .journals()
      .some(
        (info) => info.peerId === peerId && info.identity === 'proven' && info.available >= length,
      ),
  )
}
