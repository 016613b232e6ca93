/** The smallest task: a repository with one file, what to change in it, and how to see that it was done. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from '../../../process/index.ts'
import type { Check, Chore, WorkOrder } from '../../../work/index.ts'

const FILE = 'greeting.txt'
const WANTED = 'hello from bzzz'
const CHECK_MS = 30_000

export const SAMPLE_ISSUE: WorkOrder['issue'] = {
  number: 1,
  title: 'Change the greeting',
  body: `Replace the content of the file ${FILE} in the top directory of the repository, so that it is this one line, with a line break at its end:\n\n${WANTED}\n\nChange nothing else.`,
  labels: [],
}

export const SAMPLE_CHECK: Check = {
  name: 'greeting',
  run: ['sh', '-c', `test "$(cat ${FILE})" = "${WANTED}"`],
  timeoutMs: CHECK_MS,
}

/** For executors that run chores. */
export const SAMPLE_CHORE: Chore = {
  run: ['sh', '-c', `echo "${WANTED}" > ${FILE}`],
  arguments: {},
}

export async function makeSample(dir: string, git: Git): Promise<WorkOrder['source']> {
  const at = join(dir, 'sample')
  await mkdir(at)
  const run = (...args: string[]) => git(args, { cwd: at })
  await run('init', '--quiet', '--initial-branch=main')
  await writeFile(join(at, FILE), 'hello\n')
  await run('add', FILE)
  const who = ['-c', 'user.name=bzzz', '-c', 'user.email=bzzz@localhost']
  await run(...who, 'commit', '--quiet', '--message', 'A greeting')
  const base = (await run('rev-parse', 'HEAD')).trim()
  return { gitDir: join(at, '.git'), baseBranch: 'main', base }
}
