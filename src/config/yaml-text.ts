/**
 * A text in YAML 1.2 with unique keys, in which every path has a place, so that a mistake can be pointed at.
 * What is no YAML is told in own words, at the place where it began.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from 'yaml'
import { yamlProblem } from '../util/index.ts'

/** From 1. */
export interface Spot {
  line: number
  column: number
}

export interface YamlText {
  /** What is no YAML; then there are no values. */
  broken: (Spot & { message: string; allowed?: string })[]
  /** The values. Throws when more than so many aliases are to be resolved, or one has no anchor. */
  values(maxAliases: number): unknown
  /** Of the key or list item at a path, or of its nearest parent that is there. */
  at(path: readonly PropertyKey[]): Spot
}

export function readYaml(text: string): YamlText {
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' })
  const spot = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0)
    return { line, column: col }
  }
  return {
    broken: [...doc.errors, ...doc.warnings].map((error) => {
      const open = unclosed(doc, error)
      if (open !== undefined) return { ...spot(open.offset), message: open.message }
      return { ...spot(unquoted(doc, error)), ...yamlProblem(error) }
    }),
    values: (maxAliasCount) => doc.toJS({ maxAliasCount }),
    at: (path) => spot(locate(doc, path)),
  }
}

/** Where a quotation mark that nothing closes stands; the parser says where the file ends. */
function unquoted(doc: Document.Parsed, { code, pos }: YAMLError): number {
  let offset = pos[0]
  if (code !== 'MISSING_CHAR') return offset
  visit(doc, {
    Scalar: (_key, node) => {
      const isQuoted = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE'
      if (isQuoted && node.range?.[1] === pos[0]) offset = node.range[0]
    },
  })
  return offset
}

/** Where a bracket that nothing closes stands: the parser says where it gave up, often far below. */
function unclosed(
  doc: Document.Parsed,
  error: YAMLError,
): { offset: number; message: string } | undefined {
  const [, kind] = /^Flow (sequence|map) /.exec(error.message) ?? []
  if (kind === undefined) return undefined
  const fits = (node: unknown) => (kind === 'map' ? isMap(node) : isSeq(node))
  let offset: number | undefined
  // The last one is the innermost.
  visit(doc, {
    Collection: (_key, node) => {
      if (fits(node) && node.flow === true && node.range?.[1] === error.pos[0])
        offset = node.range[0]
    },
  })
  const [opened, closed] = kind === 'map' ? ['{', '}'] : ['[', ']']
  return offset === undefined
    ? undefined
    : { offset, message: `the ${opened} here is not closed with ${closed}` }
}

function locate(doc: Document.Parsed, keys: readonly PropertyKey[]): number | undefined {
  let node: unknown = doc.contents
  let offset = doc.contents?.range[0]
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(doc)
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === String(key),
      )
      if (pair === undefined) return offset
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(key)]
      offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset
    } else {
      return offset
    }
  }
  return offset
}
