/**
 * Members without the waiting: a founder that never runs admits homes over the real join messages,
 * passed by hand. Agents that start in such homes are members of one mesh from the first moment.
 */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createJoiner,
  foundMesh,
  openMembership,
  type Membership,
  type Role,
} from '../src/mesh/index.ts'
import { nullLogger, systemClock } from '../src/util/index.ts'

const clock = systemClock
const logger = nullLogger

export interface Founder {
  readonly membership: Membership
  /** Makes the home a member, unless it is one. */
  admit(home: string, name: string, roles: Role[]): Promise<void>
}

/** `dir`: an existing directory; the founder's home is made in it. */
export async function createFounder(dir: string, meshName: string): Promise<Founder> {
  const home = join(dir, `founder-${randomBytes(3).toString('hex')}`)
  await mkdir(home, { mode: 0o700 })
  const init = { home, meshName, name: 'founder', roles: ['observer' as const] }
  const membership = await foundMesh({ ...init, clock, logger })
  /** One at a time, as a signer answers. */
  let last: Promise<unknown> = Promise.resolve()

  async function admit(at: string, name: string, wanted: Role[]): Promise<void> {
    if ((await openMembership({ home: at, clock, logger })) !== undefined) return
    const addresses = [`/ip4/127.0.0.1/tcp/9/p2p/${membership.peerId}`]
    const { token } = await membership.invite({ roles: wanted, addresses })
    const joiner = await createJoiner({ home: at, name, roles: wanted, token, clock, logger })
    const message = await joiner.message(membership.peerId)
    const answer = await membership.answer(message, { peerId: joiner.peerId })
    const step = await joiner.accept(answer, membership.peerId)
    if (step.is !== 'joined') throw new Error(`${name} was not admitted: ${JSON.stringify(step)}`)
    // Later ones know earlier ones, dial them, and introduce themselves.
    await step.membership.merge(membership.statements())
    await step.membership.flush()
    await membership.flush()
  }

  return {
    membership,
    admit: (...one) =>
      (last = last.catch(() => undefined).then(() => admit(...one))) as Promise<void>,
  }
}
