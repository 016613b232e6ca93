/** The own journal, and replicas of the others'. From docs/protocol.md, "Journals" and "Entries". */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import Corestore from 'corestore'
import type { Hypercore } from 'hypercore'
import { base64url, canonical, isSignedByPeer, utf8, type Fields } from './forms.ts'
import { JournalStream } from './replication.ts'

export interface Journals {
  /** For the capabilities; changes with each entry. */
  head(): Promise<Fields>
  append(entry: Fields): Promise<void>
  /** Serves the protocol; to be called before the node starts. */
  serve(node: Libp2p, protocol: string): Promise<void>
  /** Replicates with a connected member, if it is ours to open the stream. */
  connect(connection: Connection, protocol: string): Promise<void>
  /** Waits for an entry of another's journal, and for the proof that it is that peer's. */
  entry(owner: string, key: string, epoch: number, seq: number): Promise<Fields>
  close(): Promise<void>
}

export interface JournalsInit {
  dir: string
  peerId: string
  name: string
  incarnation: string
  sign: (data: Uint8Array) => Promise<Uint8Array>
}

const EPOCH = 0
const PATIENCE_MS = 20_000
const POLL_MS = 50

export async function openJournals(init: JournalsInit): Promise<Journals> {
  const { dir, peerId, name, incarnation, sign } = init
  const store = new Corestore(dir)
  await store.ready()
  const own = store.get({ name: 'journal' })
  await own.ready()
  const key = own.key.toString('hex')

  async function append(entry: Fields): Promise<void> {
    const stamp = { v: 1, epoch: EPOCH, seq: own.length, time: Date.now() }
    await own.append([utf8(canonical({ ...entry, ...stamp }))])
  }

  if (own.length === 0) {
    const proof = base64url(await sign(utf8(`bzzz-journal:${key}:${EPOCH}`)))
    await append({ type: 'agent.started', peerId, name, incarnation, version: '1', proof })
  }

  function replicate(stream: Stream, remotePeerId: string, isInitiator: boolean): void {
    store.replicate(new JournalStream(stream, { isInitiator, peerId, remotePeerId }))
  }

  /** hypercore checks each block against the tree that the journal's key signed. */
  async function block(core: Hypercore, seq: number): Promise<Uint8Array> {
    const range = core.download({ start: 0, end: -1, linear: true })
    try {
      for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
        const found = await core.get(seq, { wait: false })
        if (found !== null) return found
        await sleep(POLL_MS)
      }
      throw new Error(`entry ${seq} did not come`)
    } finally {
      range.destroy()
    }
  }

  const journals: Journals = {
    async head() {
      const treeHash = (await own.treeHash()).toString('hex')
      const signature = own.state.signature?.toString('hex')
      return { key, epoch: EPOCH, length: own.length, fork: own.fork, treeHash, signature }
    },
    append,
    serve: (node, protocol) =>
      node.handle(protocol, (stream, connection) => {
        const remote = connection.remotePeer.toString()
        if (peerId < remote) stream.abort(new Error('it is ours to open this stream'))
        else replicate(stream, remote, false)
      }),
    async connect(connection, protocol) {
      const remote = connection.remotePeer.toString()
      if (peerId < remote) replicate(await connection.newStream([protocol]), remote, true)
    },
    async entry(owner, of, epoch, seq) {
      const core = store.get({ key: Buffer.from(of, 'hex') })
      await core.ready()
      const read = async (at: number) =>
        JSON.parse(Buffer.from(await block(core, at)).toString()) as Fields
      const first = await read(0)
      const isTheirs =
        first.type === 'agent.started' &&
        first.peerId === owner &&
        (await isSignedByPeer(owner, `bzzz-journal:${of}:${epoch}`, String(first.proof)))
      if (!isTheirs) throw new Error(`the journal ${of} is not proven to be ${owner}'s`)
      return seq === 0 ? first : read(seq)
    },
    close: () => store.close(),
  }
  return journals
}
