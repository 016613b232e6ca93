import { readFile } from 'node:fs/promises'
import { Ajv } from 'ajv'
import prettier from 'prettier'
import { describe, expect, it } from 'vitest'
import { configJsonSchema, configReference } from '../../../src/config/index.ts'
import { envNameOf, listOptions } from '../../../src/config/option.ts'
import { configSchema } from '../../../src/config/schema.ts'

const docs = new URL('../../../docs/', import.meta.url)
const style = { semi: false, singleQuote: true, printWidth: 100 } as const

describe('what is generated from the schema', () => {
  it('is current (else: npm run generate)', async () => {
    const page = await readFile(new URL('configuration.md', docs), 'utf8')
    expect(page).toBe(await prettier.format(configReference(), { parser: 'markdown', ...style }))
    const schema = await readFile(new URL('config-schema.json', docs), 'utf8')
    expect(JSON.parse(schema)).toEqual(configJsonSchema())
  })

  it('explains every option, each with a variable of its own', () => {
    const options = listOptions(configSchema)
    expect(options.length).toBeGreaterThan(25)
    for (const one of options) {
      expect(one.what, one.path).toMatch(/\.$/)
      expect(one.why, one.path).toMatch(/\.$/)
      expect(one.form, one.path).not.toBe('')
    }
    const names = options.flatMap((one) => one.envName ?? [])
    expect(new Set(names).size).toBe(names.length)
    const secret = options.filter((one) => one.envName === undefined).map((one) => one.path)
    expect(secret).toEqual([
      'github.token',
      'github.app.privateKey',
      'github.webhooks.secret',
      'mesh.join',
    ])
    expect(envNameOf('github.claims.refPrefix')).toBe('BZZZ_GITHUB_CLAIMS_REF_PREFIX')
  })

  it('leaves no member of the schema unexplained', () => {
    const leaves: string[] = []
    const walk = (node: { properties?: Record<string, never> }, at: string) => {
      for (const [key, member] of Object.entries(node.properties ?? {})) {
        const path = at === '' ? key : `${at}.${key}`
        if ('properties' in member) walk(member, path)
        else if (key !== '$schema') leaves.push(path)
      }
    }
    walk(configJsonSchema(), '')
    expect(leaves.sort()).toEqual(
      listOptions(configSchema)
        .map((one) => one.path)
        .sort(),
    )
  })

  it('is a draft-7 schema that takes the smallest file and refuses unknown options', () => {
    const schema = configJsonSchema()
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#')
    const validate = new Ajv({ strict: false }).compile(schema)
    expect(validate({ github: { repos: ['owner/name'] } })).toBe(true)
    expect(validate({ github: { repo: ['owner/name'] } })).toBe(false)
    expect(validate({ github: { repos: ['owner'] } })).toBe(false)
  })
})
