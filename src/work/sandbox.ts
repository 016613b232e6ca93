/** What a child of a task may reach: its clone, its home and its temporary files; the rest is the machine's. */
import type { SandboxRequest } from '../process/index.ts'
import type { SandboxSettings } from './executor-settings.ts'
import type { Place } from './executor.ts'

export interface Reach {
  place: Pick<Place, 'clone' | 'home' | 'tmp' | 'proxy'>
  settings: SandboxSettings
  /** To be read beside what the settings name. */
  read?: readonly string[]
  /** Unix sockets beside the proxy's. Default none: only the executor itself has its task's. */
  sockets?: readonly string[]
}

export function sandboxFor({ place, settings, read = [], sockets = [] }: Reach): SandboxRequest {
  const { clone, home, tmp, proxy } = place
  return {
    read: [...settings.readable, ...read],
    write: [clone, home, tmp],
    sockets: [...sockets],
    network: proxy === undefined ? 'none' : { proxy },
    limits: settings.limits,
  }
}
