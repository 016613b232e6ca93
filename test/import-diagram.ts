/** The import diagram of the rooms, as Mermaid: `node test/import-diagram.ts` writes docs/imports.md; the house test compares it. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'

const root = fileURLToPath(new URL('..', import.meta.url))
const roomOf = (path: string) => /^src\/([^/]+)\//.exec(path)?.[1]

/** `util` is left out: every room imports it. */
export async function importDiagram(): Promise<string> {
  const { output } = await cruise(['src'], {
    baseDir: root,
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
  })
  if (typeof output === 'string') throw new TypeError('dependency-cruiser gave text')
  const arrows = new Set<string>()
  for (const { source, dependencies } of output.modules) {
    const from = roomOf(source)
    for (const { resolved, dependencyTypes } of dependencies) {
      const to = roomOf(resolved)
      if (from === undefined || to === undefined || from === to || to === 'util') continue
      const style = dependencyTypes.includes('type-only') ? '-.->' : '-->'
      arrows.add(`  ${from} ${style} ${to}`)
    }
  }
  // A pair with both kinds of import needs only the stronger arrow.
  const drawn = [...arrows].filter(
    (arrow) => !(arrow.includes('-.->') && arrows.has(arrow.replace('-.->', '-->'))),
  )
  return [
    '# Which room imports which',
    '',
    'Generated from the code by `npm run generate`. A dotted arrow: types only. Every room imports `util`.',
    '',
    '```mermaid',
    'flowchart TD',
    ...drawn.sort(),
    '```',
    '',
  ].join('\n')
}

if (import.meta.main)
  await writeFile(new URL('../docs/imports.md', import.meta.url), await importDiagram())
