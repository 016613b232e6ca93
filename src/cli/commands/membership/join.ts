/**
 * `bzzz join`: makes the home of this machine a member of a mesh, with a token or by asking. A home
 * that has been alone in a mesh of its own leaves that one by itself; one with others in it only with
 * `--leave`. When joining fails, the home is as it was.
 */
import type { LoadedConfig } from '../../../config/index.ts'
import {
  createJoiner,
  joinMesh,
  openMembership,
  readToken,
  type Joiner,
  type JoinProgress,
  type Membership,
} from '../../../mesh/index.ts'
import { nullLogger, systemClock } from '../../../util/index.ts'
import { confirmed } from '../../client/confirm.ts'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit.ts'
import { clean, count } from '../../output/text.ts'
import { withHome } from './home.ts'
import { joinedText } from './texts.ts'
import { tokenOf } from './token.ts'

export interface JoinOptions {
  tokenFile?: string
  address?: string[]
  mesh?: string
  leave?: true
  yes?: true
}

/** Until somebody answers; and until a person has approved, ms. */
const waitMs = { token: 2 * 60_000, approval: 15 * 60_000 }

/**
 * Errors: `USAGE`, `TOKEN_UNREADABLE`, `MESH_HAS_OTHERS`, `HOME_IN_USE`, those of `readToken` and
 * `joinMesh`.
 */
export async function join(
  context: Context,
  given: string | undefined,
  options: JoinOptions,
): Promise<number> {
  const { out } = context
  const token = await tokenOf(context, given, options.tokenFile)
  if (token !== undefined && options.mesh !== undefined) {
    throw new CliError('USAGE', 'A token says which mesh it is for.', {
      next: 'Leave out --mesh, or the token.',
    })
  }
  const asks = token === undefined && options.yes !== true
  if (asks && !isAsking(context)) {
    throw new CliError('USAGE', 'Without a token a person must compare the words.', {
      next: 'Run it on a terminal, or add --yes if every machine of this network is trusted, or give a token.',
    })
  }
  return withHome(context, async (loaded) => {
    const { home, roles } = loaded.config
    const there = await openMembership({ home, clock: systemClock, logger: nullLogger })
    const replace = there !== undefined && mayReplace(there, token, options.leave === true)
    const joiner = await createJoiner({
      home,
      name: loaded.config.name,
      roles,
      replace,
      ...(token === undefined ? { meshName: options.mesh ?? loaded.config.mesh.name } : { token }),
      ...(asks ? { trust: (mesh) => trusts(context, mesh) } : {}),
      clock: systemClock,
      logger: nullLogger,
    })
    const membership = await search(context, loaded, joiner, options)
    await membership.flush()
    const { meshId, meshName, peerId } = membership
    const own = membership.members().find((one) => one.peerId === peerId)
    const granted = membership.roles(peerId)
    const facts = { meshId, meshName, peerId, roles: granted, expiresAt: own?.expiresAt ?? null }
    if (out.json) await out.jsonLine({ state: 'joined', ...facts })
    else if (out.quiet) await out.data(clean(peerId))
    else for (const line of joinedText(meshName, granted, roles)) out.message(clean(line))
    return exitCodes.ok
  })
}

function search(
  context: Context,
  { config }: LoadedConfig,
  joiner: Joiner,
  { address = [] }: JoinOptions,
): Promise<Membership> {
  const { home, mesh } = config
  const { enabled, interfaces } = mesh.mdns
  const defaultMs = joiner.token === undefined ? waitMs.approval : waitMs.token
  return joinMesh({
    home,
    joiner,
    addresses: [...address, ...mesh.dht.bootstrap],
    meshName: joiner.meshName,
    mdns: { enabled, ...(interfaces.length === 0 ? {} : { interfaces }) },
    timeoutMs: context.timeoutMs(defaultMs),
    signal: context.signal,
    onStep: announcer(context),
  })
}

const isAsking = ({ globals }: Context) =>
  process.stdin.isTTY && process.stderr.isTTY && globals.input && globals.json !== true

/** Anyone on the network can say “welcome”: only the words tell the right mesh. */
const trusts = (
  context: Context,
  { meshId, meshName, words }: { meshId: string; meshName: string; words: string },
) =>
  confirmed(
    context,
    `A signer of the mesh ${meshName} (${meshId.slice(0, 12)}) lets this machine in. Its screen must have shown these words: ${words}.`,
  )

/** Says each set of words once: whoever approves must see the same. */
function announcer({ out }: Context): (step: JoinProgress) => void {
  const said = new Set<string>()
  return (step) => {
    if (step.is !== 'pending' || said.has(step.words)) return
    said.add(step.words)
    const { words, meshId } = step
    if (out.json) void out.jsonLine({ state: 'pending', words, meshId })
    else {
      out.message(`Asked to be let in. The words of this machine: ${clean(words)}`)
      out.message(
        'On a signer, `bzzz peers ls` must show the same; then type there: bzzz peers approve WORDS. Waiting …',
      )
    }
  }
}

/**
 * Whether the mesh that the home belongs to is left. One that it is a member of, or was, may be
 * joined anew. Errors: `MESH_HAS_OTHERS`.
 */
function mayReplace(there: Membership, token: string | undefined, leave: boolean): boolean {
  if (leave || !there.hadOthers()) return true
  const same =
    token === undefined
      ? there.standing(there.peerId) !== 'member'
      : readToken(token).meshId === there.meshId
  if (same) return false
  const members = there.members().length - 1
  throw new CliError(
    'MESH_HAS_OTHERS',
    `This home belongs to the mesh ${there.meshName}, with ${count(members, 'other machine')}.`,
    {
      data: { meshName: there.meshName, members },
      next: 'Add --leave to leave that mesh; its keys are moved aside, and its members list this machine until one removes it. Or name another home with --home DIR.',
    },
  )
}
