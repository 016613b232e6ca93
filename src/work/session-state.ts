/**
 * The conversation of an executor, kept beside the clone where the executor itself cannot write:
 * whoever works in the same workspace again, in a new process or after a restart of the agent, can
 * go on with it. Only its name is kept; what was said is in the executor's own home.
 *
 * Agents keep a conversation by the directory it was had in. Where the workspace is elsewhere by now, as after a
 * restart of this agent, it is not asked for: a new one begins with the whole task and what was tried.
 *
 *   <workspace>/session.json   {"executor": "claude", "cwd": "…/clone", "id": "…"}
 */
import { open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { decodeJson } from '../util/index.ts'
import type { Place } from './executor.ts'

const FILE = 'session.json'
const MAX_BYTES = 8 * 1024
const schema = z.object({
  executor: z.string().max(64),
  cwd: z.string().max(4_096),
  id: z.string().min(1).max(1_024),
})

/** The conversation that this executor had here; undefined when there is none that can be read. */
export async function readSession(
  place: Pick<Place, 'root' | 'clone'>,
  executor: string,
): Promise<string | undefined> {
  const file = await open(join(place.root, FILE)).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES + 1))
    const text = buffer.subarray(0, bytesRead)
    const found = decodeJson(text, { what: 'a session', schema, maxBytes: MAX_BYTES })
    return found.executor === executor && found.cwd === place.clone ? found.id : undefined
  } catch {
    // A conversation that cannot be named is begun anew.
    return undefined
  } finally {
    await file.close()
  }
}

export async function writeSession(
  place: Pick<Place, 'root' | 'clone'>,
  { executor, id }: { executor: string; id: string },
): Promise<void> {
  const file = join(place.root, FILE)
  await writeFile(`${file}.new`, `${JSON.stringify({ executor, cwd: place.clone, id })}\n`, {
    mode: 0o600,
  })
  await rename(`${file}.new`, file)
}
