import { describe, expect, it } from 'vitest'
import { cleaned } from '../../../src/process/git.ts'
import { basicCredential, gitEnvironment } from '../../../src/process/git-environment.ts'

const token = 'ghs_0123456789abcdefSECRET'
const auth = { url: 'https://git.example/', token }

describe('gitEnvironment', () => {
  it('passes places, proxies and certificates, and nothing else of the agent', () => {
    const base = {
      PATH: '/bin',
      https_proxy: 'http://p',
      GITHUB_TOKEN: 'x',
      GIT_DIR: '/y',
      HOME: '/z',
    }
    const env = gitEnvironment({ base, extra: {}, allowFile: false, auth: undefined })
    expect(env).toMatchObject({ PATH: '/bin', https_proxy: 'http://p', GIT_TERMINAL_PROMPT: '0' })
    expect(env).not.toHaveProperty('GITHUB_TOKEN')
    expect(env).not.toHaveProperty('GIT_DIR')
    expect(env['HOME']).not.toBe('/z')
  })

  it('cannot be softened by the extra environment', () => {
    const extra = { GIT_CONFIG_COUNT: '0', GIT_TERMINAL_PROMPT: '1', GIT_AUTHOR_NAME: 'Ann' }
    const env = gitEnvironment({ base: {}, extra, allowFile: false, auth: undefined })
    expect(Number(env['GIT_CONFIG_COUNT'])).toBeGreaterThan(10)
    expect(env['GIT_TERMINAL_PROMPT']).toBe('0')
    expect(env['GIT_AUTHOR_NAME']).toBe('Ann')
  })

  it('gives the credential to its URL only, and takes no redirect with it', () => {
    const env = gitEnvironment({ base: {}, extra: {}, allowFile: false, auth })
    const settings = Object.keys(env)
      .filter((name) => name.startsWith('GIT_CONFIG_KEY_'))
      .map((name) => [env[name], env[name.replace('KEY', 'VALUE')]])
    const header = `Authorization: Basic ${basicCredential(token)}`
    expect(settings).toContainEqual(['http.https://git.example/.extraHeader', header])
    expect(settings).toContainEqual(['http.followRedirects', 'false'])
    expect(Object.values(env).filter((value) => value.includes(token))).toEqual([])
  })
})

describe('cleaned', () => {
  it('removes the token, its base64 form and user info in URLs', () => {
    const dirty = `${token} Basic ${basicCredential(token)} https://joe:pw@git.example/a.git`
    expect(cleaned(dirty, auth)).toBe('*** Basic *** https://***@git.example/a.git')
    expect(cleaned('plain', { url: 'u', token: '' })).toBe('plain')
  })
})
