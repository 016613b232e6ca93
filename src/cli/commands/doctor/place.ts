/** A directory for a command's own use and what runs children in it; both are gone when it ends. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createGit,
  createProcesses,
  type Git,
  type Processes,
  type SandboxChoice,
} from '../../../process/index.ts'
import { createLogger } from '../../../util/index.ts'
import type { Context } from '../../context.ts'

export interface Place {
  dir: string
  processes: Processes
  git: Git
}

export async function withPlace<T>(
  { globals, env }: Context,
  use: (place: Place) => Promise<T>,
  { sandbox = 'auto' }: { sandbox?: SandboxChoice } = {},
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'bzzz-doctor-'))
  const logger = await createLogger({ level: globals.verbose === true ? 'debug' : 'silent' })
  const processes = createProcesses({ stateDir: dir, logger, sandbox })
  try {
    return await use({ dir, processes, git: createGit({ processes, env }) })
  } finally {
    await processes.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
