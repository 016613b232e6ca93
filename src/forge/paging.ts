/** Pages of a list and their Link header. */
import type { Ctx } from './context.ts'
import type { Urls } from './shapes/urls.ts'

const PER_PAGE = 30
const MOST_PER_PAGE = 100

export interface Page {
  limit: number
  offset: number
  number: number
}

const positive = (text: string | undefined, otherwise: number) => {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value : otherwise
}

export function pageOf(c: Ctx): Page {
  const limit = Math.min(MOST_PER_PAGE, positive(c.req.query('per_page'), PER_PAGE))
  const number = positive(c.req.query('page'), 1)
  return { limit, number, offset: (number - 1) * limit }
}

/** Sets the Link header for a list of `total` items. */
export function linkPages(c: Ctx, urls: Urls, page: Page, total: number): void {
  const last = Math.max(1, Math.ceil(total / page.limit))
  const at = (number: number, rel: string) => {
    const query = new URLSearchParams(c.req.query())
    query.set('page', String(number))
    return `<${urls.api()}${encodeURI(c.req.path)}?${query.toString()}>; rel="${rel}"`
  }
  const links: string[] = []
  if (page.number > 1) links.push(at(Math.min(page.number - 1, last), 'prev'))
  if (page.number < last) links.push(at(page.number + 1, 'next'), at(last, 'last'))
  if (page.number > 1) links.push(at(1, 'first'))
  if (links.length > 0) c.header('link', links.join(', '))
}

/** One page of a list that is in memory. */
export function cut<T>(c: Ctx, urls: Urls, all: readonly T[]): T[] {
  const page = pageOf(c)
  linkPages(c, urls, page, all.length)
  return all.slice(page.offset, page.offset + page.limit)
}
