/**
 * Markdown as its page shows it: what a person who reads the issue does not see is taken out, since it
 * may have been put there for somebody else. The text stays as it was written, but for that: parts of which
 * the rendered page (`rendered.ts`) shows nothing, and what has no place on a page at all: link definitions
 * that nothing uses, labels of references, texts behind pictures, titles and odd targets of links, words behind the
 * language of a code block. Code stays as it is, unless pages draw it. A marker stays where something
 * was, so that pieces around it cannot join.
 */
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFootnoteFromMarkdown } from 'mdast-util-gfm-footnote'
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table'
import { gfmFootnote } from 'micromark-extension-gfm-footnote'
import { gfmTable } from 'micromark-extension-gfm-table'
import type { Code, Nodes, Parents, Root } from 'mdast'
import { shownDrawing, shownFormulas } from './formula.ts'
import { closings, droppedElement, dropsUnclosed, HIDDEN_MARKER, IMAGE, shownHtml } from './html.ts'
import { shownLeaves } from './rendered.ts'
import { namesOf, target, type Names } from './targets.ts'
import { visible } from './visible.ts'

/** Blocks and marks within each other; pages stop at some depth, too. */
const MAX_DEPTH = 60
/** A line that begins with more quotes and lists than that: only parsing it would take very long. */
const TOO_DEEP = new RegExp(
  String.raw`^(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])[ \t])){${MAX_DEPTH},}.*$`,
  'gm',
)
const LANGUAGE = /^[\w+#./-]{1,40}$/

interface Edit {
  start: number
  end: number
  text: string
}

/** Line ends must be `\n`, and invisible characters be gone. */
export function shownMarkdown(markdown: string): string {
  const text = markdown.replace(TOO_DEEP, HIDDEN_MARKER)
  const tree = fromMarkdown(text, {
    extensions: [gfmFootnote(), gfmTable()],
    mdastExtensions: [gfmFootnoteFromMarkdown(), gfmTableFromMarkdown()],
  })
  const edits: Edit[] = prune(tree)
  const shown = shownIn(tree)
  const isShown = (node: Nodes) => shown.get(node) !== false
  const code: Edit[] = []
  walk(tree, { text, isShown, names: namesOf(tree, isShown), closed: closings(text), edits, code })
  return apply(text, edits, code)
}

/** What is too deep is taken out of the tree. */
function prune(tree: Root): Edit[] {
  const edits: Edit[] = []
  const waiting: { node: Nodes; depth: number }[] = [{ node: tree, depth: 0 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, depth } = next
    if (!('children' in node)) continue
    if (depth < MAX_DEPTH)
      for (const child of node.children) waiting.push({ node: child, depth: depth + 1 })
    else if (node.children.length > 0) {
      node.children = []
      edits.push(rangeOf(node, HIDDEN_MARKER))
    }
  }
  return edits
}

/** Whether anything of a node is shown; those with no part that could be are left out. */
function shownIn(tree: Root): Map<Nodes, boolean> {
  const leaves = shownLeaves(tree)
  const known = new Map<Nodes, boolean>()
  const look = (node: Nodes): boolean | undefined => {
    let found: boolean | undefined
    if (!('children' in node)) {
      const isLeaf = 'value' in node
      found = isLeaf ? leaves.has(node) : node.type === 'image' || undefined
      if (node.type === 'imageReference') found = true
    } else {
      for (const child of node.children) {
        const one = look(child)
        found = one === undefined ? found : one || (found ?? false)
      }
      // A link without a text is nothing to look at.
      if (node.type === 'link' || node.type === 'linkReference') found ??= false
    }
    if (found !== undefined) known.set(node, found)
    return found
  }
  look(tree)
  return known
}

interface Walk {
  text: string
  isShown: (node: Nodes) => boolean
  names: Names
  closed: (name: string, at: number) => boolean
  edits: Edit[]
  code: Edit[]
}

function walk(node: Nodes, state: Walk): void {
  if (node.type !== 'root') {
    const edit = state.isShown(node) ? editOf(node, state) : rangeOf(node, HIDDEN_MARKER)
    if (edit !== undefined) state.edits.push(edit)
    if (edit?.start === rangeOf(node, '').start) return
  }
  if (node.type === 'code' || node.type === 'inlineCode') state.code.push(rangeOf(node, ''))
  if ('children' in node) walkChildren(node, state)
}

function walkChildren(node: Parents, state: Walk): void {
  for (const child of node.children) {
    if (child.type === 'html' && node.type !== 'root') {
      const name = droppedElement(child.value)
      const { start, end } = rangeOf(child, '')
      if (name !== undefined && dropsUnclosed(name) && !state.closed(name, end)) {
        // Where a page drops its content, it does so up to the end of the block at least.
        const last = node.children.at(-1) ?? child
        state.edits.push({ start, end: rangeOf(last, '').end, text: HIDDEN_MARKER })
        return
      }
    }
    walk(child, state)
  }
}

function editOf(node: Nodes, { text, names }: Walk): Edit | undefined {
  const range = rangeOf(node, '')
  switch (node.type) {
    case 'html':
      return changed(range, node.value, shownHtml(node.value))
    case 'text': {
      const source = text.slice(range.start, range.end)
      const seen = visible(node.value)
      const plain = seen === node.value ? source : seen.replaceAll('<!--', '<! --')
      return changed(range, source, shownFormulas(withoutComments(plain)))
    }
    case 'image':
    case 'imageReference':
      return { ...range, text: IMAGE }
    case 'definition': {
      const label = `[${node.label ?? ''}]: ${target(node.url)}`
      return { ...range, text: names.used.has(node) ? label : HIDDEN_MARKER }
    }
    case 'footnoteReference':
      return changed(range, node.identifier, names.footnote(node.identifier), (put) => `[^${put}]`)
    case 'footnoteDefinition': {
      const name = names.footnote(node.identifier)
      const [first] = node.children
      if (name === node.identifier || first === undefined) return undefined
      const end = text.lastIndexOf(']:', rangeOf(first, '').start)
      // Not at the start of the node, so that the rest of it stays.
      return { start: range.start + 1, end, text: `^${name}` }
    }
    case 'link':
    case 'linkReference': {
      const isFull = node.type === 'linkReference' && node.referenceType === 'full'
      if (node.type === 'linkReference' && !isFull) return undefined
      const last = node.children.at(-1)
      const url = node.type === 'link' ? node.url : names.definitions.get(node.identifier)?.url
      if (text[range.start] !== '[' || last === undefined) return undefined
      return { start: rangeOf(last, '').end, end: range.end, text: `](${target(url ?? '')})` }
    }
    case 'code':
      return editOfCode(node, text)
    default:
      return undefined
  }
}

/** Of a fenced block, the words behind its language; of one that pages draw, all that is not in the drawing. */
function editOfCode(node: Code, text: string): Edit | undefined {
  const { start, end } = rangeOf(node, '')
  const first = text.slice(start, end).split('\n', 1)[0] ?? ''
  const [fence = ''] = /^(?:`{3,}|~{3,})/.exec(first) ?? []
  const language = node.lang ?? ''
  if (fence === '' || language === '') return undefined
  const drawn = shownDrawing(language, node.value)
  const isPlain = LANGUAGE.test(language) && (node.meta ?? '') === ''
  const info = LANGUAGE.test(language) ? language : ''
  const head = isPlain ? first : `${fence}${info} ${HIDDEN_MARKER}`
  if (drawn !== node.value) return { start, end, text: `${head}\n${drawn}\n${fence}` }
  // Not at the start of the node, so that the rest of it stays.
  return isPlain
    ? undefined
    : { start: start + fence.length, end: start + first.length, text: head.slice(fence.length) }
}

const withoutComments = (text: string) => text.replace(/<!--[\s\S]*?(?:--!?>|$)/g, HIDDEN_MARKER)

function changed(
  range: Edit,
  before: string,
  after: string,
  form = (put: string) => put,
): Edit | undefined {
  return before === after ? undefined : { ...range, text: form(after) }
}

function rangeOf(node: Nodes, text: string): Edit {
  const start = node.position?.start.offset ?? 0
  return { start, end: node.position?.end.offset ?? start, text }
}

/** Edits do not overlap but for those within another, which then count for nothing. */
function apply(text: string, edits: readonly Edit[], code: readonly Edit[]): string {
  const parts: string[] = []
  const kept = code.toSorted((a, b) => a.start - b.start)
  let at = 0
  let next = 0
  /** What may have slipped through the grammar opens no comment outside of code. */
  const copy = (to: number) => {
    while (at < to) {
      while ((kept[next]?.end ?? Infinity) <= at) next += 1
      const { start, end } = kept[next] ?? { start: to, end: to }
      const isCode = start <= at
      const until = Math.min(to, isCode ? end : start)
      const slice = text.slice(at, until)
      parts.push(isCode ? slice : slice.replaceAll('<!--', '<! --'))
      at = until
    }
  }
  for (const { start, end, text: put } of edits.toSorted((a, b) => a.start - b.start)) {
    if (start < at) continue
    const joins = start === at && put === HIDDEN_MARKER && parts.at(-1) === HIDDEN_MARKER
    copy(start)
    if (!joins) parts.push(put)
    at = end
  }
  copy(text.length)
  return parts.join('')
}
