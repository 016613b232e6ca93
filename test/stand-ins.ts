/**
 * Programs that an agent asks for their version when it starts, and that no task of a test uses. Those
 * of the machine are slow to say it (a JVM, Python behind a shim): together half a second of processor
 * time for each agent that a test starts. In front of PATH, these say one at once, and every machine
 * that runs the tests offers the same. What is detected is tested elsewhere, with programs of its own.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const place = fileURLToPath(new URL('../node_modules/.cache/bzzz/stand-ins', import.meta.url))
const PROGRAMS = ['cargo', 'cmake', 'docker', 'java', 'mvn', 'npm', 'pip3', 'rustc']

/** PATH with the stand-ins first and the Node that runs the tests next. Writes them when called first. */
export function pathWithStandIns(): string {
  made ??= make()
  return `${made}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
}

let made: string | undefined
function make(): string {
  mkdirSync(place, { recursive: true })
  for (const name of PROGRAMS) {
    const file = join(place, name)
    // Whole at once: other workers do the same, and start what is there.
    writeFileSync(`${file}.${process.pid}`, '#!/bin/sh\necho 1.0.0\n', { mode: 0o755 })
    renameSync(`${file}.${process.pid}`, file)
  }
  return place
}
