/** What messages are made of: the forms of single values. */
import { z } from 'zod'

export const text = (max: number) => z.string().max(max)
export const peerId = z
  .string()
  .regex(/^[1-9A-HJ-NP-Za-km-z]{46,64}$/, 'a libp2p peer id in base58')
export const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `${bytes} bytes in hex`)
export const repo = z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, 'owner/name')
export const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
