/**
 * The thread in which texts are scanned: a regular expression that a hostile text keeps busy cannot be
 * interrupted, but its thread can be ended.
 */
import { parentPort } from 'node:worker_threads'
import { findSecrets } from './rules.ts'
import type { HeldForms } from '../held.ts'
import type { ScanPart, SecretHit } from './types.ts'

export interface ScanRequest {
  parts: readonly ScanPart[]
  held: readonly HeldForms[]
  ignore: readonly string[]
}

/** `failed` holds no text that was scanned. */
export type ScanAnswer = { hits: SecretHit[] } | { failed: string }

parentPort?.on('message', ({ parts, held, ignore }: ScanRequest) => {
  const answer = (message: ScanAnswer) => parentPort?.postMessage(message)
  findSecrets(parts, held, ignore).then(
    (hits) => answer({ hits }),
    (error: unknown) => answer({ failed: error instanceof Error ? error.name : 'unknown' }),
  )
})
