/**
 * The lines that a change adds, file by file, out of one patch. Hunks say how many lines they have, so
 * that no content can pass for a header; every file counts as text, whatever attributes say of it.
 */
import type { ScanPart } from '../../secrets/index.ts'

type Run = (args: string[]) => Promise<string>

const ARGS = [
  'diff-tree',
  '-r',
  '-p',
  '-z',
  '--unified=0',
  '--no-renames',
  '--text',
  '--diff-filter=d',
]
const PREFIXES = [
  '--no-color',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '--no-ext-diff',
  '--no-textconv',
]
const HUNK = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/

/** One part for each file that gains lines, links by their targets. `from` and `to`: commits or trees. */
export async function addedLines(run: Run, from: string, to: string): Promise<ScanPart[]> {
  return parsePatch(await run([...ARGS, ...PREFIXES, from, to]))
}

/** A patch with `-U0` and unquoted names. */
export function parsePatch(patch: string): ScanPart[] {
  const parts: { where: string; text: string[]; lines: number[] }[] = []
  const all = patch.split('\n')
  for (let at = 0; at < all.length; at += 1) {
    const line = all[at] ?? ''
    if (line.startsWith('+++ b/')) {
      parts.push({ where: line.slice('+++ b/'.length).replace(/\t$/, ''), text: [], lines: [] })
      continue
    }
    const hunk = HUNK.exec(line)
    const part = parts.at(-1)
    if (hunk === null || part === undefined) continue
    const first = Number(hunk[1])
    const count = Number(hunk[2] ?? 1)
    let seen = 0
    while (seen < count && at + 1 < all.length) {
      at += 1
      const next = all[at] ?? ''
      // What was removed stands before what was added; "\" says that a file ends without a line break.
      if (!next.startsWith('+')) continue
      part.text.push(next.slice(1))
      part.lines.push(first + seen)
      seen += 1
    }
  }
  return parts
    .filter(({ text }) => text.length > 0)
    .map(({ where, text, lines }) => ({ where, text: text.join('\n'), lines }))
}

/** Whether the added lines make or change a pointer of Git LFS: its content was never uploaded. */
export function isPointer({ text }: ScanPart): boolean {
  return text.length < 4_096 && /^oid sha256:[0-9a-f]{64}\r?$/m.test(text)
}
