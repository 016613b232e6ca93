/** The demo's observer, in this process: it founds the mesh, lets the agents in, and replicates their journals. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAgent, type Agent } from '../../../agent/index.ts'
import { loadConfig } from '../../../config/index.ts'
import { foundMesh } from '../../../mesh/index.ts'
import { systemClock, type Logger } from '../../../util/index.ts'
import type { Context } from '../../context.ts'
import { meshConfig } from './agents.ts'

/** For all agents to join, ms. */
const joinMs = 10 * 60_000

export async function observe(
  dir: string,
  meshName: string,
  { env, cwd }: Context,
  logger: Logger,
): Promise<Agent> {
  const { config } = await loadConfig({
    flags: {
      name: 'observer',
      home: join(dir, 'observer'),
      roles: ['observer'],
      mesh: meshConfig(meshName),
    },
    env: { HOME: env['HOME'] },
    cwd,
    configFile: undefined,
  })
  const { home, name, roles } = config
  await foundMesh({ home, meshName, name, roles, clock: systemClock, logger })
  const agent = createAgent({ config }, { logger })
  await agent.start()
  return agent
}

/** One token for all agents of the demo; gives its file. */
export async function inviteAgents(dir: string, { membership, mesh }: Agent): Promise<string> {
  const options = { uses: null, ttlMs: joinMs, addresses: mesh.addresses() }
  const { token } = await membership.invite(options)
  const file = join(dir, 'join-token')
  await writeFile(file, token, { mode: 0o600 })
  return file
}
