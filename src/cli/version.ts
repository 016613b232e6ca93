/** The version of this package, from its package.json, and what a bug report needs beside it. */
import { readFileSync } from 'node:fs'

export function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return version
}

/** What `bzzz version --json` and `bzzz --version --json` print. */
export function versionFacts() {
  return {
    bzzz: packageVersion(),
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  }
}
