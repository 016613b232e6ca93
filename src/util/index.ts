/**
 * Leaf helpers without a home elsewhere: time, deadlines, coded errors, start and stop, bounded
 * queues, repeating tasks, decoding, the log's interface. No room's knowledge lives here, and it
 * imports no room.
 *
 * @example
 * const page = await withDeadline('read the page', 5_000, (signal) => fetch(url, { signal }))
 */
export { boundedSync } from './bounded.ts'
export { describeClock, systemClock, type Clock } from './clock.ts'
export { canonicalJson, decodeJson, encodeJson, sha256, type Json } from './codec.ts'
export { sleep, throwIfAborted, until, withDeadline, type WaitOptions } from './deadline.ts'
export { CodedError, CommonError, explain, hasCode, type CodedErrorOptions } from './errors.ts'
export { withoutLocalPaths } from './local-paths.ts'
export { Lifecycle, type Startable } from './lifecycle.ts'
export { createLogger, nullLogger, type Logger, type LogLevel } from './log.ts'
export { allowed, PermitSource, standing, unlimited, whileAllowed, type Permit } from './permit.ts'
export { BoundedQueue } from './queue.ts'
export { RecentMap } from './recent-map.ts'
export { repeat, type Repeating } from './repeat.ts'
export { urlProblem } from './url-problem.ts'
export { yamlProblem } from './yaml-problem.ts'
