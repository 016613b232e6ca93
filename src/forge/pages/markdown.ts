/**
 * The little Markdown that issues and pull requests use: headings, lists, tables, code, quotes,
 * bold, links to http(s) and `#12`, and a backslash that keeps a sign from meaning something. It builds on escaped text only: no HTML of an author reaches the page, and
 * HTML comments are left out, as on github.com.
 */
import { html, raw } from 'hono/html'
import { tableAt, type Table } from './markdown-table.ts'

type Piece = ReturnType<typeof html>

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escape = (text: string) => text.replaceAll(/[&<>"']/g, (sign) => escapes[sign] ?? '')
/** Each repetition has a bound: an author must not be able to make the search quadratic. */
const INLINE =
  /\\([!-/:-@[-`{-~\n])|(`[^`\n]{1,1000}`)|\*\*([^*\n]{1,500})\*\*|\[([^[\]\n]{1,300})\]\((https?:\/\/[^\s)]{1,1000})\)|(https?:\/\/[^\s<>"'\])]{1,1000})|(?<![\w/&])#(\d{1,9})\b/g
/** Longer texts are shown as they are. */
const MOST_CHARS = 200_000

function inline(text: string, repoPage: string): string {
  let out = ''
  let last = 0
  for (const match of text.matchAll(INLINE)) {
    const [whole, plain, code, bold, label, href, bare, number] = match
    out += escape(text.slice(last, match.index))
    last = match.index + whole.length
    if (plain !== undefined) out += escape(plain)
    else if (code !== undefined) out += `<code>${escape(code.slice(1, -1))}</code>`
    else if (bold !== undefined) out += `<b>${escape(unescaped(bold))}</b>`
    else if (label !== undefined && href !== undefined) out += link(href, unescaped(label))
    else if (bare !== undefined) out += link(bare, bare)
    else out += `<a href="${escape(repoPage)}/issues/${number}">#${number}</a>`
  }
  return out + escape(text.slice(last))
}

const unescaped = (text: string) => text.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1')

function drawTable({ head, rows, right }: Table, page: string): string {
  const line = (cells: readonly string[], tag: 'th' | 'td') =>
    cells
      .map(
        (cell, at) => `<${tag}${right[at] ? ' class="right"' : ''}>${inline(cell, page)}</${tag}>`,
      )
      .join('')
  const body = rows.map((row) => `<tr>${line(row, 'td')}</tr>`).join('')
  return `<div class="scroll"><table><thead><tr>${line(head, 'th')}</tr></thead><tbody>${body}</tbody></table></div>`
}

const link = (href: string, label: string) =>
  `<a href="${escape(href)}" rel="nofollow noreferrer">${escape(label)}</a>`

function withoutComments(text: string): string {
  let out = ''
  for (let at = 0; ;) {
    const start = text.indexOf('<!--', at)
    const end = start < 0 ? -1 : text.indexOf('-->', start)
    if (end < 0) return out + text.slice(at)
    out += text.slice(at, start)
    at = end + '-->'.length
  }
}

type Block = { kind: 'p' | 'quote' | 'ul' | 'ol'; lines: string[] }

const ITEM = /^\s{0,3}(?:([-*+])|\d{1,9}[.)])\s+(.*)$/

function kindOf(line: string): Block['kind'] {
  const item = ITEM.exec(line)
  if (item !== null) return item[1] === undefined ? 'ol' : 'ul'
  return line.startsWith('>') ? 'quote' : 'p'
}

function render(block: Block, page: string): string {
  const { kind, lines } = block
  if (kind === 'p') return `<p>${inline(lines.join('\n').trim(), page)}</p>`
  if (kind === 'quote')
    return `<blockquote><p>${inline(lines.map((line) => line.replace(/^>\s?/, '')).join('\n'), page)}</p></blockquote>`
  const items = lines.map((line) => {
    const text = ITEM.exec(line)?.[2] ?? line
    return `<li>${inline(text.replace(/^\[ \]\s/, '☐ ').replace(/^\[[xX]\]\s/, '☑ '), page)}</li>`
  })
  return `<${kind}>${items.join('')}</${kind}>`
}

function convert(text: string, page: string): string {
  const out: string[] = []
  let block: Block | undefined
  const flush = () => {
    if (block !== undefined) out.push(render(block, page))
    block = undefined
  }
  const lines = withoutComments(text).split(/\r?\n/)
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const fence = /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    const drawn = tableAt(lines, at)
    const heading = /^(#{1,6})\s(.+)$/.exec(line)
    if (fence !== undefined) {
      flush()
      const end = lines.findIndex((other, index) => index > at && other.trim().startsWith(fence))
      const stop = end < 0 ? lines.length : end
      out.push(`<pre><code>${escape(lines.slice(at + 1, stop).join('\n'))}</code></pre>`)
      at = stop
    } else if (drawn !== undefined) {
      flush()
      out.push(drawTable(drawn, page))
      at += drawn.lines - 1
    } else if (heading !== null) {
      flush()
      const level = Math.min(4, heading[1]?.length ?? 1)
      out.push(`<h${level}>${inline((heading[2] ?? '').trim(), page)}</h${level}>`)
    } else if (/^ {0,3}([-*_])(?: ?\1){2,} {0,3}$/.test(line)) {
      flush()
      out.push('<hr>')
    } else if (line.trim() === '') flush()
    else {
      const kind = kindOf(line)
      const goesOn =
        block !== undefined && (kind === block.kind || (kind === 'p' && /^\s/.test(line)))
      if (!goesOn) flush()
      block ??= { kind, lines: [] }
      if (kind === 'p' && block.kind !== 'p')
        block.lines.push(`${block.lines.pop() ?? ''}\n${line.trim()}`)
      else block.lines.push(line)
    }
  }
  flush()
  return out.join('\n')
}

/** `repoPage`: address of the repository's page, for `#12`. */
export function markdown(text: string, repoPage: string): Piece {
  if (text.length > MOST_CHARS) return html`<pre class="plain">${text}</pre>`
  return html`<div class="md">${raw(convert(text, repoPage))}</div>`
}
