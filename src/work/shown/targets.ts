/** Where links lead and what footnotes are called: what a page shows of them only to who looks closely, or not at all. */
import type { Definition, Nodes, Root } from 'mdast'
import { visible } from './visible.ts'

const MAX_TARGET = 300
const SAFE_TARGET = /^(?:https?:\/\/|mailto:|[#./]|[\w-]+(?:[./#?]|$))/i

/** Fit to be read: no query, no odd scheme, bounded. */
export function target(url: string): string {
  const seen = visible(url).replace(/[<>\s]/g, '')
  if (!SAFE_TARGET.test(seen)) return '[target removed]'
  const plain = seen.replace(/\?[^#]+/, '?…')
  return plain.length > MAX_TARGET ? `${plain.slice(0, MAX_TARGET)}[cut]` : plain
}

export interface Names {
  /** The definition that counts, by identifier: the first. */
  definitions: ReadonlyMap<string, Definition>
  /** Of those, the ones whose label a shown link has as its text. */
  used: ReadonlySet<Definition>
  /** What a footnote is called, by identifier: a page shows a number. */
  footnote(identifier: string): string
}

export function namesOf(root: Root, isShown: (node: Nodes) => boolean): Names {
  const definitions = new Map<string, Definition>()
  const references = new Set<string>()
  const notes = new Map<string, string>()
  const look = (node: Nodes) => {
    if (node.type === 'definition' && !definitions.has(node.identifier))
      definitions.set(node.identifier, node)
    // A full reference is written as a plain link, since its label is not shown.
    if (node.type === 'linkReference' && node.referenceType !== 'full' && isShown(node))
      references.add(node.identifier)
    if ('children' in node) node.children.forEach(look)
  }
  look(root)
  const used = [...references].flatMap((one) => definitions.get(one) ?? [])
  return {
    definitions,
    used: new Set(used),
    footnote(identifier) {
      if (/^\d{1,3}$/.test(identifier)) return identifier
      const known = notes.get(identifier) ?? `note${notes.size + 1}`
      notes.set(identifier, known)
      return known
    },
  }
}
