/** Writes docs/schemas/ and docs/protocol-examples.md: `npm run generate`. A test compares them. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { format } from 'prettier'
import { canonicalJson } from '../../src/util/index.ts'
import { examples } from './examples.ts'
import { ada, bob, eve, inviteKey, meshId, recovery, rootKey } from './parties.ts'
import { wireSchemas } from './schemas.ts'

const docs = new URL('../../docs/', import.meta.url)

const head = `# Examples of every message

Generated from the code by \`npm run generate\`. What they mean is on [the page of the protocol](protocol.md); their schemas are in [schemas/](schemas/). A test checks that each fits its schema and that its signatures hold.

All keys are Ed25519, made from seeds of 32 equal bytes. Signatures and hashes can be made anew byte by byte. Values are printed as canonical JSON, which is how they are sent.

| key                                | seed byte | peer id or public key |
| ---------------------------------- | --------- | --- |
| recovery key                       | 1         | \`${recovery.publicKey}\` |
| mesh key of epoch 0, from it       |           | \`${rootKey.publicKey}\` |
| ada, founder and signer            | 2         | \`${ada.peerId}\` |
| bob, who joins                     | 3         | \`${bob.peerId}\` |
| eve, who was removed               | 4         | \`${eve.peerId}\` |
| key of the invite                  | 5         | \`${inviteKey.publicKey}\` |

The mesh is named \`example\`; its id is \`${meshId}\`. Bob's journal was made by hypercore 11.37.1.
`

export async function examplesPage(): Promise<string> {
  const sections = (await examples()).map(({ schema, title, value }) => {
    const text = schema === undefined ? String(value) : canonicalJson(value)
    const link = schema === undefined ? '' : `Schema: [${schema}](schemas/${schema}.json)\n\n`
    return `## ${title}\n\n${link}\`\`\`text\n${text}\n\`\`\`\n`
  })
  const style = { semi: false, singleQuote: true, printWidth: 100 } as const
  return format([head, ...sections].join('\n'), { parser: 'markdown', ...style })
}

async function write(): Promise<void> {
  const schemas = wireSchemas()
  const dir = new URL('schemas/', docs)
  await mkdir(dir, { recursive: true })
  for (const file of await readdir(dir)) {
    if (!Object.hasOwn(schemas, file.replace(/\.json$/, ''))) await rm(new URL(file, dir))
  }
  for (const [name, schema] of Object.entries(schemas)) {
    await writeFile(new URL(`${name}.json`, dir), `${JSON.stringify(schema, null, 2)}\n`)
  }
  await writeFile(new URL('protocol-examples.md', docs), await examplesPage())
}

if (import.meta.main) await write()
