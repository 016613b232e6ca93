/**
 * The rules: those that secretlint recommends, and this mesh's own. Left out of secretlint's is what
 * lets a text switch them off by a comment, since the text is not to be trusted.
 */
import { lintSource } from '@secretlint/core'
import { rules as recommended } from '@secretlint/secretlint-rule-preset-recommend'
import type { HeldForms } from '../held.ts'
import type { ScanPart, SecretHit } from './types.ts'

/** What one scan tells at most. */
const MAX_HITS = 100
const BY_COMMENT = '@secretlint/secretlint-rule-filter-comments'
const PREFIX = '@secretlint/secretlint-rule-'
const OWN = [{ rule: 'bzzz-join-token', pattern: /\bbzzz1\.[A-Za-z0-9_-]{40,}/g }]

const config = {
  rules: recommended
    .filter((rule) => rule.meta.id !== BY_COMMENT)
    .map((rule) => ({ id: rule.meta.id, rule })),
}

/** `ignore`: names of rules that do not count. Values that are held always do. */
export async function findSecrets(
  parts: readonly ScanPart[],
  held: readonly HeldForms[],
  ignore: readonly string[],
): Promise<SecretHit[]> {
  const hits: SecretHit[] = []
  for (const part of parts) {
    const found = [
      ...heldIn(part.text, held),
      ...[...ownIn(part.text), ...(await lintedIn(part))].filter(
        ({ rule }) => !ignore.includes(rule),
      ),
    ]
    const lineAt = lineFinder(part)
    for (const { rule, start, end } of found) {
      if (hits.length >= MAX_HITS) return hits
      hits.push({ where: part.where, line: lineAt(start), rule, start, end })
    }
  }
  return hits
}

type Found = Pick<SecretHit, 'rule' | 'start' | 'end'>

/** In UTF-16, too, where every other byte is a NUL. */
function heldIn(text: string, held: readonly HeldForms[]): Found[] {
  const wide = text.includes('\0') ? text.replaceAll('\0', '') : undefined
  return held.flatMap(({ what, forms }) =>
    forms.flatMap((form) => {
      const rule = `held: ${what}`
      const found: Found[] = []
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + form.length)) {
        found.push({ rule, start: at, end: at + form.length })
        if (found.length >= MAX_HITS) break
      }
      if (found.length === 0 && wide?.includes(form) === true)
        found.push({ rule, start: 0, end: text.length })
      return found
    }),
  )
}

function ownIn(text: string): Found[] {
  return OWN.flatMap(({ rule, pattern }) =>
    [...text.matchAll(pattern)].map((match) => ({
      rule,
      start: match.index,
      end: match.index + match[0].length,
    })),
  )
}

async function lintedIn({ where, text }: ScanPart): Promise<Found[]> {
  const name = where.split('/').at(-1) ?? ''
  const ext = /\.[A-Za-z0-9]{1,20}$/.exec(name)?.[0] ?? ''
  const { messages } = await lintSource({
    source: { content: text, filePath: where, ext, contentType: 'text' },
    options: { config, noPhysicFilePath: true, maskSecrets: true },
  })
  return messages.map((message) => ({
    rule: message.ruleId.replace(PREFIX, ''),
    start: message.range[0],
    end: message.range[1],
  }))
}

function lineFinder({ text, lines }: ScanPart): (offset: number) => number {
  const ends: number[] = []
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) ends.push(at)
  return (offset) => {
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ends[middle] ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return lines?.[low] ?? low + 1
  }
}
