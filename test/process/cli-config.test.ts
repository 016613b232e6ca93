import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireHomeLock } from '../../src/api/index.ts'
import { place, type Place } from './cli-harness.ts'

let at: Place
beforeEach(async () => {
  at = await place()
})
afterEach(() => at.cleanup())

const file = () => join(at.dir, 'bzzz.yaml')

describe('bzzz config', () => {
  it('says that a running agent of the home may have other values', async () => {
    const lock = await acquireHomeLock(join(at.dir, 'home'))
    try {
      const shown = await at.bzzz('config', 'show')
      expect(shown.stdout).toContain(`home: ${join(at.dir, 'home')}`)
      expect(shown.stderr).toContain(`(process ${process.pid})`)
      expect((await at.bzzz('config', 'show', '-q')).stderr).toBe('')
      expect((await at.bzzz('config', 'show', '--home', 'other')).stderr).toBe('')
    } finally {
      await lock.release()
    }
  })

  it('shows what holds and where it comes from', async () => {
    await writeFile(file(), 'name: fox\ngithub: { repos: [octo/lib] }\n')
    const [origins, json, yaml, path] = await Promise.all([
      at.bzzz('config', 'show', '--origin'),
      at.bzzz('config', 'show', '--origin', '--json'),
      at.bzzz('config', 'show', '--home', 'elsewhere'),
      at.bzzz('config', 'path'),
    ])
    expect(origins.stdout).toMatch(/^name +file .*bzzz\.yaml:1 +fox$/m)
    expect(origins.stdout).toMatch(/^home +env BZZZ_HOME +\S+home$/m)
    expect(JSON.parse(json.stdout)).toContainEqual({
      path: 'github.repos',
      value: ['octo/lib'],
      origin: expect.stringMatching(/^file .*bzzz\.yaml:2$/),
    })
    expect(yaml.stdout).toContain(`home: ${join(at.dir, 'elsewhere')}`)
    expect(path).toEqual({ code: 0, stdout: `${file()}\n`, stderr: '' })
  })

  it('gives 2, the line and the allowed form for what is wrong', async () => {
    await writeFile(file(), 'name: fox\ngithub:\n  repos: [octo/lib]\n  polMs: 5\n')
    const { code, stdout, stderr } = await at.bzzz('config', 'validate')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('bzzz.yaml:4')
    expect(stderr).toContain('pollMs')
    const json = await at.bzzz('config', 'show', '--json')
    expect(json.code).toBe(2)
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: { code: 'CONFIG_INVALID', data: { problems: [{ line: 4 }] } },
    })
  })

  it('accepts what `bzzz up` accepts, and names what it lacks', async () => {
    const without = await at.bzzz('config', 'validate')
    expect(without.code).toBe(2)
    expect(without.stderr).toContain('github.repos')
    await writeFile(file(), 'github: { repos: [octo/lib] }\n')
    expect(await at.bzzz('config', 'validate', '-q')).toEqual({ code: 0, stdout: '', stderr: '' })
    const named = await at.bzzz('config', 'validate', '--config', 'none.yaml')
    expect(named.code).toBe(2)
    expect(named.stderr).toContain('none.yaml')
  })

  it('prints the schema that editors get', async () => {
    const { stdout } = await at.bzzz('config', 'schema')
    const shipped = new URL('../../docs/config-schema.json', import.meta.url)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(shipped, 'utf8')))
  })
})
