/**
 * Which parts of a Markdown text its page shows. The text is rendered, with a token in place of each
 * part, and the page is read as a browser reads it: what an unclosed attribute, a comment, a dropped element or a
 * table's surplus cell has swallowed has no token left, in whatever way it was done.
 */
import type { Code, Html, InlineCode, Nodes, Root, Text } from 'mdast'
import { toHtml } from 'hast-util-to-html'
import { toHast } from 'mdast-util-to-hast'
import { shownText } from './html.ts'

export type Leaf = Text | Code | InlineCode | Html

/** Characters of private use, which no text has that was made visible. */
const TOKEN = /\ue000(\d+)\ue001/g

/** `tree`: of a text without characters of private use. */
export function shownLeaves(tree: Root): ReadonlySet<Nodes> {
  const leaves: Leaf[] = []
  const tokenOf = (leaf: Leaf) => `\ue000${leaves.push(leaf) - 1}\ue001`
  const inText = (_: unknown, leaf: Text | Code | InlineCode) => ({
    type: 'text' as const,
    value: tokenOf(leaf),
  })
  const hast = toHast(tree, {
    allowDangerousHtml: true,
    handlers: {
      text: inText,
      code: inText,
      inlineCode: inText,
      html: (_: unknown, leaf: Html) => ({ type: 'raw', value: `${tokenOf(leaf)}${leaf.value}` }),
    },
  })
  const shown = new Set<Nodes>()
  const page = shownText(toHtml(hast, { allowDangerousHtml: true }))
  for (const [, index] of page.matchAll(TOKEN)) {
    const leaf = leaves[Number(index)]
    if (leaf !== undefined) shown.add(leaf)
  }
  return shown
}
