/** Which operations of the subset the forge answers; what is left for later is named here. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { apiApp } from '../../src/forge/routes/index.ts'
import type { Deps } from '../../src/forge/context.ts'

const FILE = new URL('../../src/forge/openapi/github-openapi-subset.json', import.meta.url)
const LATER = ['GET /search/issues']

describe('operations of the forge', () => {
  it('has every operation of the subset but those for later', () => {
    const { paths } = JSON.parse(readFileSync(FILE, 'utf8')) as {
      paths: Record<string, Record<string, unknown>>
    }
    const wanted = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map(
        (verb) => `${verb.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, ':')}`,
      ),
    )
    // Routes are only registered and no handler runs; of the forge only what the GraphQL schema asks for is there.
    const app = apiApp({ store: {} } as Deps, () => Promise.resolve())
    const has = new Set(
      app.routes.map(
        ({ method, path }) => `${method} ${path.replaceAll(/:\w+(\{[^}]*\})?/g, ':')}`,
      ),
    )
    expect(wanted.length).toBe(63)
    expect(wanted.filter((operation) => !has.has(operation)).sort()).toEqual(LATER)
  })
})
