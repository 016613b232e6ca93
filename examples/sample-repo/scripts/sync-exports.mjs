/** Writes src/index.ts, so that it exports everything that the modules export. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'

const source = new URL('../src/', import.meta.url)

const lines = ['// Written by scripts/sync-exports.mjs.']
for (const name of readdirSync(source).sort()) {
  if (name === 'index.ts' || !name.endsWith('.ts')) continue
  const text = readFileSync(new URL(name, source), 'utf8')
  const exported = [...text.matchAll(/^export (?:function|const) (\w+)/gm)].map((match) => match[1])
  if (exported.length === 0) continue
  lines.push(`export { ${exported.sort().join(', ')} } from './${name}'`)
}
const index = new URL('index.ts', source)
const header = /^\/\/ SPDX[^\n]*\n\n/.exec(readFileSync(index, 'utf8'))?.[0] ?? ''
writeFileSync(index, `${header}${lines.join('\n')}\n`)
console.log('src/index.ts written')
