/** A diff, file by file, with both line numbers. */
import { html } from 'hono/html'
import type { FileDiff } from '../git/diff.ts'
import type { Piece } from './parts.ts'

/** More than this is not read by anybody; the rest is in the `.diff`. */
const FILES = 200
const LINES = 2_000

type Line = { kind: '' | 'add' | 'del' | 'hunk'; old: string; new: string; text: string }

export function diffLines(patch: string): Line[] {
  let before = 0
  let after = 0
  return patch.split('\n').map((text): Line => {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text)
    if (hunk !== null) {
      before = Number(hunk[1])
      after = Number(hunk[2])
      return { kind: 'hunk', old: '…', new: '…', text }
    }
    if (text.startsWith('+')) return { kind: 'add', old: '', new: String(after++), text }
    if (text.startsWith('-')) return { kind: 'del', old: String(before++), new: '', text }
    if (text.startsWith('\\')) return { kind: 'hunk', old: '', new: '', text }
    return { kind: '', old: String(before++), new: String(after++), text }
  })
}

function fileDiff(file: FileDiff): Piece {
  const lines = file.patch === undefined ? [] : diffLines(file.patch)
  return html`<details class="box file" open>
    <summary>
      <b class="mono">${file.previous === undefined ? '' : `${file.previous} → `}${file.path}</b>
      <span class="mute">${file.status}</span> <span class="plus">+${file.additions}</span>
      <span class="minus">−${file.deletions}</span>
    </summary>
    ${
      lines.length === 0
        ? html`<div class="none">No text to show.</div>`
        : html`<table class="diff">
            ${lines.slice(0, LINES).map(
              (line) =>
                html`<tr class="${line.kind}">
                  <td class="n">${line.old}</td>
                  <td class="n">${line.new}</td>
                  <td>${line.text}</td>
                </tr>`,
            )}
          </table>`
    }
    ${lines.length > LINES ? html`<div class="none">${lines.length - LINES} more lines.</div>` : ''}
  </details>`
}

export function diff(files: readonly FileDiff[]): Piece {
  const sum = (of: 'additions' | 'deletions') => files.reduce((all, file) => all + file[of], 0)
  return html`<p class="mute">
      ${files.length} changed file${files.length === 1 ? '' : 's'},
      <span class="plus">+${sum('additions')}</span> <span class="minus">−${sum('deletions')}</span>
    </p>
    ${files.slice(0, FILES).map(fileDiff)}
    ${files.length > FILES ? html`<div class="none">${files.length - FILES} more files.</div>` : ''}`
}
