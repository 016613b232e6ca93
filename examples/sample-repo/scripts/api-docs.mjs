/** Writes docs/API.md from the doc comments of the exported functions and constants in src/. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const EXPORTED = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport (function|const) (\w+)([^\n]*)/g

const words = (comment) =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .trim()

const signature = (kind, name, rest) =>
  kind === 'const' ? `const ${name}${rest}` : `function ${name}${rest.replace(/ \{$/, '')}`

const parts = ['# API', 'Written by `scripts/api-docs.mjs`.']
for (const name of readdirSync(new URL('src/', root)).sort()) {
  if (name === 'index.ts' || !name.endsWith('.ts')) continue
  const found = [...readFileSync(new URL(`src/${name}`, root), 'utf8').matchAll(EXPORTED)]
  if (found.length === 0) continue
  parts.push(`## ${name.replace(/\.ts$/, '')}`)
  for (const [, comment, kind, exported, rest] of found) {
    parts.push(`### ${exported}`)
    parts.push(`\`\`\`ts\n${signature(kind, exported, rest)}\n\`\`\``)
    parts.push(words(comment))
  }
}
writeFileSync(new URL('docs/API.md', root), `${parts.join('\n\n')}\n`)
console.log('docs/API.md written')
