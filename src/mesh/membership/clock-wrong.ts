/** What a machine whose clock is wrong says of it. */
import { describeClock } from '../../util/index.ts'
import { MeshError } from '../errors.ts'
import type { ClockHint } from './times.ts'

export function clockWrong(hint: ClockHint): MeshError {
  return new MeshError('CLOCK_WRONG', `The clock of this machine is ${describeClock(hint)}.`, {
    data: { offsetMs: hint.offsetMs, members: hint.members },
    next: 'Let the system set it: timedatectl set-ntp true. Until then, do it on another signer.',
  })
}
