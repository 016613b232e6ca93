/**
 * HTML as a browser's tokenizer takes it apart. Only the tokenizer of parse5 is used, no tree is built: of
 * nested formatting elements a tree may become far larger than its text.
 */
import { Tokenizer, TokenizerMode, type Token } from 'parse5'
import { visible } from './visible.ts'

export const HIDDEN_MARKER = '[hidden text removed]'
export const IMAGE = '[image]'

/** Elements whose content is no part of a page; with how the tokenizer reads what is within. */
const DROPPED: Readonly<Record<string, number>> = {
  script: TokenizerMode.SCRIPT_DATA,
  style: TokenizerMode.RAWTEXT,
  xmp: TokenizerMode.RAWTEXT,
  iframe: TokenizerMode.RAWTEXT,
  noembed: TokenizerMode.RAWTEXT,
  noframes: TokenizerMode.RAWTEXT,
  noscript: TokenizerMode.DATA,
  title: TokenizerMode.RCDATA,
  textarea: TokenizerMode.RCDATA,
  plaintext: TokenizerMode.DATA,
  template: TokenizerMode.DATA,
  svg: TokenizerMode.DATA,
  math: TokenizerMode.DATA,
  object: TokenizerMode.DATA,
  select: TokenizerMode.DATA,
  head: TokenizerMode.DATA,
}
/** Words that people write, and that end nothing where they are not closed. */
const HARMLESS: ReadonlySet<string> = new Set(['select', 'object', 'head'])
const DROPPED_START = new RegExp(`^<(${Object.keys(DROPPED).join('|')})\\b`, 'i')

/** Name of the element that a piece of HTML begins with, when pages drop what is in it. */
export function droppedElement(html: string): string | undefined {
  return DROPPED_START.exec(html)?.[1]?.toLowerCase()
}

/** Whether a page may drop what follows the element in its block, though nothing closes it. */
export const dropsUnclosed = (name: string) => !HARMLESS.has(name)

/** Whether an element that begins before `at` may still be closed after it. */
export function closings(html: string): (name: string, at: number) => boolean {
  const lower = html.toLowerCase()
  const last = new Map<string, number>()
  return (name, at) => {
    const known = last.get(name) ?? lower.lastIndexOf(`</${name}`)
    last.set(name, known)
    return known >= at
  }
}

interface Pieces {
  /** `shown`: not within an element that is dropped. Offsets are those of the text as it came. */
  text: (piece: { chars: string; start: number; end: number; shown: boolean }) => void
  tag: (piece: {
    name: string
    closes: boolean
    attributes: readonly Token.Attribute[]
    start: number
    end: number
    shown: boolean
  }) => void
}

/** Tells what is text and tag; all between is comment or the like. `drops`: whether what follows an opening tag is dropped. */
function takeApart(
  html: string,
  drops: (name: string, end: number) => boolean,
  { text, tag }: Pieces,
): void {
  const open = new Map<string, number>()
  let depth = 0
  const onText = ({ chars, location }: Token.CharacterToken) => {
    const { startOffset: start = 0, endOffset: end = 0 } = location ?? {}
    text({ chars, start, end, shown: depth === 0 })
  }
  const nothing = () => undefined
  const tokenizer = new Tokenizer(
    { sourceCodeLocationInfo: true },
    {
      onCharacter: onText,
      onWhitespaceCharacter: onText,
      onNullCharacter: nothing,
      onComment: nothing,
      onDoctype: nothing,
      onEof: nothing,
      onStartTag({ tagName: name, attrs: attributes, selfClosing, location }) {
        const { startOffset: start = 0, endOffset: end = 0 } = location ?? {}
        tag({ name, closes: false, attributes, start, end, shown: depth === 0 })
        const mode = DROPPED[name]
        const isEmpty = selfClosing && (name === 'svg' || name === 'math')
        if (mode === undefined || isEmpty || !drops(name, end)) return
        open.set(name, (open.get(name) ?? 0) + 1)
        depth += 1
        tokenizer.state = mode
      },
      onEndTag({ tagName: name, location }) {
        const { startOffset: start = 0, endOffset: end = 0 } = location ?? {}
        const count = open.get(name) ?? 0
        if (count > 0) {
          open.set(name, count - 1)
          depth -= 1
        }
        tag({ name, closes: true, attributes: [], start, end, shown: depth === 0 && count === 0 })
      },
    },
  )
  tokenizer.write(html, true)
}

/** All text that a page shows of this HTML. An element that nothing closes drops nothing: many pages show its tag as text. */
export function shownText(html: string): string {
  const parts: string[] = []
  takeApart(html, closings(html), {
    text: ({ chars, shown }) => void (shown && parts.push(chars)),
    tag: () => undefined,
  })
  return parts.join('')
}

/**
 * A piece of HTML without what a page does not show: comments, attributes, tags that do not end, and dropped
 * elements, up to the piece's end where they are not closed in it.
 */
export function shownHtml(html: string): string {
  const parts: string[] = []
  const closed = closings(html)
  let at = 0
  const put = (start: number, end: number, part: string) => {
    if (start > at) hide()
    parts.push(part)
    at = end
  }
  const hide = () => {
    if (parts.at(-1) !== HIDDEN_MARKER) parts.push(HIDDEN_MARKER)
  }
  takeApart(html, (name, end) => dropsUnclosed(name) || closed(name, end), {
    text({ chars, start, end, shown }) {
      if (!shown) return
      const seen = visible(chars)
      put(start, end, seen === chars ? html.slice(start, end) : seen)
    },
    tag({ name, closes, attributes, start, end, shown }) {
      if (!shown) return
      if (droppedElement(`<${name}`) !== undefined) return
      const written = html.slice(start, end)
      const isBare = written.toLowerCase() === `<${closes ? '/' : ''}${name}>`
      const text = tagText(name, closes, attributes)
      put(start, end, isBare && text === written.toLowerCase() ? written : text)
    },
  })
  if (at < html.length) hide()
  return parts.join('')
}

function tagText(name: string, closes: boolean, attributes: readonly Token.Attribute[]): string {
  if (name === 'img' || name === 'picture' || name === 'source') return closes ? '' : IMAGE
  // The name, too, is what somebody wrote; those of pages are words.
  if (!/^[a-z][a-z0-9]{0,15}$/.test(name)) return HIDDEN_MARKER
  if (name !== 'details' || attributes.some((one) => one.name === 'open'))
    return `<${closes ? '/' : ''}${name}>`
  return closes ? '[end of that part]' : '[part that the page shows collapsed:]'
}
