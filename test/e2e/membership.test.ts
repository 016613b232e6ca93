import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InviteView, MemberView, PeerRow } from '../../src/api/client.ts'
import { until } from '../../src/util/index.ts'
import { isPublished, workflow, World, type RunningAgent } from './world.ts'

const chore = (word: string) => `\`\`\`bzzz\nchore: ${word}\n\`\`\`\n`
const files = {
  'README.md': 'nothing yet\n',
  'WORKFLOW.md': workflow(
    [
      '  touch:',
      `    run: [${process.execPath}, -e, "require('fs').writeFileSync('done.txt', '')"]`,
    ].join('\n'),
  ),
}

let world: World
let repo: string
/** Tokens that were handed out: none of them may be found anywhere. */
const tokens: string[] = []

beforeAll(async () => {
  world = await World.make()
  repo = await world.repository('lib', files)
})
afterAll(() => world.close())

interface Machine {
  name: string
  home: string
  file: string
}

async function machine(name: string, more: Record<string, unknown> = {}): Promise<Machine> {
  const config = { mesh: more, work: { tags: [name] } }
  return { name, ...(await world.configure({ name, repos: [repo], config, joins: true })) }
}

const bzzz = ({ home, file }: Machine, ...args: string[]) =>
  world.bzzz(home, ...args, '--config', file)

async function up({ name, home, file }: Machine): Promise<RunningAgent> {
  const agent = world.spawn(name, home, ['up', '--config', file, '--lease-stdin'])
  await until(`agent ${name}`, 90_000, async () => {
    if (agent.child.exitCode !== null) throw new Error(`${name} ended:\n${agent.stderr()}`)
    return agent.api.live().catch(() => false)
  })
  return agent
}

const connected = (agent: RunningAgent, to: Machine) =>
  until(`${agent.name} to be connected with ${to.name}`, 60_000, async () =>
    (await agent.api.peers()).some(({ name, connected: is }) => is && name === to.name),
  )

/** An issue that only the machine of this name can do. */
const issueFor = (name: string) =>
  world.issue(repo, {
    title: `for ${name}`,
    body: chore('touch'),
    labels: ['bzzz', `needs:${name}`],
  })

const isDone = (agent: RunningAgent, issue: number) =>
  until(`issue ${issue}`, 60_000, async () =>
    (await agent.api.tasks()).some((row) => row.issue === issue && isPublished(row.state)),
  )

async function token({ home }: Machine, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.bzzz(home, '-q', 'invite', ...options)
  expect(code, stderr).toBe(0)
  tokens.push(stdout.trim())
  return stdout.trim()
}

describe('machines of a mesh', () => {
  let [ada, bo, cleo, dara]: Machine[] = []
  let first: RunningAgent
  let second: RunningAgent

  it('init, up, join, up: both work', async () => {
    ada = await machine('ada')
    bo = await machine('bo')
    const made = await bzzz(ada, 'init')
    expect(made.code, made.stderr).toBe(0)
    expect(made.stderr).toContain(join(ada.home, 'recovery.key'))
    expect(made.stdout).toMatch(/^bzzz join bzzz1\.[\w-]+\n$/)
    const [, , word = ''] = made.stdout.trim().split(' ')
    tokens.push(word)
    first = await up(ada)
    const joined = await bzzz(bo, 'join', word)
    expect(joined.code, joined.stderr).toBe(0)
    expect(joined.stderr).toContain(`member of the mesh ${world.mesh}`)
    second = await up(bo)
    await connected(first, bo)
    const issues = await Promise.all(['ada', 'bo'].map(issueFor))
    await Promise.all(issues.map((issue) => isDone(first, issue)))

    const again = await bzzz(ada, 'init')
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('in use') })
    const spent = await machine('eli')
    const refused = await bzzz(spent, 'join', word, '--json')
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'JOIN_REFUSED', data: { code: 'TOKEN_SPENT' } },
    })
    const expired = await token(ada, '--ttl', '1s')
    const listed = await world.bzzz(ada.home, 'invite', 'ls', '--json')
    const rows = JSON.parse(listed.stdout) as InviteView[]
    expect(rows.map(({ usesLeft }) => usesLeft ?? 0).toSorted((a, b) => a - b)).toEqual([0, 1])
    await until('the end of the token', 30_000, () =>
      rows.every(
        ({ usesLeft, expiresAt }) => usesLeft === 0 || (expiresAt ?? Infinity) <= Date.now(),
      ),
    )
    const late = await bzzz(spent, 'join', expired)
    expect(late.code).toBe(1)
    expect(late.stderr).toMatch(/expired[^]*next:.*bzzz invite/)
  })

  it('lets in who asks, by the same words on both sides', async () => {
    cleo = await machine('cleo')
    const asked = world.spawn('cleo', cleo.home, ['join', '--yes', '--config', cleo.file])
    await until('the words', 30_000, () => asked.stderr().includes('words of this machine'))
    const [, words = ''] = /words of this machine: ([a-z ]+)/.exec(asked.stderr()) ?? []
    expect(words.split(' ')).toHaveLength(6)
    await until('the asking machine', 30_000, async () =>
      (await first.api.peers()).some(({ standing }) => standing === 'asking'),
    )
    const peers = await world.bzzz(ada!.home, 'peers', 'ls', '--json')
    const row = (JSON.parse(peers.stdout) as PeerRow[]).find(
      ({ standing }) => standing === 'asking',
    )
    expect(row).toMatchObject({ name: 'cleo', words, roles: ['worker'] })
    expect((await world.bzzz(ada!.home, 'status')).stdout).toMatch(/^asks +1 machine/m)

    const unasked = await world.bzzz(ada!.home, 'peers', 'approve', words)
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    const approved = await world.bzzz(
      ada!.home,
      'peers',
      'approve',
      ...words.split(' '),
      '--role',
      'observer',
      '--yes',
      '--json',
    )
    expect(JSON.parse(approved.stdout) as MemberView).toMatchObject({
      name: 'cleo',
      roles: ['observer'],
    })
    expect(await asked.ended).toBe(0)

    const agent = world.spawn('cleo', cleo.home, ['up', '--config', cleo.file, '--lease-stdin'])
    expect(await agent.ended).toBe(1)
    expect(agent.stderr()).toMatch(/not as a worker[^]*roles: \[observer\]/)
  })

  it('puts one out: it is disconnected, takes nothing, and does not start again', async () => {
    const { code } = await world.bzzz(ada!.home, 'peers', 'remove', 'bo', '--yes')
    expect(code).toBe(0)
    await until('bo to be gone', 60_000, async () =>
      (await first.api.peers()).every(({ name, connected: is }) => name !== 'bo' || !is),
    )
    await until('bo to know', 30_000, async () => {
      const { membership } = await second.api.status()
      return membership.standing === 'removed'
    })
    expect((await world.bzzz(bo!.home, 'status')).stdout).toMatch(/^member +removed: /m)
    const [forBo, forAda] = await Promise.all(['bo', 'ada'].map(issueFor))
    await isDone(first, forAda!)
    const tasks = await second.api.tasks()
    expect(tasks.find(({ issue }) => issue === forBo)?.agent ?? null).toBeNull()
    expect(await second.kill('SIGTERM')).toBe(0)
    const again = world.spawn('bo', bo!.home, ['up', '--config', bo!.file, '--lease-stdin'])
    expect(await again.ended).toBe(1)
    expect(again.stderr()).toContain('put this machine')
  })

  it('lets containers start in any order', async () => {
    const secret = join(world.dir, 'mesh_join')
    await writeFile(secret, await token(ada!, '--uses', 'any', '--ttl', 'never'), { mode: 0o600 })
    expect(await first.kill('SIGTERM')).toBe(0)
    dara = await machine('dara', { join: { file: secret } })
    // As if it had been started once without its token.
    expect((await bzzz(dara, 'init', '--name', 'alone')).code).toBe(0)
    const early = world.spawn('dara', dara.home, ['up', '--config', dara.file, '--lease-stdin'])
    await until('dara to wait', 30_000, () => early.stderr().includes('waits until it is let in'))
    first = await up(ada!)
    await until('dara to be up', 40_000, async () => early.api.live().catch(() => false))
    await connected(first, dara)
    await isDone(first, await issueFor('dara'))
    const ping = await world.bzzz(ada!.home, 'peers', 'ping', 'dara', '--count', '2', '--json')
    expect(JSON.parse(ping.stdout)).toMatchObject({ name: 'dara', sent: 2, received: 2 })
    const shown = await world.bzzz(ada!.home, 'peers', 'show', 'dara')
    expect(shown.stdout).toMatch(/^roles +worker$/m)
  })

  it('replaces the mesh key on a machine whose agent runs', async () => {
    const recovery = join(ada!.home, 'recovery.key')
    const rotated = await world.bzzz(
      ada!.home,
      'peers',
      'rotate',
      '--recovery',
      recovery,
      '--remove',
      'cleo',
      '--yes',
      '--json',
    )
    expect(rotated.code, rotated.stderr).toBe(0)
    expect(JSON.parse(rotated.stdout)).toMatchObject({ epoch: 1 })
    await connected(first, dara!)
    const rows = await first.api.peers()
    expect(rows.find(({ name }) => name === 'cleo')?.standing).toBe('removed')
    await isDone(first, await issueFor('dara'))
  })

  it('keeps every token and key out of logs, journals and answers', async () => {
    const secrets = [...tokens]
    for (const { home } of [ada!, bo!, dara!]) {
      for (const file of ['identity.key', 'mesh.key', 'recovery.key']) {
        const pem = await readFile(join(home, file), 'utf8').catch(() => '')
        const base64 = pem.replaceAll(/-----[^-]+-----|\s/g, '')
        if (base64 === '') continue
        const seed = Buffer.from(base64, 'base64').subarray(-32)
        secrets.push(
          ...(['base64', 'base64url', 'hex'] as const).map((form) => seed.toString(form)),
        )
      }
    }
    expect(secrets.length).toBeGreaterThan(10)
    const texts = [first.stderr(), second.stderr()]
    texts.push(
      ...(await Promise.all([first.api.status(), first.api.peers(), first.api.invites()])).map(
        (answer) => JSON.stringify(answer),
      ),
    )
    for (const { home } of [ada!, bo!, dara!])
      texts.push(...(await filesBelow(join(home, 'journal'))))
    for (const secret of secrets) {
      const found = texts.filter((text) => text.includes(secret.replace(/=+$/, '')))
      expect(found).toEqual([])
    }
  })
})

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  expect(paths).not.toEqual([])
  return Promise.all(paths.map(async (path) => (await readFile(path)).toString('latin1')))
}
