/**
 * A vitest reporter whose only output is the last line of the run: `N passed, N failed`, with
 * `, N skipped` when there are any. A file that could not be collected and an error outside of any
 * test count as failed, so the line says "0 failed" only when the run succeeded.
 */
import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

export function count(modules: readonly TestModule[], errors: readonly SerializedError[]): Counts {
  const counts = { passed: 0, failed: errors.length, skipped: 0 }
  for (const module of modules) {
    const before = counts.failed
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') counts.passed += 1
      else if (state === 'failed') counts.failed += 1
      else counts.skipped += 1
    }
    if (counts.failed === before && !module.ok()) counts.failed += 1
  }
  return counts
}

export const line = ({ passed, failed, skipped }: Counts) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const counts = count(modules, errors)
    process.once('exit', (code) => {
      if (code !== 0 && counts.failed === 0) counts.failed = 1
      writeSync(1, `\n${line(counts)}\n`)
    })
  }
}
