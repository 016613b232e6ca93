/**
 * Cuts a release: `node scripts/release.mjs 1.1.0` writes the version to package.json and
 * src/version.ts and turns the unreleased section of CHANGELOG.md into one of that version.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const read = (name) => readFileSync(new URL(name, root), 'utf8')
const write = (name, text) => writeFileSync(new URL(name, root), text)

function fail(message) {
  console.error(message)
  process.exit(1)
}

const version = process.argv[2] ?? ''
if (!/^\d+\.\d+\.\d+$/.test(version)) fail('Usage: node scripts/release.mjs MAJOR.MINOR.PATCH')

const number = (text) => text.split('.').map(Number)
const isOlder = (a, b) => {
  const at = a.findIndex((part, index) => part !== b[index])
  return at >= 0 && a[at] < b[at]
}

const manifest = read('package.json')
const current = JSON.parse(manifest).version
if (current === version) {
  console.log(`${version} is released already`)
  process.exit(0)
}
if (isOlder(number(version), number(current))) fail(`${version} is older than ${current}`)

const changelog = read('CHANGELOG.md')
const [, unreleased = ''] = /\n## Unreleased\n([\s\S]*?)(?=\n## |$)/.exec(changelog) ?? []
if (unreleased.trim() === '') fail('CHANGELOG.md has nothing unreleased')

write('CHANGELOG.md', changelog.replace('\n## Unreleased\n', `\n## ${version}\n`))
write('package.json', manifest.replace(`"version": "${current}"`, `"version": "${version}"`))
write('src/version.ts', read('src/version.ts').replace(`'${current}'`, `'${version}'`))
console.log(`${version} is ready`)
