/** How a decision is said in the options that an agent offers. Pure. */
import type { PermissionOption, RequestPermissionOutcome } from '@agentclientprotocol/sdk'

/** Also the answer to what was asked in a turn that is over. */
export const CANCELLED: RequestPermissionOutcome = { outcome: 'cancelled' }

const ALLOW: readonly PermissionOption['kind'][] = ['allow_once', 'allow_always']
const REFUSE: readonly PermissionOption['kind'][] = ['reject_once', 'reject_always']

/**
 * Once, where that is offered: a standing answer is given only in want of another, since it ends with
 * the session. `CANCELLED` where nothing fits.
 */
export function answerWith(
  options: readonly PermissionOption[],
  allow: boolean,
): RequestPermissionOutcome {
  for (const kind of allow ? ALLOW : REFUSE) {
    const option = options.find((one) => one.kind === kind)
    if (option !== undefined) return { outcome: 'selected', optionId: option.optionId }
  }
  return CANCELLED
}
