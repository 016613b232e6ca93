/** What a journal that is known here is made of (`source.ts`). */
import type { Hypercore } from 'hypercore'
import type { Logger } from '../../util/index.ts'
import type { VerifySignature } from '../types.ts'

export interface SourceInit {
  peerId: string
  key: string
  epoch: number
  own: boolean
  name: string | undefined
  /** Entries from 2 to before this one were dropped here. */
  dropped: number
  /** Whether it is downloaded, and how many bytes of it. */
  downloads: boolean
  maxBytes: number
  /** Where the store is, for errors. */
  dir: string
}

/** `Source`: what it makes, which is told of itself. */
export interface SourceComponents<Source> {
  core: Hypercore
  verify: VerifySignature
  logger: Logger
  /** An entry with that order was read. */
  onOrder: (order: number) => void
  /** More became readable, or the identity was decided. */
  onChange: (source: Source) => void
  onProblem: (source: Source, problem: string) => void
  /** Hypercore closed it as it met two histories of it: to be opened anew, for reading. */
  onFrozen?: (source: Source) => void
}
