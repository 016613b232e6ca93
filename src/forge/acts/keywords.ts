/** What a text says about issues: mentions (`#12`, `owner/repo#12`) and closing keywords. */

/** Numbers looked at in one text. */
const MOST = 100
const MENTION = /(?<![\w/#&])([\w.-]+\/[\w.-]+)?#(\d{1,9})\b/g
const CLOSING = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+([\w.-]+\/[\w.-]+)?#(\d{1,9})\b/gi

function numbers(pattern: RegExp, text: string, repo: string): number[] {
  const found = new Set<number>()
  for (const [, named, number] of text.matchAll(pattern)) {
    if (named !== undefined && named.toLowerCase() !== repo.toLowerCase()) continue
    found.add(Number(number))
    if (found.size >= MOST) break
  }
  return [...found]
}

/** Issues of `repo` ("owner/name") that the text names. */
export const mentions = (text: string, repo: string): number[] => numbers(MENTION, text, repo)

/** Issues of `repo` that a merge of this text closes. */
export const closes = (text: string, repo: string): number[] => numbers(CLOSING, text, repo)
