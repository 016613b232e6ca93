/** Options about the sandbox in which executors, checks and chores run, and what it may use of the machine. */
import { z } from 'zod'
import * as field from './fields.ts'
import { option, wholeNumber } from './option.ts'

const MIB = 1024 * 1024
const TIB = 1024 * 1024 * MIB

export const sandbox = {
  sandbox: option(z.enum(['auto', 'bubblewrap', 'landlock', 'container', 'off']).default('auto'), {
    what: 'What keeps work apart from the machine: executors, checks and chores see their clone, a home of their own and the system’s programs, and no network but named hosts.',
    why: '`auto` takes bubblewrap where it works, else Landlock; `bzzz doctor` says which one, why, and what it lacks. `container` asks the container engine for one per child. Where none works, nothing is run, unless this says `off`: only where nobody else can write issues.',
    form: 'auto, bubblewrap, landlock, container or off',
  }),
  readable: option(z.array(field.path).max(100).default([]), {
    what: 'Files and directories that work may read beside the system’s programs and those on the PATH.',
    why: 'For toolchains in a home, such as ~/.rustup, and data that tests need. Whatever lies there can be read by whoever steers the work.',
    form: 'a list of paths, up to 100',
    defaultText: 'none',
  }),
  memoryBytes: option(
    z
      .int()
      .min(64 * MIB)
      .max(TIB)
      .optional(),
    {
      what: 'Memory of one child and all that it starts, after which it is ended.',
      why: 'A task that runs wild must not take the agent or the machine along.',
      form: wholeNumber(64 * MIB, TIB),
      unit: 'bytes',
      defaultText: 'half of the machine’s',
    },
  ),
  processes: option(z.int().min(16).max(100_000).default(2_048), {
    what: 'Processes and threads of one child and all that it starts.',
    why: 'Far above any build, far below what a fork bomb needs to stop a machine.',
    form: wholeNumber(16, 100_000),
  }),
  diskBytes: option(
    z
      .int()
      .min(16 * MIB)
      .max(TIB)
      .default(10 * 1024 * MIB),
    {
      what: 'What one child may add to the disk, after which it is ended.',
      why: 'Enough for dependencies and builds; a full disk would stop the agent and its journal.',
      form: wholeNumber(16 * MIB, TIB),
      unit: 'bytes',
    },
  ),
  openFiles: option(z.int().min(64).max(1_000_000).default(4_096), {
    what: 'Files that one process of the work may have open.',
    why: 'What most systems give a user’s programs at most.',
    form: wholeNumber(64, 1_000_000),
  }),
}
