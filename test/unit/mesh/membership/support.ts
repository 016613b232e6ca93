/** Homes in temporary directories that found, join and exchange statements without a network. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createJoiner,
  foundMesh,
  type InviteOptions,
  type JoinerInit,
  type JoinStep,
  type Membership,
} from '../../../../src/mesh/index.ts'
import { nullLogger } from '../../../../src/util/index.ts'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { keyFromSeed } from '../../../../src/mesh/membership/keys.ts'
import { fakeClock } from '../fake-clock.ts'

export const address = '/ip4/192.168.7.20/tcp/4001'

export async function createWorld() {
  const root = await mkdtemp(join(tmpdir(), 'bzzz-membership-'))
  const clock = fakeClock()
  const common = { clock, logger: nullLogger }
  const home = (name: string) => join(root, name)

  const found = (name = 'ada', meshName = 'demo') =>
    foundMesh({ home: home(name), meshName, name, roles: ['worker'], ...common })

  const joiner = (name: string, more: Partial<JoinerInit> = {}) =>
    createJoiner({ home: home(name), name, roles: ['worker'], ...common, ...more })

  /** One attempt of `name` with `responder`. */
  const attempt = async (
    name: string,
    responder: Membership,
    more: Partial<JoinerInit> = {},
  ): Promise<JoinStep> => {
    const one = await joiner(name, more)
    const answer = await responder.answer(wire(await one.message(responder.peerId)), {
      peerId: one.peerId,
      address,
    })
    return one.accept(wire(answer), responder.peerId)
  }

  /** Brings `name` in by an invite of `signer`. */
  const admit = async (
    name: string,
    signer: Membership,
    options: Partial<InviteOptions> = {},
  ): Promise<Membership> => {
    const { token } = await signer.invite({ addresses: [address], ...options })
    const step = await attempt(name, signer, { token })
    if (step.is !== 'joined') throw new Error(`did not join: ${JSON.stringify(step)}`)
    return step.membership
  }

  return {
    root,
    clock,
    common,
    home,
    found,
    joiner,
    attempt,
    admit,
    close: () => rm(root, { recursive: true, force: true }),
  }
}

export type World = Awaited<ReturnType<typeof createWorld>>

export interface TestIdentity {
  readonly peerId: string
  sign(data: Uint8Array): Promise<Uint8Array>
}

/** The same for the same number. */
export function identityOf(n: number): TestIdentity {
  const key = keyFromSeed(Buffer.alloc(32, n))
  const raw = Buffer.from(key.publicKey, 'base64url')
  return {
    peerId: peerIdFromPublicKey(publicKeyFromRaw(raw)).toString(),
    sign: async (data) => key.sign(data),
  }
}

/** As it comes out at the other end. */
export function wire<T>(message: T): T {
  return JSON.parse(JSON.stringify(message)) as T
}

/** All exchange their statements until nothing is new. */
export async function sync(...all: Membership[]): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    for (const one of all) for (const other of all) await one.merge(wire(other.statements()))
  }
}

export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return 'nothing thrown'
}
