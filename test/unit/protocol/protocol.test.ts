/**
 * What docs/ says of the protocol is what the code does: the schemas are the code's, the examples fit
 * them, and the independent peer, which knows the page alone, accepts every signature.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { Ajv2020 } from 'ajv/dist/2020.js'
import crypto from 'hypercore-crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { Readable } from 'node:stream'
import { readBundle } from '../../../src/journal/index.ts'
import { entryTypes } from '../../../src/journal/entries.ts'
import { refusals } from '../../../src/mesh/membership/join-wire.ts'
import { verifySignature } from '../../../src/mesh/index.ts'
import { join as joining, protocols, topics } from '../../../src/mesh/wire.ts'
import { canonical, isSignedByKey, isSignedByPeer, type Fields } from '../../independent/forms.ts'
import { Roster } from '../../independent/roster.ts'
import { readToken } from '../../independent/token.ts'
import { examples, type Example } from '../../protocol/examples.ts'
import { examplesPage } from '../../protocol/generate.ts'
import { bob, meshId } from '../../protocol/parties.ts'
import { wireSchemas } from '../../protocol/schemas.ts'

const docs = new URL('../../../docs/', import.meta.url)
const schemas = wireSchemas()
let all: Example[]
beforeAll(async () => {
  all = await examples()
})

function compile() {
  const ajv = new Ajv2020({ strict: false })
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, `${name}.json`)
  return (name: string, value: unknown) => ajv.validate(`${name}.json`, value)
}

/** BLAKE2b of 32 bytes. */
interface Hashing {
  hash(parts: Uint8Array[]): Buffer
}

const named = (schema: string): Fields => {
  const found = all.find((one) => one.schema === schema)
  if (found === undefined) throw new Error(`no example of ${schema}`)
  return found.value as Fields
}
const titled = (title: string) => all.find((one) => one.title === title)?.value

describe('what is generated of the protocol', () => {
  it('is current (else: npm run generate)', async () => {
    const files = await readdir(new URL('schemas/', docs))
    expect(files.sort()).toEqual(Object.keys(schemas).map((name) => `${name}.json`).sort()) // prettier-ignore
    for (const [name, schema] of Object.entries(schemas)) {
      const text = await readFile(new URL(`schemas/${name}.json`, docs), 'utf8')
      expect(JSON.parse(text), name).toEqual(schema)
    }
    expect(await readFile(new URL('protocol-examples.md', docs), 'utf8')).toBe(await examplesPage())
  })

  it('has an example for every schema, and it fits', () => {
    const fits = compile()
    const shown = new Set(all.map(({ schema }) => schema))
    expect(Object.keys(schemas).filter((name) => !shown.has(name))).toEqual(['statement'])
    for (const { schema, title, value } of all) {
      if (schema !== undefined) expect([title, fits(schema, value)]).toEqual([title, true])
    }
  })

  it('has schemas that refuse a message that lacks something', () => {
    const fits = compile()
    for (const [name, { required }] of Object.entries(schemas)) {
      for (const field of (required ?? []) as string[]) {
        const { [field]: _, ...rest } = named(name)
        expect([name, field, fits(name, rest)]).toEqual([name, field, false])
      }
    }
    expect(fits('statement', { ...named('statement-genesis'), extra: 1 })).toBe(false)
    const notice = { ...named('topic-roster'), statements: [{ kind: 'gossip' }] }
    expect(fits('topic-roster', notice)).toBe(false)
  })

  it('is described on the page, to the last message', async () => {
    const page = await readFile(new URL('protocol.md', docs), 'utf8')
    for (const { id } of [...Object.values(topics), ...Object.values(protocols)]) {
      expect(page).toContain(`\`${id}\``)
    }
    const bytes = (count: number) => count.toLocaleString('en-US')
    const rows = page.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
    for (const { id, maxBytes } of Object.values(topics)) {
      const start = `| \`${id}\` | ${bytes(maxBytes)} |`
      expect(rows.filter((row) => row.startsWith(start))).toHaveLength(1)
    }
    const join = { ...joining, id: joining.protocol, kind: 'request', maxBytes: joining.maxResponseBytes } as const // prettier-ignore
    for (const protocol of [join, ...Object.values(protocols)]) {
      if (protocol.kind === 'stream') continue
      const { id, maxBytes } = protocol
      const most = 'maxRequestBytes' in protocol ? protocol.maxRequestBytes : maxBytes
      const start = `| \`${id}\` | ${bytes(most)} | ${bytes(maxBytes)} |`
      expect(rows.filter((row) => row.startsWith(start))).toHaveLength(1)
    }
    for (const word of [...entryTypes, ...Object.keys(refusals)]) expect(page).toContain(`\`${word}\``) // prettier-ignore
    for (const [, link = ''] of page.matchAll(/\]\(schemas\/([^)]+)\.json\)/g)) {
      expect(Object.keys(schemas)).toContain(link)
    }
  })
})

describe('the examples, read by a peer that knows the page alone', () => {
  it('prove who is a member, with the digest of the roster', async () => {
    const { statements, digest } = named('roster-answer') as {
      statements: Fields[]
      digest: string
    }
    const roster = await Roster.open(statements, meshId)
    expect(roster.digest()).toBe(digest)
    expect(roster.statements()).toHaveLength(statements.length)
    const forged = statements.map((one) => ({ ...one, ...(one.name === 'bob' && { name: 'bad' }) }))
    expect((await Roster.open(forged, meshId)).statements()).toHaveLength(statements.length - 1)
    await expect(Roster.open(statements, 'f'.repeat(64))).rejects.toThrow('another mesh')
  })

  it('hold a token and the proof that goes with it', async () => {
    const token = await readToken(String(titled('Its token')))
    const invite = named('invite')
    expect(token.invite).toEqual(invite)
    const { proof } = titled('Join') as { proof: string }
    const signed = String(titled('What the invite’s key signs in `proof`'))
    expect(await isSignedByKey(String(invite.key), signed, proof)).toBe(true)
    expect(await isSignedByKey(String(invite.key), `${signed} `, proof)).toBe(false)
  })

  it('make a bundle that is whole and proves itself', async () => {
    const text = all
      .filter(({ schema }) => schema?.startsWith('bundle-') === true)
      .map(({ value }) => `${JSON.stringify(value)}\n`)
    const chunks = (lines: string[]) => Readable.from(lines.map((line) => Buffer.from(line)))
    const { journals } = await readBundle(chunks(text), { verify: verifySignature })
    expect(journals).toMatchObject([{ agent: 'bob', peerId: bob.peerId, ok: true, problems: [] }])
    await expect(
      readBundle(chunks(text.slice(0, -1)), { verify: verifySignature }),
    ).rejects.toThrow('its end is missing')
  })

  it('commit to the next mesh key', () => {
    const { key, next } = named('statement-rotation')
    const hash = createHash('sha256').update(canonical({ key, next })).digest('base64url')
    expect(named('statement-genesis').next).toBe(hash)
  })

  it('sign a journal’s length as the page derives it, with the constants on the page', async () => {
    const page = await readFile(new URL('protocol.md', docs), 'utf8')
    const constant = (name: string) =>
      Buffer.from(new RegExp(`\\| ${name} +\\| \`([0-9a-f]{64})\``).exec(page)?.[1] ?? '', 'hex')
    const blake2b = (...parts: Uint8Array[]) => (crypto as unknown as Hashing).hash(parts)
    const u64 = (value: number) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(BigInt(value))
      return bytes
    }
    const { journal } = titled('Bundle, line 2') as { journal: Record<string, string | number> }
    const block = Buffer.from((titled('Bundle, line 3') as { b: string }).b, 'base64')
    const manifest = Buffer.from(String(journal.manifest), 'base64')
    const publicKey = manifest.subarray(-32)
    const head = Buffer.from('010000010100', 'hex')
    expect(manifest).toEqual(Buffer.concat([head, constant('NAMESPACE'), publicKey]))
    const key = blake2b(constant('MANIFEST'), manifest)
    expect(key.toString('hex')).toBe(journal.key)
    const leaf = blake2b(Buffer.from([0]), u64(block.byteLength), block)
    const tree = blake2b(Buffer.from([2]), leaf, u64(0), u64(block.byteLength))
    const signable = Buffer.concat([constant('TREE'), key, tree, u64(1), u64(0)])
    const signature = Buffer.from(String(journal.signature), 'base64')
    expect(signature).toHaveLength(68)
    expect(publicKeyFromRaw(publicKey).verify(signable, signature.subarray(2, 66))).toBe(true)
    const { treeHash } = (named('witness-answer').heads as Fields[])[0] ?? {}
    expect(treeHash).toBe(tree.toString('hex'))
  })

  it('are signed: announcement, journal, claim', async () => {
    const { payload, signature } = named('topic-capabilities') as Record<string, string>
    const { peerId } = bob
    const isBobs = (text: string, by: unknown) => isSignedByPeer(peerId, text, String(by))
    expect(await isBobs(`bzzz-capabilities:example:${payload}`, signature)).toBe(true)
    expect(await isBobs(`bzzz-capabilities:other:${payload}`, signature)).toBe(false)
    const said = JSON.parse(payload ?? '') as { journal: { key: string } }
    const { proof } = named('entry-agent.started')
    expect(await isBobs(`bzzz-journal:${said.journal.key}:0`, proof)).toBe(true)
    const { signature: claimed, ...record } = named('claim-record')
    expect(await isBobs(`bzzz-claim:${canonical(record)}`, claimed)).toBe(true)
  })
})
