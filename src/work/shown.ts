/**
 * Markdown as its page shows it: what a person who reads the issue does not see is taken out, since it
 * may have been put there for somebody else. That is comments, link definitions that nothing uses, what
 * pages drop from HTML, texts behind pictures, titles and odd targets of links. Code stays as it is:
 * there, everything is seen. A marker stays where something was, so that pieces around it cannot join.
 */
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFootnoteFromMarkdown } from 'mdast-util-gfm-footnote'
import { gfmFootnote } from 'micromark-extension-gfm-footnote'
import type { Nodes, Parents, Root } from 'mdast'

export const HIDDEN_MARKER = '[hidden text removed]'
const IMAGE = '[image]'
const MAX_TARGET = 500
const SAFE_TARGET = /^(?:https?:\/\/|mailto:|[#./?]|[\w-]+(?:[./#?]|$))/i

const COMMENT = /<!--[\s\S]*?(?:--!?>|$)/g
/** Elements whose content is no part of a page. */
const DROPPED =
  'script|style|title|textarea|template|noscript|iframe|noembed|noframes|xmp|plaintext|svg|math|object|select|head'
const DROPPED_WHOLE = new RegExp(`<(${DROPPED})\\b[^>]*>[\\s\\S]*?(?:</\\1\\s*>|$)`, 'gi')
const DROPPED_START = new RegExp(`^<(${DROPPED})\\b`, 'i')
const TAG = /<(\/?)([A-Za-z][A-Za-z0-9-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/g
/** Instructions, declarations and CDATA, which pages drop. */
const OTHER = /<[!?][^>]*>/g

interface Edit {
  start: number
  end: number
  text: string
}

/** Line ends must be `\n`. */
export function shownMarkdown(text: string): string {
  const tree = fromMarkdown(text, {
    extensions: [gfmFootnote()],
    mdastExtensions: [gfmFootnoteFromMarkdown()],
  })
  const edits: Edit[] = []
  const code: Edit[] = []
  walk(tree, { text, used: usedNames(tree), edits, code })
  return apply(text, edits, code)
}

interface Walk {
  text: string
  used: ReadonlySet<string>
  edits: Edit[]
  code: Edit[]
}

function walk(node: Nodes, state: Walk): void {
  const edit = editOf(node, state)
  if (edit !== undefined) state.edits.push(edit)
  if (node.type === 'code' || node.type === 'inlineCode') state.code.push(rangeOf(node, ''))
  if (!('children' in node) || edit?.start === rangeOf(node, '').start) return
  let skipTo = -1
  for (const child of node.children) {
    const { start } = rangeOf(child, '')
    if (start < skipTo) continue
    const dropped = droppedFrom(node, child, state.text)
    if (dropped === undefined) walk(child, state)
    else {
      state.edits.push(dropped)
      skipTo = dropped.end
    }
  }
}

function editOf(node: Nodes, { text, used }: Walk): Edit | undefined {
  switch (node.type) {
    case 'html':
    case 'text': {
      const range = rangeOf(node, '')
      const source = text.slice(range.start, range.end)
      const clean =
        node.type === 'html' ? shownHtml(source) : source.replace(COMMENT, HIDDEN_MARKER)
      return clean === source ? undefined : { ...range, text: clean }
    }
    case 'image':
    case 'imageReference':
      return rangeOf(node, IMAGE)
    case 'definition':
      return rangeOf(
        node,
        used.has(node.identifier) ? `[${node.label ?? ''}]: ${target(node.url)}` : HIDDEN_MARKER,
      )
    case 'footnoteDefinition':
      return used.has(`^${node.identifier}`) ? undefined : rangeOf(node, HIDDEN_MARKER)
    case 'link': {
      const range = rangeOf(node, '')
      const last = node.children.at(-1)
      if (text[range.start] !== '[' || last === undefined) return undefined
      const { end } = rangeOf(last, '')
      return { start: end, end: range.end, text: `](${target(node.url)})` }
    }
    default:
      return undefined
  }
}

/** From an opening tag within a line to what closes it, if pages drop what is between. */
function droppedFrom(parent: Parents, child: Nodes, text: string): Edit | undefined {
  const { start, end } = rangeOf(child, '')
  const name = child.type === 'html' ? DROPPED_START.exec(child.value)?.[1] : undefined
  if (name === undefined || parent.type === 'root') return undefined
  const closing = parent.children.find(
    (other) =>
      other.type === 'html' &&
      rangeOf(other, '').start > start &&
      other.value.toLowerCase().startsWith(`</${name.toLowerCase()}`),
  )
  const last = closing ?? parent.children.at(-1)
  const until = last === undefined ? end : rangeOf(last, '').end
  return { start, end: Math.min(until, text.length), text: HIDDEN_MARKER }
}

function shownHtml(html: string): string {
  return html
    .replace(COMMENT, HIDDEN_MARKER)
    .replace(DROPPED_WHOLE, HIDDEN_MARKER)
    .replace(OTHER, HIDDEN_MARKER)
    .replace(TAG, (_, slash: string, name: string, attributes: string) => {
      const tag = name.toLowerCase()
      if (tag === 'img' || tag === 'picture' || tag === 'source') return IMAGE
      if (tag !== 'details' || /\bopen\b/i.test(attributes)) return `<${slash}${tag}>`
      return slash === '' ? '[part that the page shows collapsed:]' : '[end of that part]'
    })
}

/** Of links, pictures and footnotes that are in the text. */
function usedNames(tree: Root): Set<string> {
  const used = new Set<string>()
  const look = (node: Nodes) => {
    if (node.type === 'linkReference' || node.type === 'imageReference') used.add(node.identifier)
    if (node.type === 'footnoteReference') used.add(`^${node.identifier}`)
    if ('children' in node) node.children.forEach(look)
  }
  look(tree)
  return used
}

function target(url: string): string {
  if (!SAFE_TARGET.test(url)) return '[target removed]'
  return url.length > MAX_TARGET ? `${url.slice(0, MAX_TARGET)}[cut]` : url
}

function rangeOf(node: Nodes, text: string): Edit {
  const start = node.position?.start.offset ?? 0
  return { start, end: node.position?.end.offset ?? start, text }
}

/** Edits do not overlap but for those within another, which then count for nothing. */
function apply(text: string, edits: readonly Edit[], code: readonly Edit[]): string {
  const parts: string[] = []
  let at = 0
  for (const { start, end, text: put } of edits.toSorted((a, b) => a.start - b.start)) {
    if (start < at) continue
    parts.push(outsideCode(text, at, start, code), put)
    at = end
  }
  parts.push(outsideCode(text, at, text.length, code))
  return parts.join('')
}

/** What may have slipped through the grammar opens no comment. */
function outsideCode(text: string, from: number, to: number, code: readonly Edit[]): string {
  const slice = text.slice(from, to)
  const isCode = code.some(({ start, end }) => start < to && end > from)
  return isCode ? slice : slice.replaceAll('<!--', '<! --')
}
