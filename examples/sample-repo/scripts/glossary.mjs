/** Spells docs/GUIDE.md by the house glossary. Where its program is missing, another agent is asked. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const guide = fileURLToPath(new URL('../docs/GUIDE.md', import.meta.url))
const { error, status } = spawnSync('house-glossary', [guide], { stdio: 'inherit' })
if (error?.code === 'ENOENT') {
  console.log('bzzz-ask: Who has the program house-glossary, to spell docs/GUIDE.md by it?')
  process.exit(75)
}
if (error !== undefined) throw error
process.exit(status ?? 1)
