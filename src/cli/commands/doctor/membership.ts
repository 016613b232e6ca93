/** How this home stands with its mesh: keys, roles, expiry, who asks. Reads only. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '../../../api/client.ts'
import type { Config } from '../../../config/index.ts'
import { comeBack, isRenewalLate, openMembership, type Membership } from '../../../mesh/index.ts'
import { nullLogger, systemClock } from '../../../util/index.ts'
import { age, count } from '../../output/text.ts'
import { fail, ok, warn, type Check, type Finding } from './check.ts'

const answerMs = 5_000

export const membershipCheck = (config: Config): Check => ({
  id: 'membership',
  run: async (signal) => {
    const { home } = config
    // Wrong modes of keys and damaged files are errors that say what to type.
    const membership = await openMembership({ home, clock: systemClock, logger: nullLogger })
    if (membership === undefined) return none(config)
    const recovery = await isThere(join(home, 'recovery.key'))
    const voidKey = !membership.holdsRoot && (await isThere(join(home, 'mesh.key')))
    const facts = { config, recovery, voidKey, asks: await asksOf(config, signal) }
    return finding(membership, facts, Date.now())
  },
})

function none({ mesh }: Config): Finding {
  return mesh.join === undefined
    ? ok('belongs to no mesh; `bzzz up` founds one of its own, `bzzz join TOKEN` joins another’s')
    : ok('belongs to no mesh; `bzzz up` joins one with the token in mesh.join')
}

interface Facts {
  config: Pick<Config, 'roles' | 'home'>
  /** The recovery key lies in the home. */
  recovery: boolean
  /** A mesh key lies in the home that counts no more: it was replaced elsewhere. */
  voidKey: boolean
  asks: number
}

type Standing = Pick<
  Membership,
  'meshId' | 'meshName' | 'peerId' | 'standing' | 'roles' | 'members'
>

/** The worst thing first. Pure. */
export function finding(membership: Standing, facts: Facts, nowMs: number): Finding {
  const { meshId, meshName, peerId } = membership
  const { config, recovery, voidKey, asks } = facts
  const mesh = `${meshName} (${meshId.slice(0, 12)})`
  const standing = membership.standing(peerId)
  const roles = membership.roles(peerId)
  const members = membership.members()
  const others = members.filter((one) => one.peerId !== peerId && one.standing === 'member').length
  if (standing === 'removed')
    return fail(`${mesh} has put this machine out`, `To come back, ${comeBack}`)
  if (standing === 'stranger')
    return fail(
      `this home’s identity (${peerId}) is no member of ${mesh}`,
      'Type `bzzz invite` on a signer, and here: bzzz join TOKEN',
    )
  if (standing !== 'member')
    return fail(
      `the membership in ${mesh} has ended`,
      'Type `bzzz invite` on a signer, and here: bzzz join TOKEN',
    )
  const own = members.find((one) => one.peerId === peerId) ?? { issuedAt: 0, expiresAt: 0 }
  const left = own.expiresAt - nowMs
  const seen = `${mesh} as ${roles.join(', ')}, with ${count(others, 'other')}; ends in ${age(left)}`
  if (config.roles.includes('worker') && !roles.includes('worker'))
    return fail(
      `${seen}; it may not work`,
      'Set roles: [observer] in bzzz.yaml, or type on a signer `bzzz invite --role worker`, and here: bzzz join TOKEN',
    )
  if (isRenewalLate(own, nowMs))
    return warn(`${seen}; not renewed`, 'Start an agent that is a signer: see `bzzz peers ls`.')
  if (voidKey)
    return warn(
      `${seen}; its mesh.key counts no more: the mesh key was replaced on another machine`,
      `Delete ${join(config.home, 'mesh.key')}. What needs the mesh key is done where \`bzzz peers rotate\` was typed.`,
    )
  if (asks > 0)
    return warn(`${seen}; ${count(asks, 'machine')} asking to join`, 'Look with: bzzz peers ls')
  if (recovery && others > 0)
    return warn(
      `${seen}; the recovery key is still on this machine`,
      `Move ${join(config.home, 'recovery.key')} to a safe place off this machine.`,
    )
  return ok(seen)
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** 0 when no agent runs: only a running one hears who asks. */
async function asksOf({ home, api }: Config, signal: AbortSignal): Promise<number> {
  const socket = api.socket === undefined ? {} : { socketPath: api.socket }
  return connect(home, { signal, timeoutMs: answerMs, ...socket })
    .status()
    .then(
      ({ membership }) => membership.asks,
      () => 0,
    )
}
