/** Languages and tools: programs on PATH, each with what prints its version. One row each. */
import type { Detector } from './detector.ts'

type Row = readonly [name: string, ...command: [string, ...string[]]]

const LANGUAGES: readonly Row[] = [
  ['node', 'node', '--version'],
  ['python', 'python3', '--version'],
  ['go', 'go', 'version'],
  ['rust', 'rustc', '--version'],
  ['java', 'java', '-version'],
  ['c', 'gcc', '--version'],
  ['ruby', 'ruby', '--version'],
  ['deno', 'deno', '--version'],
  ['bun', 'bun', '--version'],
  ['php', 'php', '--version'],
  ['dotnet', 'dotnet', '--version'],
]

const TOOLS: readonly Row[] = [
  ['git', 'git', '--version'],
  ['docker', 'docker', '--version'],
  ['podman', 'podman', '--version'],
  ['make', 'make', '--version'],
  ['cmake', 'cmake', '--version'],
  ['npm', 'npm', '--version'],
  ['pnpm', 'pnpm', '--version'],
  ['yarn', 'yarn', '--version'],
  ['cargo', 'cargo', '--version'],
  ['pip', 'pip3', '--version'],
  ['uv', 'uv', '--version'],
  ['maven', 'mvn', '--version'],
  ['gradle', 'gradle', '--version'],
  ['bwrap', 'bwrap', '--version'],
]

const detector =
  (into: 'languages' | 'tools') =>
  ([name, ...command]: Row): Detector => ({
    name,
    detect: async ({ probe }, signal) => {
      const said = await probe.ask(command, signal)
      if (said === undefined) return {}
      const version = probe.versionIn(said)
      return { [into]: [version === undefined ? { name } : { name, version }] }
    },
  })

export const languageDetectors = LANGUAGES.map(detector('languages'))
export const toolDetectors = TOOLS.map(detector('tools'))
