/** Which credential a configuration asks for, and about which host it is. */
import { describe, expect, it } from 'vitest'
import { createCredential, githubHost, type CommandRunner } from '../../../src/secrets/index.ts'
import { nullLogger } from '../../../src/util/index.ts'

const commands: CommandRunner = { run: async () => ({ reason: 'not-found', stdout: '' }) }
const base = { apiUrl: 'https://ghes.example/api/v3', userAgent: 'test' }

describe('createCredential', () => {
  it('asks gh about the host of the API', async () => {
    const asked: string[][] = []
    const gh: CommandRunner = {
      run: async ({ args }) => {
        asked.push([...args])
        return { reason: 'exited', exitCode: 0, stdout: 'gho_1\n' }
      },
    }
    const init = { ...base, token: { gh: true } as const, app: {} }
    const credential = createCredential(init, { env: {}, commands: gh, logger: nullLogger })
    expect(await credential.token({})).toBe('gho_1')
    expect(asked).toEqual([['auth', 'token', '--hostname', 'ghes.example']])
  })

  it('takes an App before a token, and looks for its key in the places of its own', async () => {
    const init = { ...base, token: { env: 'T' }, app: { id: 12 } }
    const parts = { env: { T: 't' }, commands, logger: nullLogger }
    const credential = createCredential(init, parts)
    expect(credential.kind).toBe('app')
    await expect(credential.check()).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      data: { looked: expect.arrayContaining(['env BZZZ_GITHUB_APP_PRIVATE_KEY']) },
      next: expect.stringMatching(/BZZZ_GITHUB_APP_PRIVATE_KEY_FILE=PATH.*github\.app\.privateKey/),
    })
  })

  it('says what is missing before anything starts', async () => {
    const init = { ...base, app: {} }
    const credential = createCredential(init, { env: {}, commands, logger: nullLogger })
    await expect(credential.check()).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      next: expect.stringContaining('gh auth login'),
    })
  })
})

describe('githubHost', () => {
  it.each([
    ['https://api.github.com', 'github.com'],
    ['https://api.octo.ghe.com', 'octo.ghe.com'],
    ['https://ghes.example/api/v3', 'ghes.example'],
    ['http://127.0.0.1:3000/api/v3', '127.0.0.1:3000'],
  ])('of %s is %s', (apiUrl, host) => {
    expect(githubHost(apiUrl)).toBe(host)
  })
})
