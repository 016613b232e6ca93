/** The guest that there is when none could be started: closed pipes and an exit that says why. */
import { PassThrough, Writable } from 'node:stream'
import type { Exit, Guest } from './types.ts'

export function notStarted(ended: Exit): Guest {
  const exit = Promise.resolve(ended)
  return {
    pid: 0,
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout: new PassThrough().end(),
    stderr: new PassThrough().end(),
    exit,
    stop: () => exit,
  }
}
