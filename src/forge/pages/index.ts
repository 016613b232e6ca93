import { Hono } from 'hono'
import type { Deps, Env } from '../context.ts'
export function pagesApp(_deps: Deps): Hono<Env> {
  return new Hono<Env>()
}
