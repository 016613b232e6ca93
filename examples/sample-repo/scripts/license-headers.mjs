/** Puts the SPDX header on every source and test file that lacks it. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'

const HEADER = '// SPDX-License-Identifier: MIT\n'
const root = new URL('../', import.meta.url)

for (const folder of ['src/', 'test/']) {
  for (const name of readdirSync(new URL(folder, root)).sort()) {
    if (!name.endsWith('.ts')) continue
    const file = new URL(folder + name, root)
    const text = readFileSync(file, 'utf8')
    if (text.startsWith(HEADER)) continue
    writeFileSync(file, `${HEADER}\n${text}`)
    console.log(`header added: ${folder}${name}`)
  }
}
